import { sizeOf } from '../../../core/shape.ts';
import type { Value } from '../../../graph/graph.ts';
import { mul } from '../../../ops/pointwise/arithmetic.ts';
import { matmul } from '../../../ops/products/matmul.ts';
import { broadcastTo, sum } from '../../../ops/reductions/sum.ts';
import { slice } from '../../../ops/shaping/pieces.ts';
import { reshape } from '../../../ops/shaping/views.ts';
import { transpose } from '../../../ops/shaping/transpose.ts';
import type { OnnxNode } from '../onnxNode.ts';
import type { Operators } from '../operator.ts';
import { Tensor } from '../tensor.ts';

/* Sums of products by the letters of their axes, two operands at a time, each as one product of matrices. */

/** A value whose axes have letters; those of an ellipsis are numbered from behind. */
interface Term {
  readonly value: Value;
  readonly letters: readonly string[];
}

interface Equation {
  readonly operands: readonly string[];
  /** As it is said; undefined where it follows from the operands. */
  readonly output: string | undefined;
}

const ELLIPSIS = '...';

function equationOf(node: OnnxNode): Equation {
  const text = node.text('equation', '').replaceAll(' ', '');
  const [left, output, ...more] = text.split('->');
  const operands = left.split(',');
  const isSound = [...operands, output ?? ''].every((one) => /^[A-Za-z]*(?:\.\.\.)?[A-Za-z]*$/.test(one));
  if (isSound && more.length === 0 && operands.length === node.inputs.length) return { operands, output };
  node.refuse(
    `has the equation "${text}" for ${node.inputs.length} operands`,
    'the file was damaged; export the model again',
  );
}

/** The letters of axes, so many of which an ellipsis stands for. */
function lettersOf(said: string, hidden: number): string[] {
  return said.split(ELLIPSIS).flatMap((part, at) => {
    const own = Array.from(part);
    return at === 0 ? own : [...Array.from({ length: hidden }, (_, axis) => String(hidden - axis)), ...own];
  });
}

function einsum(node: OnnxNode): Tensor {
  const { operands, output } = equationOf(node);
  const values = operands.map((_, at) => node.float(at));
  const terms = values.map((value, at): Term => {
    const rank = value.spec.shape.length;
    const letters = lettersOf(operands[at], rank - operands[at].replace(ELLIPSIS, '').length);
    if (letters.length === rank) return diagonalOf({ value, letters });
    node.refuse(`has "${operands[at]}" for ${rank} axes`, 'the file was damaged; export the model again');
  });
  const wanted = output === undefined ? impliedBy(operands, terms) : outputOf(output, terms);
  const known = new Set(terms.flatMap(({ letters }) => letters));
  if (new Set(wanted).size !== wanted.length || !wanted.every((letter) => known.has(letter))) {
    node.refuse(`wants the axes "${wanted.join('')}"`, 'each must be one of an operand, once');
  }
  const [first, ...rest] = spread(terms);
  const whole = rest.reduce(
    (a, b, at) => multiplied(a, b, [...wanted, ...rest.slice(at + 1).flatMap(({ letters }) => letters)]),
    first,
  );
  return Tensor.of(inOrder(summed(whole, wanted), wanted), 'float');
}

const isHidden = (letter: string): boolean => letter >= '0' && letter <= '9';

/** The axes behind an ellipsis, in their order. */
const hiddenIn = (terms: readonly Term[]): string[] =>
  [...new Set(terms.flatMap(({ letters }) => letters.filter(isHidden)))].toSorted((a, b) => Number(b) - Number(a));

function outputOf(said: string, terms: readonly Term[]): string[] {
  return said.split(ELLIPSIS).flatMap((part, at) => [...(at === 0 ? [] : hiddenIn(terms)), ...Array.from(part)]);
}

/** What comes out where nothing is said: letters that stand once, in the order of the alphabet. */
function impliedBy(operands: readonly string[], terms: readonly Term[]): string[] {
  const all = operands.join('').replaceAll('.', '');
  const once = Array.from(all).filter((letter) => all.indexOf(letter) === all.lastIndexOf(letter));
  return [...hiddenIn(terms), ...once.toSorted((a, b) => (a < b ? -1 : 1))];
}

/** A letter that stands twice in a term is the diagonal of both axes. */
function diagonalOf(term: Term): Term {
  const { value, letters } = term;
  const again = letters.findIndex((letter, at) => letters.indexOf(letter) !== at);
  if (again < 0) return term;
  const first = letters.indexOf(letters[again]);
  const rest = letters.map((_, at) => at).filter((at) => at !== first && at !== again);
  const moved = transpose(value, [...rest, first, again]);
  const extents = rest.map((at) => value.spec.shape[at]);
  const extent = value.spec.shape[first];
  const flat = reshape(moved, [...extents, extent * extent]);
  const own = slice(flat, [...extents.map(() => null), { start: 0, end: extent * extent, step: extent + 1 }]);
  return diagonalOf({ value: own, letters: [...rest.map((at) => letters[at]), letters[again]] });
}

/** Terms whose axes of one element are as long as others of their letter. */
function spread(terms: readonly Term[]): Term[] {
  const extents = new Map<string, number>();
  for (const { value, letters } of terms) {
    letters.forEach((letter, at) => extents.set(letter, Math.max(extents.get(letter) ?? 1, value.spec.shape[at])));
  }
  return terms.map(({ value, letters }) => ({
    value: broadcastTo(
      value,
      letters.map((letter) => extents.get(letter)!),
    ),
    letters,
  }));
}

/** A term without the axes that nobody needs. */
function summed({ value, letters }: Term, needed: readonly string[]): Term {
  const axes = letters.flatMap((letter, at) => (needed.includes(letter) ? [] : at));
  return axes.length === 0
    ? { value, letters }
    : { value: sum(value, { axes }), letters: letters.filter((letter) => needed.includes(letter)) };
}

/** A term's value, its axes in an order of letters; those that it lacks have one element. */
function inOrder({ value, letters }: Term, order: readonly string[]): Value {
  const own = order.filter((letter) => letters.includes(letter));
  const axes = own.map((letter) => letters.indexOf(letter));
  const moved = axes.every((axis, at) => axis === at) ? value : transpose(value, axes);
  if (own.length === order.length) return moved;
  return reshape(
    moved,
    order.map((letter) => (letters.includes(letter) ? value.spec.shape[letters.indexOf(letter)] : 1)),
  );
}

/** The product of two terms, summed over the axes that nobody needs further on. */
function multiplied(one: Term, other: Term, needed: readonly string[]): Term {
  const a = summed(one, [...needed, ...other.letters]);
  const b = summed(other, [...needed, ...one.letters]);
  const shared = a.letters.filter((letter) => b.letters.includes(letter));
  const batch = shared.filter((letter) => needed.includes(letter));
  const inner = shared.filter((letter) => !needed.includes(letter));
  const left = a.letters.filter((letter) => !shared.includes(letter));
  const right = b.letters.filter((letter) => !shared.includes(letter));
  const letters = [...batch, ...left, ...right];
  if (inner.length === 0) return { value: mul(inOrder(a, letters), inOrder(b, letters)), letters };
  const extentOf = (term: Term, letter: string): number => term.value.spec.shape[term.letters.indexOf(letter)];
  const extents = (term: Term, names: readonly string[]): number[] => names.map((letter) => extentOf(term, letter));
  const depth = sizeOf(extents(a, inner));
  const front = batch.length > 0 ? [sizeOf(extents(a, batch))] : [];
  const rows = reshape(inOrder(a, [...batch, ...left, ...inner]), [...front, sizeOf(extents(a, left)), depth]);
  const columns = reshape(inOrder(b, [...batch, ...inner, ...right]), [...front, depth, sizeOf(extents(b, right))]);
  const shape = [...extents(a, batch), ...extents(a, left), ...extents(b, right)];
  return { value: reshape(matmul(rows, columns), shape), letters };
}

/** Sums of products. */
export const einsumOperators: Operators = {
  Einsum: { apply: einsum },
};
