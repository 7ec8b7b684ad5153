// Who is faster in a case, the GPU or the CPU: the best of each side, and whether their samples can be told apart.

import type { Side } from './peers/sides.ts';
import type { Result, Row } from './run.ts';

/** A row that was timed. */
export type Timed = Row & Required<Pick<Row, 'median' | 'q1' | 'q3'>>;

/** The best of both sides in one case. */
export interface Duel {
  readonly name: string;
  readonly gpu: Timed | undefined;
  readonly cpu: Timed | undefined;
  /** Even where the middle halves of their samples overlap; undefined where a side has no figure. */
  readonly ahead: Side | 'even' | undefined;
  /** The slower one's median in units of the faster one's. */
  readonly factor: number;
}

/** The rows that have figures. */
export const timedOf = (rows: readonly Row[]): Timed[] => rows.filter((row): row is Timed => row.median !== undefined);

const fastest = (rows: readonly Timed[]): Timed | undefined =>
  rows.reduce<Timed | undefined>((best, row) => (best && best.median <= row.median ? best : row), undefined);

/** Whether the middle halves of two rows' samples overlap: their difference is within the spread. */
export const overlap = (a: Timed, b: Timed): boolean => a.q1 <= b.q3 && b.q1 <= a.q3;

/** @param subject who alone stands for the GPU; all of its peers if left out */
export function duelOf({ name, rows }: Result, sides: ReadonlyMap<string, Side>, subject?: string): Duel {
  const of = (side: Side) => timedOf(rows).filter(({ peer }) => sides.get(peer) === side);
  const gpu = fastest(of('gpu').filter(({ peer }) => subject === undefined || peer === subject));
  const cpu = fastest(of('cpu'));
  if (!gpu || !cpu) return { name, gpu, cpu, ahead: undefined, factor: NaN };
  const first = gpu.median < cpu.median ? 'gpu' : 'cpu';
  const factor = Math.max(gpu.median, cpu.median) / Math.min(gpu.median, cpu.median);
  return { name, gpu, cpu, ahead: overlap(gpu, cpu) ? 'even' : first, factor };
}

/** Neighbours in a row of duels that end alike. */
export interface Stretch {
  readonly ahead: Side | 'even';
  readonly duels: readonly Duel[];
}

/** Duels that have an end, in stretches: where one follows another, the lead changes. */
export function stretchesOf(duels: readonly Duel[]): Stretch[] {
  const stretches: { ahead: Side | 'even'; duels: Duel[] }[] = [];
  for (const duel of duels) {
    if (!duel.ahead) continue;
    const last = stretches.at(-1);
    if (last?.ahead === duel.ahead) last.duels.push(duel);
    else stretches.push({ ahead: duel.ahead, duels: [duel] });
  }
  return stretches;
}
