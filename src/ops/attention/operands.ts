import { sizeOf, type Shape } from '../../core/shape.ts';
import type { Value } from '../../graph/graph.ts';
import { asUseOf } from '../../graph/leaf.ts';
import { slice, sliceOp } from '../shaping/pieces.ts';
import { part, reshape, unreshaped } from '../shaping/views.ts';
import type { Attrs, Place, Places } from './attentionNode.ts';

/*
 * One product often makes q, k and v, or k and v, side by side. They are read where they lie there, and their slopes are
 * stored side by side: cut apart and joined again they would cost more than attention does.
 */

/** An operand, and what it is a part of. */
interface Operand {
  readonly whole: Value;
  readonly place: Place;
  /** Its own elements of a time step. */
  readonly width: number;
}

/** Operands as a node reads them. */
export interface Operands {
  readonly inputs: readonly Value[];
  readonly from: Places;
  readonly shared: Attrs['shared'];
}

const placesOf = ([q, k, v]: readonly Place[]): Places => ({ q, k, v });

export function operandsOf(q: Value, k: Value, v: Value): Operands {
  const given = [q, k, v];
  const cut = given.map(cutFrom);
  const chosen = cut.map((operand, at) =>
    operand && isCovered(cut.filter((other) => other?.whole === operand.whole)) ? operand : alone(given[at]),
  );
  const shared = chosen.map(({ whole, place, width }, at) =>
    width === place.stride ? at : chosen.findIndex((other) => other.whole === whole),
  );
  return {
    inputs: chosen.map(({ whole }) => whole),
    from: placesOf(chosen.map(({ place }) => place)),
    shared: [0, shared[1], shared[2]],
  };
}

function alone(whole: Value): Operand {
  const width = sizeOf(whole.spec.shape.slice(2));
  return { whole, place: { first: 0, stride: width }, width };
}

/** What an operand was cut from, if of each time step it is a piece. */
function cutFrom(operand: Value): Operand | undefined {
  const piece = unreshaped(operand);
  const attrs = asUseOf(sliceOp, piece.node);
  if (!attrs) return undefined;
  const [{ spec }] = piece.node.inputs;
  const axes = spec.shape.flatMap((extent, axis) => (attrs.shape[axis] === extent ? [] : [axis]));
  const [axis] = axes;
  const [N, T, H, D] = operand.spec.shape;
  if (axes.length !== 1 || attrs.step[axis] !== 1 || sizeOf(spec.shape.slice(0, axis)) !== N * T) return undefined;
  const first = attrs.start[axis] * sizeOf(spec.shape.slice(axis + 1));
  return { whole: piece.node.inputs[0], place: { first, stride: sizeOf(spec.shape.slice(axis)) }, width: H * D };
}

/** Whether operands are all there is of what they were cut from, each once. */
function isCovered(operands: readonly (Operand | undefined)[]): boolean {
  const inOrder = operands.flatMap((operand) => operand ?? []).toSorted((a, b) => a.place.first - b.place.first);
  let end = 0;
  for (const { place, width } of inOrder) {
    if (place.first !== end) return false;
    end += width;
  }
  return end === inOrder[0].place.stride;
}

/** Where the slopes of q, k and v go: what shares a value has them as that value has it; the others stand behind each other. */
export function slopesOf({ extents, from, shared }: Pick<Attrs, 'extents' | 'from' | 'shared'>) {
  const { N, T, S } = extents;
  const operands = [from.q, from.k, from.v];
  const starts: number[] = [];
  let size = 0;
  operands.forEach(({ stride }, at) => {
    starts.push(shared[at] === at ? size : starts[shared[at]]);
    if (shared[at] === at) size += N * (at === 0 ? T : S) * stride;
  });
  const to = placesOf(operands.map(({ first, stride }, at) => ({ first: starts[at] + first, stride })));
  return { to, size, starts };
}

/** What bindings can begin at. */
const ALIGNED = 64;

/** One of several values that lie behind each other: seen where it is, if it begins where a binding may. */
export function sectionOf(all: Value<'f32'>, first: number, shape: Shape): Value<'f32'> {
  if (first % ALIGNED === 0) return part(all, shape, first);
  return reshape(slice(reshape(all, [-1]), [{ start: first, end: first + sizeOf(shape) }]), shape);
}
