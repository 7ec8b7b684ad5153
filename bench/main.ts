// The suite in a page: choose, run, watch the figures come, keep them.

import { find, nextFrame } from '../src/demo/page.ts';
import { chosen, offerChoices, type Chosen } from './choices.ts';
import { offerToKeep, type Kept } from './keep.ts';
import { markdownOf } from './markdown.ts';
import type { Peer } from './peers/peer.ts';
import { sides, SUBJECT } from './peers/sides.ts';
import { describePlace, openPlace, type Place } from './place.ts';
import { keptRuns } from './keptRuns.ts';
import { formatReport, reportOf, type Report } from './report.ts';
import { showResults } from './results.ts';
import type { Absent, Result } from './run.ts';
import { sentencesOf } from './words.ts';

/** Of a sample: enough for a page's clock, and less where nobody is to compare times. */
const SECONDS = 0.05;
const SECONDS_OF_SMALLEST = 0.005;

const form = find('form', HTMLFormElement);
const [runButton, stopButton] = ['run', 'stop'].map((id) => find(id, HTMLButtonElement));
const status = find('status', HTMLElement);
const advance = find('advance', HTMLElement);
const progress = find('progress', HTMLProgressElement);
const doing = find('doing', HTMLElement);

/** Thrown where a run is asked to end. */
class Stopped extends Error {}

function say(text: string, wrong = false): void {
  status.textContent = text;
  status.classList.toggle('wrong', wrong);
}

/** One run, from the button to the last figure. */
class Run {
  readonly #place: Place;
  readonly #chosen: Chosen;
  readonly #results: Result[] = [];
  readonly #failures: string[] = [];
  #stopped = false;
  kept: Kept | undefined;

  constructor(place: Place, choice: Chosen) {
    this.#place = place;
    this.#chosen = choice;
  }

  stop(): void {
    this.#stopped = true;
    say('Stopping …');
  }

  /** Says what comes next, and lets the page show it. */
  async #next(text: string): Promise<void> {
    if (this.#stopped) throw new Stopped();
    doing.textContent = text;
    await nextFrame();
  }

  /** Peers are loaded here, and not before. */
  async #open(): Promise<(Peer | Absent)[]> {
    const [{ peers: entries }, { openPeers }] = await Promise.all([import('./peers/index.ts'), import('./run.ts')]);
    const { device, peers } = this.#place;
    const found = [];
    for (const entry of entries.filter(({ name }) => this.#chosen.peers.includes(name))) {
      await this.#next(`starting ${entry.name}`);
      const opening = peers.get(entry.name) ?? openPeers([entry], { device });
      peers.set(entry.name, opening);
      found.push(...(await opening));
    }
    return found;
  }

  async #measure(): Promise<void> {
    const { cases, rounds, scale } = this.#chosen;
    say('Starting the libraries …');
    const peers = await this.#open();
    const { runCase } = await import('./run.ts');
    const patience = { rounds, seconds: scale === 'quick' ? SECONDS_OF_SMALLEST : SECONDS };
    const { device } = this.#place;
    const parts = peers.length + rounds;
    progress.max = cases.length * parts;
    for (const [at, one] of cases.entries()) {
      say(`${at + 1} of ${cases.length}: ${one.group}, ${one.name}.`);
      progress.value = at * parts;
      const watch = async (text: string): Promise<void> => {
        await this.#next(text);
        progress.value++;
      };
      try {
        this.#results.push(await runCase(one, peers, { device }, patience, SUBJECT, watch));
      } catch (error) {
        if (error instanceof Stopped) throw error;
        this.#failures.push(`${one.group}/${one.name} failed: ${String(error)}`);
      }
      this.#show(patience, peers);
    }
  }

  #show(patience: { rounds: number; seconds: number }, peers: readonly (Peer | Absent)[]): void {
    const { environment, complaints } = this.#place;
    const report = reportOf(environment, this.#chosen.scale, patience, peers, this.#results);
    this.kept = present(report, [...this.#failures, ...complaints]);
  }

  async measure(): Promise<void> {
    const { length } = this.#chosen.cases;
    try {
      await this.#measure();
      say(`Done: ${this.#results.length} of ${length} cases.`);
    } catch (error) {
      if (error instanceof Stopped) say(`Stopped: ${this.#results.length} of ${length} cases.`);
      else say(String(error), true);
    }
  }
}

/** Shows a report. @param origin where it comes from, if not from here   @returns what can be copied of it */
function present(report: Report, troubles: readonly string[], origin?: string): Kept {
  const { results, adapter, date } = report;
  const sentences = sentencesOf({ results, sides, subject: SUBJECT, adapter });
  showResults(report, sentences, troubles, origin);
  return { date, json: formatReport(report), markdown: markdownOf(report, sentences) };
}

/** A run that is kept with the project, until there is one of here. */
async function showKeptRun(isStill: () => boolean): Promise<Kept | undefined> {
  const [report] = await keptRuns();
  if (!report || !isStill()) return undefined;
  const { machine, runtime, adapter, date } = report;
  const on = [machine.cpu, `${machine.cores} cores`, runtime, adapter?.name ?? 'no WebGPU'].filter(Boolean).join(', ');
  return present(
    report,
    [],
    `Not of this browser: a run that is kept with the project, of ${date.slice(0, 10)}, on ${on}.`,
  );
}

const nameDevice = (place: Place): void => {
  find('device', HTMLElement).textContent = describePlace(place);
};

/** One button in the place of the other; the keyboard stays where it was. */
function showRunning(runs: boolean): void {
  const [shown, gone] = runs ? [stopButton, runButton] : [runButton, stopButton];
  const focused = document.activeElement === gone;
  advance.hidden = !runs;
  shown.hidden = false;
  gone.hidden = true;
  if (focused) shown.focus();
}

async function start(): Promise<void> {
  offerChoices();
  let place = await openPlace(nameDevice);
  nameDevice(place);
  const { adapter } = place.environment;
  find('scale', HTMLSelectElement).value = adapter && !adapter.software ? 'hardware' : 'software';
  let run: Run | undefined;
  const keptRun = await showKeptRun(() => run === undefined);

  const measure = async (choice: Chosen): Promise<void> => {
    if (choice.cases.length === 0) return say('There is nothing to measure: choose some work.', true);
    showRunning(true);
    if (place.lost !== undefined) nameDevice((place = await openPlace(nameDevice)));
    run = new Run(place, choice);
    await run.measure();
    showRunning(false);
  };
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    void measure(chosen(form));
  });
  stopButton.addEventListener('click', () => run?.stop());
  offerToKeep(() => run?.kept ?? keptRun);
  runButton.disabled = false;
  say('Ready. It takes some minutes; other tabs and programs disturb the figures.');
}

void start();
