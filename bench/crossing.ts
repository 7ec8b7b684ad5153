// From which size on a side is faster: where two lines of time by size cross, on axes on which equal factors are equal distances.

import { duelOf } from './duel.ts';
import type { Side } from './peers/sides.ts';
import { threeDigits } from './report.ts';
import type { Result } from './run.ts';

/** Seconds of both sides at a size, the edge of a cube of as many multiplications. */
export interface SizePoint {
  readonly size: number;
  readonly gpu?: number | undefined;
  readonly cpu?: number | undefined;
}

/** Where the lead changes, and who has it from there on. */
export interface Crossing {
  readonly size: number;
  readonly seconds: number;
  readonly ahead: Side;
}

/** Products by size, smallest first. @param subject who stands for the GPU */
export function sizePointsOf(
  results: readonly Result[],
  sides: ReadonlyMap<string, Side>,
  subject: string,
): SizePoint[] {
  const points = results.map((result) => {
    const extents = result.name.split(' × ').map(Number);
    const { gpu, cpu } = duelOf(result, sides, subject);
    const size = extents.reduce((product, extent) => product * extent, 1) ** (1 / extents.length);
    return { size, gpu: gpu?.median, cpu: cpu?.median };
  });
  return points.filter(({ size }) => size > 0).sort((a, b) => a.size - b.size);
}

/** Where the lines of both sides cross, between two sizes that have figures of both. */
export function crossingsOf(points: readonly SizePoint[]): Crossing[] {
  const both = points.flatMap(({ size, gpu, cpu }) =>
    gpu && cpu ? [{ size: Math.log(size), gpu: Math.log(gpu), cpu: Math.log(cpu) }] : [],
  );
  return both.slice(1).flatMap((right, at) => {
    const left = both[at];
    const [before, behind] = [left.gpu - left.cpu, right.gpu - right.cpu];
    if (before === 0 || before > 0 === behind > 0) return [];
    const share = before / (before - behind);
    const between = (of: 'size' | 'gpu'): number => Math.exp(left[of] + share * (right[of] - left[of]));
    return [
      { size: between('size'), seconds: between('gpu'), ahead: behind < 0 ? ('gpu' as const) : ('cpu' as const) },
    ];
  });
}

const NAMES = { gpu: 'GPU', cpu: 'CPU' } as const;

/** What a picture of both lines shows, in words. */
export function captionOf(points: readonly SizePoint[]): string {
  const both = points.filter(({ gpu, cpu }) => gpu !== undefined && cpu !== undefined);
  if (both.length === 0) return 'There are no figures of both sides.';
  const { size, gpu, cpu } = both.at(-1)!;
  const [ahead, factor] = gpu! < cpu! ? (['gpu', cpu! / gpu!] as const) : (['cpu', gpu! / cpu!] as const);
  const end = `at ${Math.round(size)} the ${NAMES[ahead]} is ahead by ${threeDigits(factor)} ×`;
  const crossings = crossingsOf(both).map(
    (crossing) => `the ${NAMES[crossing.ahead]} takes the lead near ${Math.round(crossing.size)} (dashed)`,
  );
  const text = [...crossings, end].join('; ');
  return `${text[0].toUpperCase()}${text.slice(1)}${crossings.length > 0 ? '.' : '; the two do not cross.'}`;
}
