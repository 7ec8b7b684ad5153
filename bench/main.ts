// The suite in a page: choose, run, watch the table fill, keep it as JSON.

import { requestDevice, summarize } from '../src/gpu/device.ts';
import { find, nextFrame } from '../src/demo/page.ts';
import { peers as all, SUBJECT } from './peers/index.ts';
import type { Peer, Platform } from './peers/peer.ts';
import {
  callTable,
  formatRate,
  formatReport,
  formatRatio,
  formatSeconds,
  formatSpread,
  notesOf,
  reportOf,
  type Environment,
  type Report,
} from './report.ts';
import { openPeers, runCase, type Absent, type Result, type Row } from './run.ts';
import { suite, type Scale } from './suite.ts';

const SECONDS = 0.05;

const form = find('form', HTMLFormElement);
const scaleChoice = find('scale', HTMLSelectElement);
const rounds = find('rounds', HTMLInputElement);
const [runButton, stopButton, saveButton] = ['run', 'stop', 'save'].map((id) => find(id, HTMLButtonElement));
const status = find('status', HTMLElement);
/** Opened once: a library and its device outlive a run. */
const opened = new Map<string, Promise<readonly (Peer | Absent)[]>>();
let report: Report | undefined;
let stopped = false;

function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  text = '',
  children: readonly Node[] = [],
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  made.append(text, ...children);
  return made;
}

function choices(id: string, names: readonly string[]): void {
  for (const name of names) {
    const box = element('input');
    Object.assign(box, { type: 'checkbox', name: id, value: name, checked: true });
    find(id, HTMLElement).append(element('label', '', [box, new Text(name)]));
  }
}

const chosen = (id: string): string[] => new FormData(form).getAll(id).map(String);

function cellOf(row: Row | undefined, fastest: number): HTMLTableCellElement {
  const cell = element('td');
  if (row?.correct === false) {
    cell.className = 'wrong';
    cell.append('wrong');
  } else if (row?.median !== undefined) {
    cell.classList.toggle('fastest', row.median === fastest);
    cell.title = `${formatRate(row)}, quartiles ${[row.q1!, row.q3!].map(formatSeconds).join(' and ')}`;
    cell.append(formatSeconds(row.median), element('small', `${formatRatio(row)}, ${formatSpread(row)}`));
  } else if (row) {
    cell.title = row.unavailable ?? '';
    cell.append('–');
  }
  return cell;
}

function show(results: readonly Result[], peers: readonly (Peer | Absent)[]): void {
  const { group, name, rows } = results.at(-1)!;
  const fastest = Math.min(...rows.map(({ median = Infinity }) => median));
  const cells = peers.map((peer) =>
    cellOf(
      rows.find((row) => row.peer === peer.name),
      fastest,
    ),
  );
  const head = element('th', name, [element('small', group)]);
  head.scope = 'row';
  find('body', HTMLElement).append(element('tr', '', [head, ...cells]));
  find('notes', HTMLElement).replaceChildren(...notesOf(results).map((note) => element('li', note)));
  const calls = callTable(results).map(([who, ...counts], at) =>
    element('tr', '', [element('th', who), ...counts.map((count) => element(at === 0 ? 'th' : 'td', count))]),
  );
  find('calls', HTMLElement).replaceChildren(...calls);
}

function begin(peers: readonly (Peer | Absent)[]): void {
  const heads = peers.map((peer) => {
    const head = element('th', peer.name, [element('small', 'version' in peer ? peer.version : '')]);
    head.scope = 'col';
    return head;
  });
  find('head', HTMLElement).replaceChildren(element('tr', '', [element('th'), ...heads]));
  find('body', HTMLElement).replaceChildren();
  find('results', HTMLElement).hidden = false;
}

async function openChosen(platform: Platform): Promise<(Peer | Absent)[]> {
  const names = new Set([SUBJECT, ...chosen('peers')]);
  const found = [];
  for (const entry of all.filter(({ name }) => names.has(name))) {
    status.textContent = `Starting ${entry.name} …`;
    await nextFrame();
    const opening = opened.get(entry.name) ?? openPeers([entry], platform);
    opened.set(entry.name, opening);
    found.push(...(await opening));
  }
  return found;
}

async function run(platform: Platform, environment: Environment): Promise<void> {
  const scale = scaleChoice.value as Scale;
  const patience = { rounds: rounds.valueAsNumber, seconds: SECONDS };
  const peers = await openChosen(platform);
  const groups = chosen('groups');
  const cases = suite(scale).filter(({ group }) => groups.includes(group));
  const results: Result[] = [];
  begin(peers);
  for (const [at, one] of cases.entries()) {
    if (stopped) break;
    status.textContent = `${at + 1} of ${cases.length}: ${one.group}, ${one.name} …`;
    await nextFrame();
    results.push(await runCase(one, peers, platform, patience, SUBJECT));
    report = reportOf(environment, scale, patience, peers, results);
    show(results, peers);
    saveButton.disabled = false;
  }
  status.textContent = `${stopped ? 'Stopped' : 'Done'}: ${results.length} of ${cases.length} cases.`;
}

function save(): void {
  const link = element('a');
  link.href = URL.createObjectURL(new Blob([formatReport(report!)], { type: 'application/json' }));
  link.download = `bench-${report!.date.slice(0, 16).replace(/\D/g, '')}.json`;
  link.click();
  URL.revokeObjectURL(link.href);
}

async function start(): Promise<void> {
  choices('groups', [...new Set(suite('hardware').map(({ group }) => group))]);
  choices(
    'peers',
    all.map(({ name }) => name).filter((name) => name !== SUBJECT),
  );
  const device = await requestDevice().catch(() => undefined);
  const adapter = device ? summarize(device) : null;
  find('device', HTMLElement).textContent = adapter
    ? `WebGPU on ${adapter.name}`
    : 'There is no WebGPU here: only those that do without it are measured.';
  scaleChoice.value = adapter && !adapter.software ? 'hardware' : 'software';
  const { userAgent, hardwareConcurrency, platform } = navigator;
  const environment = {
    runtime: userAgent,
    machine: { cores: hardwareConcurrency, system: platform },
    adapter,
    toggles: [],
  };
  const measure = async (): Promise<void> => {
    stopped = false;
    runButton.disabled = true;
    stopButton.disabled = false;
    status.classList.remove('wrong');
    try {
      await run({ device }, environment);
    } catch (error) {
      status.textContent = String(error);
      status.classList.add('wrong');
    } finally {
      runButton.disabled = false;
      stopButton.disabled = true;
    }
  };
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    void measure();
  });
  stopButton.addEventListener('click', () => {
    stopped = true;
    status.textContent = 'Stopping after this case …';
  });
  saveButton.addEventListener('click', save);
  runButton.disabled = false;
  status.textContent = 'Ready. Other tabs and programs disturb the figures.';
}

void start();
