import { spec, type Numbers } from '../../../../core/shape.ts';
import type { Node, Value } from '../../../../graph/graph.ts';
import { input } from '../../../../graph/leaf.ts';
import { matmulOp } from '../../../../ops/products/matmul.ts';
import { cells, type CellName } from '../../../../ops/recurrent/cells.ts';
import { recurrentLoop } from '../../../../ops/recurrent/recurrent.ts';
import { extentsOf, isFull, placesOf, type Attrs } from '../../../../ops/recurrent/recurrentNode.ts';
import { unreshaped } from '../../../../ops/shaping/views.ts';
import { reshaped } from '../batchShapes.ts';
import type { Definition, Definitions } from '../definition.ts';
import type { Attributes, Tensor } from '../onnxNodes.ts';
import type { OnnxWriter } from '../onnxWriter.ts';

/*
 * Loops over time. What comes from x is a product in front of the loop here and part of it there: the loop takes over that
 * product, if there is one. A unit's gates lie side by side here, and each gate's units there, in another order.
 */

// Legend: C features, H units, G gates; W [1, G · H, C], R [1, G · H, H], B [1, 2 · G · H], x [T, N, C].

interface Loop {
  readonly operator: 'LSTM' | 'GRU' | 'RNN';
  /** Our gates in the order of ONNX': input, output, forget, cell; update, reset, hidden. */
  readonly gates: readonly number[];
  readonly attributes: Attributes;
}

const loops: Readonly<Record<CellName, Loop>> = {
  lstm: { operator: 'LSTM', gates: [0, 3, 1, 2], attributes: {} },
  gru: { operator: 'GRU', gates: [1, 0, 2], attributes: { linear_before_reset: 1 } },
  rnn: { operator: 'RNN', gates: [0], attributes: { activations: ['Tanh'] } },
  reluRnn: { operator: 'RNN', gates: [0], attributes: { activations: ['Relu'] } },
};

/** Weights of x or h, `[rows, H · G]` here, as W or R there; of a bias, one row, `[1, G · H]`. */
function byGates(to: OnnxWriter, value: Value, units: number, gates: readonly number[], isBias: boolean): Tensor {
  const size = units * gates.length;
  const rows = isBias ? 1 : value.spec.shape[0];
  const shape = isBias ? [1, size] : [1, size, rows];
  const known = to.known(value);
  if (known) {
    const numbers = () => laidOut(known.numbers, rows, units, gates);
    return to.made(known, `gates ${gates.join()} of [${shape.join()}]`, shape, numbers);
  }
  const apart = to.emit('Reshape', [to.read(value), to.ints([rows, units, gates.length])]);
  const inOrder = to.emit('Gather', [apart, to.ints(gates)], { axis: 2 });
  return to.emit('Reshape', [to.emit('Transpose', [inOrder], { perm: [2, 1, 0] }), to.ints(shape)]);
}

function laidOut(numbers: Numbers, rows: number, units: number, gates: readonly number[]): Float32Array {
  const all = new Float32Array(numbers.length);
  for (const [place, gate] of gates.entries()) {
    for (let unit = 0; unit < units; unit++) {
      for (let row = 0; row < rows; row++) {
        all[(place * units + unit) * rows + row] = numbers[(row * units + unit) * gates.length + gate];
      }
    }
  }
  return all;
}

/** What the loop reads at each step: x, its weights, and both biases. */
interface Read {
  readonly x: Tensor;
  readonly weights: Tensor;
  readonly biases: readonly (Value | undefined)[];
}

/** The product in front of a loop, and the bias that is added behind it where the loop has no room for one. */
function productBefore({ inputs: [given], attrs }: Node<Attrs>): { product: Node; added?: Value } | undefined {
  const added = isFull(attrs) && given.node.op.name === 'add' ? given.node.inputs[1] : undefined;
  const { node } = unreshaped(added ? given.node.inputs[0] : given);
  const isPlain =
    node.op === (matmulOp as unknown) && node.inputs.slice(0, 2).every(({ spec: { shape } }) => shape.length === 2);
  const { transposeA, transposeB } = Object(node.attrs) as { transposeA?: boolean; transposeB?: boolean };
  return isPlain && !transposeA && !transposeB ? { product: node, ...(added && { added }) } : undefined;
}

const TIME_FIRST = [1, 0, 2] as const;

function readOf(node: Node<Attrs>, to: OnnxWriter, gates: readonly number[]): Read {
  const [given] = node.inputs;
  const { units } = extentsOf(node);
  const own = node.inputs[placesOf(node.attrs)['bias'] ?? -1] as Value | undefined;
  const [samples, steps, width] = to.extentsOf(given);
  const before = productBefore(node);
  if (!before) {
    // What comes from x is there: each gate of each unit takes its own number.
    const ones = new Float32Array(units * gates.length * units * gates.length);
    gates.forEach((gate, place) => {
      for (let unit = 0; unit < units; unit++) {
        ones[(place * units + unit) * units * gates.length + unit * gates.length + gate] = 1;
      }
    });
    const shape = [1, width as number, width as number];
    const weights: Tensor = { hint: 'constant', stored: { type: 'FLOAT', shape, numbers: () => ones } };
    return { x: to.read(given, { order: TIME_FIRST }), weights, biases: [undefined, own] };
  }
  const [rows, weights, bias] = before.product.inputs;
  const whole = unreshaped(rows);
  const isWhole =
    whole.spec.shape.length === 3 &&
    whole.spec.shape.every((extent, axis) => axis === 2 || extent === given.spec.shape[axis]);
  const features = rows.spec.shape[1];
  const x = isWhole
    ? to.read(whole, { order: TIME_FIRST })
    : to.emit('Transpose', [reshaped(to, to.read(rows), to.extentsOf(rows), [samples, steps, features])], {
        perm: TIME_FIRST,
      });
  return { x, weights: byGates(to, weights, units, gates, false), biases: [bias, before.added ?? own] };
}

function biasOf(to: OnnxWriter, biases: readonly (Value | undefined)[], units: number, gates: readonly number[]) {
  if (biases.every((bias) => bias === undefined)) return null;
  const none = to.emit('Reshape', [to.floats(new Array<number>(units * gates.length).fill(0)), to.ints([1, -1])]);
  const each = biases.map((bias) => (bias ? byGates(to, bias, units, gates, true) : none));
  return to.emit('Concat', each, { axis: 1 });
}

/** h, and of an lstm c, before the first step. */
function initialOf(to: OnnxWriter, initial: Value | undefined, carried: number): (Tensor | null)[] {
  if (!initial) return [];
  const all = to.read(initial);
  if (carried === 1) return [all];
  return [0, 1].map((at) => to.emit('Slice', [all, to.ints([at]), to.ints([at + 1]), to.ints([0])]));
}

/** Without what nothing stands behind. */
const trimmed = (tensors: readonly (Tensor | null)[]): readonly (Tensor | null)[] =>
  tensors.slice(0, tensors.findLastIndex((tensor) => tensor !== null) + 1);

const recurrentDefinition: Definition<Attrs> = {
  use: () =>
    recurrentLoop(input('x', spec([1, 1, 1])), input('h', spec([1, 1])), input('b', spec([1])), { cell: 'rnn' }).hidden,
  operators: ['LSTM', 'GRU', 'RNN'],
  write(node, to) {
    const { inputs, outputs, attrs } = node;
    const { operator, gates, attributes } = loops[attrs.cell];
    const { units } = extentsOf(node);
    const { carried } = cells[attrs.cell];
    const given = (name: string): Value | undefined => inputs[placesOf(attrs)[name] ?? -1];
    const { x, weights, biases } = readOf(node, to, gates);
    const lengths = given('lengths');
    const operands = trimmed([
      x,
      weights,
      byGates(to, inputs[1], units, gates, false),
      biasOf(to, biases, units, gates),
      lengths ? to.read(lengths, { type: 'INT32' }) : null,
      ...initialOf(to, given('initial'), carried),
    ]);
    const direction = attrs.reverse ? 'reverse' : 'forward';
    const told = { ...attributes, hidden_size: units, direction };
    const [sequence, ...ends] = to.several(operator, operands, told, ['Y', 'Y_h', 'Y_c'].slice(0, 1 + carried));
    to.write(outputs[0], to.emit('Squeeze', [sequence, to.ints([1])]), { order: TIME_FIRST });
    ends.forEach((end, at) => to.write(outputs[2 + at], to.emit('Squeeze', [end, to.ints([0])])));
  },
};

export const recurrentOps: Definitions = { recurrent: recurrentDefinition };
