import { sameShape, sizeOf, type Shape } from '../../../core/shape.ts';
import type { Node } from '../../../graph/graph.ts';
import type { CastAttrs } from '../../../ops/pointwise/cast.ts';
import type { PointwiseAttrs } from '../../../ops/pointwise/pointwise.ts';
import type { Write, Writes } from './definitions.ts';
import type { KerasWriter, Result } from './kerasWriter.ts';

/* Ops that go element by element. */

const constantsOf = (node: Node): readonly number[] => (node.attrs as PointwiseAttrs).constants;

/** A layer of one value, which is had in whatever extents it has. */
const unary =
  (write: (x: Result, to: KerasWriter, constants: readonly number[]) => Result): Write =>
  (node, to) => {
    const { inputs, outputs } = node;
    to.write(outputs[0], write(to.loose(inputs[0]), to, constantsOf(node)));
  };

const activation = (name: string): Write =>
  unary((x, to) => to.layer('Activation', { activation: name }, [x], x.shape));

const operation = (className: string, module?: string): Write =>
  unary((x, to) => to.operation(className, [x], x.shape, {}, module === undefined ? {} : { module }));

const [SELU_ALPHA, SELU_SCALE] = [1.6732632423543772, 1.0507009873554805];

function writeElu(x: Result, to: KerasWriter, [alpha, scale]: readonly number[]): Result {
  if (scale === 1) return to.layer('ELU', { alpha }, [x], x.shape);
  if (alpha === SELU_ALPHA && scale === SELU_SCALE) return to.layer('Activation', { activation: 'selu' }, [x], x.shape);
  const y = to.layer('ELU', { alpha }, [x], x.shape);
  return to.layer('Rescaling', { scale, offset: 0 }, [y], x.shape);
}

/** By what name TensorFlow.js and Keras know x below 0 times a slope. */
const leaky = unary((x, to, [slope]) =>
  to.layer('LeakyReLU', to.target === 'keras' ? { negative_slope: slope } : { alpha: slope }, [x], x.shape),
);

/** Two values in one shape, in which either was written. */
function together(node: Node, to: KerasWriter): readonly [Result, Result] {
  const [a, b] = node.inputs.map((input) => to.loose(input));
  const isOne = sameShape(node.inputs[0].spec.shape, node.inputs[1].spec.shape) && sameShape(a.shape, b.shape);
  return isOne ? [a, b] : [to.read(node.inputs[0]), to.read(node.inputs[1])];
}

const layerNames: Readonly<Record<string, string>> = {
  add: 'Add',
  sub: 'Subtract',
  mul: 'Multiply',
  maximum: 'Maximum',
  minimum: 'Minimum',
};
const operationNames: Readonly<Record<string, string>> = {
  ...layerNames,
  div: 'TrueDivide',
  pow: 'Power',
};

/** x · scale + offset, of a number beside x. */
function scaled(
  name: string,
  isFirst: boolean,
  number: number,
): { readonly scale: number; readonly offset: number } | undefined {
  if (name === 'add') return { scale: 1, offset: number };
  if (name === 'mul') return { scale: number, offset: 0 };
  if (name === 'sub') return isFirst ? { scale: 1, offset: -number } : { scale: -1, offset: number };
  return name === 'div' && isFirst ? { scale: 1 / number, offset: 0 } : undefined;
}

/** A value beside a number, or beside an array that is known. */
function beside(node: Node, to: KerasWriter, at: 0 | 1): Result {
  const { op, inputs } = node;
  const known = to.known(inputs[1 - at])!;
  const x = sizeOf(known.shape) === 1 ? to.loose(inputs[at]) : to.read(inputs[at]);
  const isOwn = sizeOf(known.shape) === 1 || known.shape.length <= inputs[at].spec.shape.length;
  if (sizeOf(known.shape) === 1) {
    const told = scaled(op.name, at === 0, known.numbers[0]);
    if (told && inputs[at].spec.dtype === 'f32') return to.layer('Rescaling', told, [x], x.shape);
  }
  const shape = isOwn ? x.shape : node.outputs[0].spec.shape;
  const literal = to.literal(known);
  return to.operation(operationNames[op.name], at === 0 ? [x, literal] : [literal, x], shape);
}

const binary: Write = (node, to) => {
  const { op, inputs, outputs } = node;
  if (outputs[0].spec.dtype === 'u32') to.refuse(op.name, 'Keras has no arithmetic of u32', 'cast to f32 or i32 first');
  const at = inputs.findIndex((input) => to.known(input) === undefined) as 0 | 1;
  if (to.known(inputs[1 - at])) return to.write(outputs[0], beside(node, to, at));
  const [a, b] = together(node, to);
  const isPlain = sameShape(a.shape, b.shape) && Object.hasOwn(layerNames, op.name);
  const shape: Shape = isPlain ? a.shape : outputs[0].spec.shape;
  to.write(
    outputs[0],
    isPlain && (to.target === 'keras' || op.name !== 'sub')
      ? to.layer(layerNames[op.name], {}, [a, b], shape)
      : isPlain
        ? to.layer('Add', {}, [a, to.layer('Rescaling', { scale: -1, offset: 0 }, [b], b.shape)], shape)
        : to.operation(operationNames[op.name], [a, b], shape),
  );
};

/** u8 as floats, by the scale of its field; whole numbers as they are. */
const cast: Write = ({ inputs: [x], outputs: [y], attrs }, to) => {
  const { dtype, scale, offset } = attrs as CastAttrs;
  const given = to.loose(x);
  if (dtype === 'f32') return to.write(y, to.layer('Rescaling', { scale, offset }, [given], given.shape));
  if (x.spec.dtype !== 'f32') return to.write(y, given);
  to.write(y, to.operation('Cast', [given], given.shape, { dtype: 'int32' }, { module: 'core' }));
};

const compared =
  (className: string): Write =>
  (node, to) => {
    const { inputs, outputs } = node;
    to.write(
      outputs[0],
      to.operation(
        className,
        inputs.map((input) => to.operand(input)),
        outputs[0].spec.shape,
      ),
    );
  };

/** A slice of Python's. */
const sliceOf = (start: number | null, stop: number | null): unknown => ({
  class_name: '__slice__',
  config: { start, stop, step: null },
});

/** Some of the last axis. */
export function partOf(to: KerasWriter, x: Result, start: number, stop: number): Result {
  const ranges = x.shape.map((_, axis) => (axis === x.shape.length - 1 ? sliceOf(start, stop) : sliceOf(null, null)));
  return to.operation('GetItem', [x, { plain: ranges }], [...x.shape.slice(0, -1), stop - start]);
}

export const pointwiseWrites: Writes = {
  relu: unary((x, to) => to.layer('ReLU', {}, [x], x.shape)),
  sigmoid: activation('sigmoid'),
  tanh: activation('tanh'),
  gelu: activation('gelu'),
  geluTanh: (node, to) => {
    const x = to.loose(node.inputs[0]);
    const isKeras = to.target === 'keras';
    to.write(
      node.outputs[0],
      isKeras
        ? to.operation('Gelu', [x], x.shape, { approximate: true }, { module: 'nn' })
        : to.layer('Activation', { activation: 'gelu_new' }, [x], x.shape),
    );
  },
  silu: activation('swish'),
  softplus: activation('softplus'),
  elu: unary(writeElu),
  leakyRelu: leaky,
  add: binary,
  sub: binary,
  mul: binary,
  div: binary,
  maximum: binary,
  minimum: binary,
  pow: binary,
  neg: unary((x, to) => to.layer('Rescaling', { scale: -1, offset: 0 }, [x], x.shape)),
  abs: operation('Absolute'),
  exp: unary((x, to) =>
    to.target === 'keras'
      ? to.layer('Activation', { activation: 'exponential' }, [x], x.shape)
      : to.operation('Exp', [x], x.shape),
  ),
  log: operation('Log'),
  expm1: operation('Expm1'),
  log1p: operation('Log1p'),
  sqrt: operation('Sqrt'),
  sin: operation('Sin'),
  cos: operation('Cos'),
  erf: operation('Erf', 'math'),
  floor: operation('Floor'),
  ceil: operation('Ceil'),
  round: operation('Round'),
  sign: operation('Sign'),
  swiglu: ({ inputs: [x], outputs: [y] }, to) => {
    const width = y.spec.shape.at(-1)!;
    const given = to.rows(x, 2 * width);
    const shape = [...given.shape.slice(0, -1), width];
    const gate = to.layer('Activation', { activation: 'silu' }, [partOf(to, given, 0, width)], shape);
    to.write(y, to.layer('Multiply', {}, [gate, partOf(to, given, width, 2 * width)], shape));
  },
  equal: compared('Equal'),
  notEqual: compared('NotEqual'),
  less: compared('Less'),
  lessEqual: compared('LessEqual'),
  greater: compared('Greater'),
  greaterEqual: compared('GreaterEqual'),
  where: compared('Where'),
  cast,
};
