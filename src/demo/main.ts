// The page: what a visitor chooses goes to the worker, and what the worker tells is shown. Nothing is computed here.

import { Controls } from './controls.ts';
import { Curves } from './charts/curves.ts';
import { Cycle } from './cycle/cycle.ts';
import { Figures } from './charts/figures.ts';
import { Files } from './files.ts';
import { FirstWeights } from './picture/firstWeights.ts';
import { Mistakes } from './pad/mistakes.ts';
import { NetworkView } from './picture/networkView.ts';
import { Pad } from './pad/pad.ts';
import { find, onLook, percent, put } from './page.ts';
import type { Command, Glance, Happening, Opened, Stage } from './protocol.ts';
import { ProfileTable } from './charts/profileTable.ts';
import { formatSettings, parseSettings, type Settings } from './settings.ts';
import { Tour } from './cycle/tour.ts';

const worker = new Worker(new URL('./worker/worker.ts', import.meta.url), { type: 'module' });
const send = (command: Command): void => worker.postMessage(command, []);

const button = (id: string): HTMLButtonElement => find(id, HTMLButtonElement);
const status = find('status', HTMLElement);
const speed = find('speed', HTMLSelectElement);
const digit = find('digit', HTMLSelectElement);

const figures = new Figures();
const curves = new Curves(find('curves', HTMLElement));
const weights = new FirstWeights(find('weights', HTMLElement));
const cycle = new Cycle(find('cycle', HTMLElement), (stage, around) => chooseStage(stage, around));
const network = new NetworkView(cycle.picture);
const pad = new Pad(find('pad', HTMLElement), read, { onExample: () => send({ kind: 'example' }) });
const mistakes = new Mistakes(find('mistakes', HTMLElement), ({ pixels }) => {
  const drawn = Float32Array.from(pixels, (value) => value / 255);
  pad.set(drawn);
  read(drawn);
  find('draw-title', HTMLElement).scrollIntoView({ block: 'nearest' });
});
const profile = new ProfileTable(find('profile-table', HTMLElement));
const files = new Files(send, say);
const controls = new Controls((settings, underWay) => configure(settings, underWay));
const tour = new Tour((stage, progress) => {
  if (!seen) return;
  cycle.stage = stage;
  network.show(seen, stage, progress);
  if (progress === 1) weights.show(seen, stage);
});

/** What is on display. */
let seen: Glance | undefined;
let running = false;

function say(text: string, isWrong = false): void {
  status.textContent = text;
  status.classList.toggle('wrong', isWrong);
}

const sayPreparing = (): void => say('Preparing the network …');

function read(pixels: Float32Array): void {
  send({ kind: 'read', pixels });
}

/** What lies on the pad, by a network that has learned since. */
function readAgain(): void {
  if (pad.pixels) read(pad.pixels);
}

/** Steps in a second; null for as many as can be. */
const perSecond = (): number | null => (speed.value === '' ? null : Number(speed.value));

function configure(settings: Settings, underWay: boolean): void {
  history.replaceState(null, '', `?${formatSettings(settings)}`);
  sayPreparing();
  send({ kind: 'configure', settings, keep: underWay });
}

/** @param around whether the visitor came there by going on behind the last stage: then the network takes a step */
function chooseStage(stage: Stage, around: boolean): void {
  if (around && !running) send({ kind: 'step' });
  tour.play(stage);
}

function follow(another: boolean): void {
  const chosen = Number(digit.value);
  controls.follow(chosen);
  if (!another) history.replaceState(null, '', `?${formatSettings(controls.settings)}`);
  send({ kind: 'follow', digit: chosen, another });
}

function made(happening: Extract<Happening, { readonly kind: 'made' }>): void {
  figures.begin(happening);
  if (happening.step === 0) curves.clear();
  for (const id of ['start', 'step', 'reset', 'another', 'examine', 'profile', 'mnist', 'synthetic', 'save'])
    button(id).disabled = false;
  if (status.classList.contains('wrong')) return;
  say(running ? 'Training.' : 'Ready: press Start.');
}

function show(glance: Glance): void {
  seen = glance;
  const { optimizer, activation } = controls.settings;
  cycle.show(glance, { optimizer, activation, learningRate: glance.rate });
  const pace = perSecond();
  if (running && pace !== null && tour.moves) tour.run(900 / pace);
  else {
    network.show(glance, cycle.stage);
    weights.show(glance, cycle.stage);
  }
}

function setRunning(now: boolean): void {
  running = now;
  button('start').textContent = running ? 'Pause' : 'Start';
  figures.restartClock();
  sayWhere();
  if (running) return;
  tour.stop();
  if (seen) network.show(seen, cycle.stage);
  readAgain();
}

/** Whether it trains, where nothing worse is to be said. */
function sayWhere(): void {
  if (status.classList.contains('wrong')) return;
  say(running ? 'Training.' : `Paused at step ${find('at', HTMLElement).textContent}.`);
}

function hear(happening: Happening): void {
  switch (happening.kind) {
    case 'made':
      return made(happening);
    case 'data':
      return files.data(happening);
    case 'download':
      return files.download(happening);
    case 'taken':
      curves.taken(happening);
      figures.taken(happening, curves.smooth);
      return running ? undefined : sayWhere();
    case 'probe':
      curves.probe(happening);
      mistakes.show(happening.examination);
      readAgain();
      return figures.probe(happening);
    case 'glance':
      return show(happening.glance);
    case 'examination':
      mistakes.show(happening.examination);
      return say(
        `Read ${happening.examination.count.toLocaleString('en')} test images: ${percent(happening.examination.accuracy)} right.`,
      );
    case 'kernels':
      return keepKernels(happening.text);
    case 'profile':
      return profile.show(happening.profile);
    case 'running':
      return setRunning(happening.running);
    case 'answer':
      return pad.show(happening.probabilities);
    case 'example':
      pad.set(happening.pixels);
      return read(happening.pixels);
    case 'saved':
      return files.save(
        happening.bytes,
        `millrace-step-${find('at', HTMLElement).textContent?.replace(/\D/g, '')}.safetensors`,
      );
    case 'loaded':
      return loaded(happening);
    case 'recovered':
      figures.runOn(happening.where);
      return say(
        `The GPU was lost (${happening.reason}). Nothing of it is lost: it goes on from step ${happening.step.toLocaleString('en')}.`,
        true,
      );
    case 'wrong':
      files.settle();
      button('reset').disabled = false;
      return say(happening.message, true);
  }
}

const KERNELS_KEY = 'millrace kernels';

function keptKernels(): string | null {
  try {
    return localStorage.getItem(KERNELS_KEY);
  } catch {
    return null;
  }
}

function keepKernels(text: string): void {
  try {
    localStorage.setItem(KERNELS_KEY, text);
  } catch {
    // Closed to this page: the next visit measures again.
  }
}

function loaded(opened: Opened): void {
  const { digit: followed } = controls.settings;
  if (opened.search) controls.show({ ...parseSettings(opened.search).settings, digit: followed });
  history.replaceState(null, '', `?${formatSettings(controls.settings)}`);
  if (opened.goesOn) {
    curves.clear();
    figures.moveTo(opened);
  }
  say(sentenceOf(opened));
  readAgain();
}

/** What was made of a file, and why no more. */
function sentenceOf({ name, goesOn, why, step }: Opened): string {
  const reasons = why.join('; ');
  if (!goesOn) return `Took only the weights of ${name}: ${reasons}.`;
  const from = `Goes on from step ${step.toLocaleString('en')}, where ${name} was saved`;
  return reasons ? `${from}, but not in the same bits: ${reasons}.` : `${from}, in the same bits.`;
}

function begin(): void {
  const { settings, problems } = parseSettings(location.search);
  digit.append(...Array.from({ length: 10 }, (_, at) => new Option(String(at))));
  digit.value = String(settings.digit);
  controls.show(settings);
  if (problems.length > 0) say(problems.join(' '), true);
  button('start').addEventListener('click', () => {
    say(running ? 'Pausing …' : 'Training.');
    send(running ? { kind: 'pause' } : { kind: 'start', perSecond: perSecond() });
  });
  button('step').addEventListener('click', () => send({ kind: 'step' }));
  button('reset').addEventListener('click', () => {
    sayPreparing();
    send({ kind: 'pause' });
    send({ kind: 'configure', settings: controls.settings, keep: false });
  });
  speed.addEventListener('change', () => {
    tour.stop();
    if (running) send({ kind: 'start', perSecond: perSecond() });
  });
  digit.addEventListener('change', () => follow(false));
  button('another').addEventListener('click', () => follow(true));
  button('examine').addEventListener('click', () => send({ kind: 'examine' }));
  button('profile').addEventListener('click', () => send({ kind: 'profile' }));
  button('link').addEventListener('click', () => void copyLink());
  worker.addEventListener('message', ({ data }: MessageEvent<Happening>) => hear(data));
  worker.addEventListener('error', ({ message }) =>
    say(message || 'The worker that trains could not be started.', true),
  );
  const kernels = keptKernels();
  if (kernels !== null) send({ kind: 'kernels', text: kernels });
  send({ kind: 'configure', settings, keep: false });
}

async function copyLink(): Promise<void> {
  history.replaceState(null, '', `?${formatSettings(controls.settings)}`);
  try {
    await navigator.clipboard.writeText(location.href);
    put('link', 'Copied');
    setTimeout(() => put('link', 'Copy link to this run'), 2000);
  } catch {
    say('The browser lets the page copy nothing: copy its address instead, which says it all.');
  }
}

onLook(
  find('curves', HTMLElement),
  () => curves.draw(),
  () => curves.remake(),
);
begin();
