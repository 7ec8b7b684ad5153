/** Lengths of two sequences that belong together. */
export type Lengths = readonly [number, number];

/** Lengths of either side among which those of shapes are chosen: as many quantiles, where there are more different ones. */
const CANDIDATES = 64;

/** The lengths at which a list of them is cut into parts of like size, its longest the last. */
function candidatesIn(lengths: readonly number[]): number[] {
  const sorted = lengths.toSorted((a, b) => a - b);
  const different = [...new Set(sorted)];
  if (different.length <= CANDIDATES) return different;
  const cuts = Array.from({ length: CANDIDATES }, (_, at) => {
    return sorted[Math.ceil(((at + 1) * sorted.length) / CANDIDATES) - 1];
  });
  return [...new Set(cuts)];
}

/** The first of them that is as long. */
const placeIn = (candidates: readonly number[], length: number): number =>
  candidates.findIndex((candidate) => candidate >= length);

/**
 * The shapes, each at least as long as the one before on both sides, in which pairs take the least room, each in the first
 * one that holds it: found exactly, by the best last shapes but one for each last one.
 */
export function bucketShapes(pairs: readonly Lengths[], most: number): Lengths[] {
  const [first, second] = [0, 1].map((side) => candidatesIn(pairs.map((pair) => pair[side])));
  const width = second.length;
  /** Pairs that fit a shape, by the places of its lengths. */
  const held = new Float64Array(first.length * width);
  for (const [a, b] of pairs) held[placeIn(first, a) * width + placeIn(second, b)]++;
  for (let i = 0; i < first.length; i++) for (let j = 1; j < width; j++) held[i * width + j] += held[i * width + j - 1];
  for (let at = width; at < held.length; at++) held[at] += held[at - width];
  const roomOf = (at: number): number => first[Math.floor(at / width)] + second[at % width];
  /** The least room of what fits a shape, in so many shapes of which it is the last; and the last but one. */
  let least = Float64Array.from(held, (count, at) => count * roomOf(at));
  const before: Int32Array[] = [];
  for (let shapes = 2; shapes <= most; shapes++) {
    const [next, from] = [least.slice(), new Int32Array(held.length).fill(-1)];
    for (let at = 0; at < held.length; at++) {
      const [row, column] = [Math.floor(at / width), at % width];
      for (let i = 0; i <= row; i++) {
        for (let other = i * width; other <= i * width + column; other++) {
          const room = least[other] + (held[at] - held[other]) * roomOf(at);
          if (room < next[at]) [next[at], from[at]] = [room, other];
        }
      }
    }
    before.push(from);
    least = next;
  }
  const shapes: Lengths[] = [];
  for (let at = held.length - 1, turn = before.length - 1; at >= 0; turn--) {
    const from = turn < 0 ? -1 : before[turn][at];
    // Where fewer shapes were as good, the turn adds none.
    if (from >= 0 || turn < 0) shapes.unshift([first[Math.floor(at / width)], second[at % width]]);
    if (from < 0 && turn < 0) break;
    if (from >= 0) at = from;
  }
  return shapes;
}
