import { spec } from '../../core/shape.ts';
import { BLOCK } from '../../core/parameterLayout.ts';
import { affine, constant, differentiate, interpret, meanSquaredError, sgd, sigmoid, type Value } from '../../index.ts';

/** The lesson's network, of two inputs, two hidden neurons and one output: its weights and biases by name. */
export const PARAMETERS = ['w11', 'w12', 'w21', 'w22', 'b1', 'b2', 'v1', 'v2', 'c'] as const;
export type Parameter = (typeof PARAMETERS)[number];
export type Parameters = Readonly<Record<Parameter, number>>;

/** What it computes on the way forward, in this order. */
export const FORWARD = ['z1', 'z2', 'h1', 'h2', 'z3', 'y', 'loss'] as const;
export type Computed = (typeof FORWARD)[number];

export const INPUTS = { x1: 1, x2: 0.5 } as const;
export const TARGET = 1;

export const FIRST_PARAMETERS: Parameters = {
  w11: 0.4,
  w12: -0.6,
  w21: 0.8,
  w22: 0.4,
  b1: 0.2,
  b2: -0.1,
  v1: 0.5,
  v2: -1,
  c: 0.1,
};

/** One turn: what came out, and the derivative of the loss with respect to each number that led to it. */
export interface Turn {
  readonly values: Readonly<Record<Computed, number>>;
  readonly gradients: Readonly<Record<Exclude<Computed, 'loss'> | Parameter | keyof typeof INPUTS, number>>;
}

/** The library's arrays, and what the lesson calls each number in them. */
const ELEMENTS = {
  x: ['x1', 'x2'],
  weight: ['w11', 'w12', 'w21', 'w22'],
  bias: ['b1', 'b2'],
  z: ['z1', 'z2'],
  h: ['h1', 'h2'],
  outWeight: ['v1', 'v2'],
  outBias: ['c'],
  z3: ['z3'],
  y: ['y'],
  loss: ['loss'],
} as const;

const row = (numbers: readonly number[], shape: readonly number[] = [1, numbers.length]): Value =>
  constant(Float64Array.from(numbers), spec(shape));

/** The numbers of some values, by the lesson's names. */
function numbersOf(values: Readonly<Record<string, Value>>): Record<string, number> {
  const { outputs } = interpret({ outputs: values, writes: [] }, { precision: 'f64' });
  const named = Object.entries(outputs).flatMap(([value, numbers]) =>
    ELEMENTS[value as keyof typeof ELEMENTS].map((name, at) => [name, numbers[at]] as const),
  );
  return Object.fromEntries(named);
}

/** Forward, loss and backward, by the library's own ops and derivatives, in f64. */
export function turn(p: Parameters): Turn {
  const x = row(Object.values(INPUTS));
  const weight = row([p.w11, p.w12, p.w21, p.w22], [2, 2]);
  const bias = row([p.b1, p.b2], [2]);
  const outWeight = row([p.v1, p.v2], [2, 1]);
  const outBias = row([p.c], [1]);

  const z = affine(x, weight, bias);
  const h = sigmoid(z);
  const z3 = affine(h, outWeight, outBias);
  const y = sigmoid(z3);
  const loss = meanSquaredError(y, row([TARGET]));

  const sources = { x, weight, bias, outWeight, outBias, z, h, z3, y };
  const derivatives = differentiate(loss, Object.values(sources));
  const gradients = Object.fromEntries(Object.keys(sources).map((name, at) => [name, derivatives[at]!]));
  return {
    values: numbersOf({ z, h, z3, y, loss }) as Turn['values'],
    gradients: numbersOf(gradients) as Turn['gradients'],
  };
}

/** The parameters after an update, by the library's own `sgd`, in f64. */
export function updated(parameters: Parameters, { gradients }: Turn, rate: number): Parameters {
  const optimizer = sgd({ learningRate: rate });
  const size = PARAMETERS.length;
  // An optimizer updates whole blocks: the nine numbers, and zeros behind them.
  const arena = (of: Readonly<Record<Parameter, number>>): Value =>
    row([...PARAMETERS.map((name) => of[name]), ...new Array<number>(BLOCK - size).fill(0)], [BLOCK]);
  const [after] = optimizer.update({
    parameters: arena(parameters),
    gradients: arena(gradients),
    moments: [],
    groups: row([1, 0, 1, 0]),
    schedule: row([...optimizer.row(0, rate), 0, 0, 0]),
    control: constant(new Uint32Array(4), spec([4], 'u32')),
    ranges: [{ name: 'all', shape: [size], offset: 0, size, trains: true }],
  });
  const { outputs } = interpret({ outputs: { after }, writes: [] }, { precision: 'f64' });
  return Object.fromEntries(PARAMETERS.map((name, at) => [name, outputs['after'][at]])) as Record<Parameter, number>;
}
