import type { AdapterSummary } from '../src/gpu/device.ts';
import type { Patience } from './measure.ts';
import type { Peer } from './peers/peer.ts';
import type { Absent, Result, Row } from './run.ts';
import type { Scale } from './suite.ts';

/** Where a suite ran. */
export interface Environment {
  readonly runtime: string;
  readonly machine: {
    /** A page is not told. */
    readonly cpu?: string;
    readonly cores: number;
    readonly gigabytes?: number;
    readonly system: string;
    /** What else the machine did as the run began: averages over 1, 5 and 15 minutes. */
    readonly load?: readonly number[];
  };
  /** None where there is no WebGPU. */
  readonly adapter: AdapterSummary | null;
  /** What Dawn was told beside its defaults. */
  readonly toggles: readonly string[];
}

/** A run of the suite, as it is kept in bench/results. */
export interface Report extends Environment, Patience {
  readonly date: string;
  readonly scale: Scale;
  readonly peers: readonly { readonly name: string; readonly version?: string; readonly unavailable?: string }[];
  readonly results: readonly Result[];
}

export function reportOf(
  environment: Environment,
  scale: Scale,
  { rounds, seconds }: Patience,
  peers: readonly (Peer | Absent)[],
  results: readonly Result[],
): Report {
  const named = peers.map((peer) => ('unavailable' in peer ? peer : { name: peer.name, version: peer.version }));
  return { date: new Date().toISOString(), ...environment, scale, rounds, seconds, peers: named, results };
}

const DIGITS = 6;

/** As JSON, without digits that say nothing. */
export const formatReport = (report: Report): string =>
  `${JSON.stringify(report, (_, value: unknown) => (typeof value === 'number' ? Number(value.toPrecision(DIGITS)) : value), 1)}\n`;

/** Three digits that count, as people write them. */
export function threeDigits(x: number): string {
  if (x >= 100) return x.toFixed(0);
  return x.toFixed(x >= 10 ? 1 : x >= 1 ? 2 : 3);
}

export function formatSeconds(seconds: number): string {
  if (seconds >= 1) return `${threeDigits(seconds)} s`;
  return seconds >= 1e-3 ? `${threeDigits(seconds * 1e3)} ms` : `${threeDigits(seconds * 1e6)} µs`;
}

/** Half the distance of the quartiles, in hundredths of the median. */
export const formatSpread = ({ median = 0, q1 = 0, q3 = 0 }: Row): string =>
  `± ${((50 * (q3 - q1)) / median).toFixed(0)} %`;

export const formatRatio = ({ ratio }: Row): string => (ratio === undefined ? '' : `${threeDigits(ratio)} ×`);

const scales = { T: 1e12, G: 1e9, M: 1e6, k: 1e3, '': 0 };

export function formatRate({ rate }: Row): string {
  if (!rate) return '';
  const [prefix, scale] = Object.entries(scales).find(([, least]) => rate.value >= least)!;
  return `${threeDigits(rate.value / (scale || 1))} ${prefix}${rate.unit}`;
}

/** What stands in place of figures. */
const WRONG = 'wrong';
const ABSENT = '–';

/** Median and spread, or what stands in their place. */
export function formatFigure(row: Row | undefined): string {
  if (!row) return '';
  if (row.correct === false) return WRONG;
  return row.median === undefined ? ABSENT : `${formatSeconds(row.median)} ${formatSpread(row)}`;
}

const CELL = 22;
const CASE = 51;

const cellOf = (row: Row | undefined): string => {
  if (!row) return '';
  if (row.correct === false) return WRONG;
  if (row.median === undefined) return ABSENT;
  return `${formatSeconds(row.median).padStart(7)} ${formatSpread(row).padStart(6)} ${formatRatio(row).padStart(6)}`;
};

const line = (name: string, cells: readonly string[]): string =>
  (name.padEnd(CASE) + cells.map((cell) => cell.padEnd(CELL)).join(' ')).trimEnd();

/** The head of a table with a line for each case and a column for each peer. */
export const headLine = (peers: readonly { readonly name: string }[]): string =>
  line(
    '',
    peers.map(({ name }) => name),
  );

export const resultLine = ({ group, name, rows }: Result, peers: readonly { readonly name: string }[]): string =>
  line(
    `${group}/${name}`,
    peers.map((peer) => cellOf(rows.find((row) => row.peer === peer.name))),
  );

const counted = {
  dispatchWorkgroups: 'launches',
  submit: 'submits',
  createBindGroup: 'bind groups',
  createBuffer: 'buffers',
  writeBuffer: 'writes',
  mapAsync: 'maps',
};

/** WebGPU calls of a training step: a head, then a row for each peer that makes any. */
export function callTable(results: readonly Result[]): string[][] {
  const table = [['calls of a step', ...Object.values(counted)]];
  for (const { name, rows } of results.filter(({ of }) => of === 'step')) {
    for (const { peer, counts } of rows) {
      if (!counts) continue;
      const cells = Object.keys(counted).map((call) => String(Number((counts[call] ?? 0).toFixed(2))));
      table.push([`${name}: ${peer}`, ...cells]);
    }
  }
  return table.length > 1 ? table : [];
}

const CALLS = 12;

export const callLines = (results: readonly Result[]): string[] =>
  callTable(results).map(([name, ...cells]) => name.padEnd(64) + cells.map((cell) => cell.padStart(CALLS)).join(''));

/** Why figures are missing or wrong: each reason once, with the cases it holds for. */
export function notesOf(results: readonly Result[]): string[] {
  const notes = new Map<string, string[]>();
  for (const { group, name, rows } of results) {
    for (const { peer, unavailable, correct, error = 0, tolerance = 0 } of rows) {
      if (unavailable === undefined && correct !== false) continue;
      const off = `wrong: off by ${error.toExponential(1)} where ${tolerance.toExponential(1)} is allowed`;
      const note = `${peer}: ${unavailable ?? off}`;
      notes.set(note, [...(notes.get(note) ?? []), `${group}/${name}`]);
    }
  }
  return [...notes].map(
    ([note, cases]) => `${note} (${cases.length < 4 ? cases.join('; ') : `${cases.length} cases`})`,
  );
}
