import { sameShape, type Shape } from '../../core/shape.ts';
import type { Value } from '../../graph/graph.ts';
import { asUseOf } from '../../graph/leaf.ts';
import { concat } from './concat.ts';
import { padOp, padTo } from './sliceAndPad.ts';

/*
 * A value that is read slice by slice has a gradient in as many pieces, each padded to the whole. Added up they would cost
 * the whole for each piece: of T steps, T² of them. Pieces that touch are put side by side instead.
 */

/** A piece of a whole, and where it begins there. */
interface Piece {
  readonly value: Value;
  readonly start: readonly number[];
}

/**
 * The same sum in fewer terms: of those in a row that are pieces padded with 0, such as touch each other are one.
 * Terms keep their order; pieces that overlap stay as they are.
 */
export function joinPads(terms: readonly Value[]): readonly Value[] {
  if (terms.length < 2) return terms;
  const joined: Value[] = [];
  let run: Value[] = [];
  const close = (): void => {
    joined.push(...joinRun(run));
    run = [];
  };
  for (const term of terms) {
    if (pieceOf(term)) run.push(term);
    else {
      close();
      joined.push(term);
    }
  }
  close();
  return joined;
}

/** What was padded with 0, if a value is no more than that. */
function pieceOf({ node }: Value): Piece | undefined {
  const attrs = asUseOf(padOp, node);
  const isPlain = attrs && attrs.value === 0 && attrs.step.every((step) => step === 1);
  return isPlain ? { value: node.inputs[0], start: attrs.before } : undefined;
}

function joinRun(run: readonly Value[]): readonly Value[] {
  if (run.length < 2) return run;
  const { shape } = run[0].spec;
  let pieces: readonly Piece[] | undefined = run.map((term) => pieceOf(term)!);
  for (let axis = shape.length - 1; axis >= 0 && pieces; axis--) pieces = joinAlong(axis, pieces);
  return pieces && pieces.length < run.length ? pieces.map((piece) => wholeOf(piece, shape)) : run;
}

const wholeOf = ({ value, start }: Piece, shape: Shape): Value =>
  sameShape(value.spec.shape, shape) ? value : padTo(value, start, shape);

/** Pieces that touch along an axis, and are alike along all others, as one; undefined where two overlap. */
function joinAlong(axis: number, pieces: readonly Piece[]): readonly Piece[] | undefined {
  const lines = new Map<string, Piece[]>();
  for (const piece of pieces) {
    const others = [piece.start, piece.value.spec.shape].map((extents) => extents.with(axis, 0).join());
    const key = others.join(' ');
    const line = lines.get(key);
    if (line) line.push(piece);
    else lines.set(key, [piece]);
  }
  const joined = [...lines.values()].map((line) => joinLine(axis, line));
  return joined.every((line) => line !== undefined) ? joined.flat() : undefined;
}

function joinLine(axis: number, line: readonly Piece[]): readonly Piece[] | undefined {
  const endOf = ({ value, start }: Piece): number => start[axis] + value.spec.shape[axis];
  const rows: Piece[][] = [];
  for (const piece of line.toSorted((a, b) => a.start[axis] - b.start[axis])) {
    const last = rows.at(-1)?.at(-1);
    if (last && endOf(last) > piece.start[axis]) return undefined;
    if (last && endOf(last) === piece.start[axis]) rows.at(-1)!.push(piece);
    else rows.push([piece]);
  }
  return rows.map((row) =>
    row.length === 1
      ? row[0]
      : {
          start: row[0].start,
          value: concat(
            row.map(({ value }) => value),
            axis,
          ),
        },
  );
}
