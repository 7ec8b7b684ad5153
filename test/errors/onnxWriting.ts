import { spec } from '../../src/core/shape.ts';
import {
  add,
  constant,
  createPredictor,
  definePointwise,
  differentiate,
  leakyRelu,
  lstm,
  matmul,
  mul,
  pointwise,
  read,
  relu,
  reshape,
  slice,
  sum,
  tanh,
  type Context,
  type Forward,
  type State,
  type Value,
} from '../../src/index.ts';
import { toOnnx } from '../../src/interop/onnx/export/toOnnx.ts';
import type { Model } from '../../src/train/model.ts';
import type { Case } from '../support/provoke.ts';

const written =
  (model: unknown, shape: readonly number[] = [4, 3], samples?: number) =>
  async () => {
    const data = { x: { shape, dtype: 'f32' } } as const;
    const predictor = await createPredictor({ model: model as Model, data, backend: 'cpu' });
    return toOnnx(predictor, { ...(samples !== undefined && { samples }) });
  };

const half = definePointwise({ name: 'half', arity: 1, wgsl: { expression: 'a * 0.5' }, f: (x) => x / 2 });
const own: State = { name: 'own', spec: spec([3]), initial: () => new Float32Array(3) };
const rows = (x: Value): Value => reshape(x, [-1, x.spec.shape.at(-1)!]);
const squared = (x: Value): Value => mul(x, x);
const slope = (x: Value): Value => differentiate(sum(squared(slice(x, [null, { step: 2 }]))), [x])[0]!;

/** A model of four GiB, of which there is no number. */
const large = (): { forward(): Promise<Forward> } => {
  const shape = [2 ** 15, 2 ** 15];
  const weight = read({ name: 'weight', spec: spec(shape), initial: () => new Float32Array(0) });
  const forward: Forward = {
    graph: () => ({ outputs: { y: relu(weight) }, writes: [] }),
    leafOf: (value) => (value.node === weight.node ? { tensor: 'weight' } : undefined),
    fields: {},
    tensors: { weight: { shape, data: new Float32Array(0) } },
    samples: 2,
    parameters: ['weight'],
    layers: [],
  };
  return { forward: async () => forward };
};

export const onnxWriting: readonly Case[] = [
  ['[toOnnx] the model uses <op>, which', written((x: Value, context: Context) => context.dropout('some', x, 0.5))],
  ['[toOnnx] the model uses <op>, an op of its own', written((x: Value) => pointwise(half, [x]))],
  [
    '[toOnnx] the model reads no field',
    written((x: Value) => constant(new Float32Array(x.spec.shape[0]), spec([x.spec.shape[0]]))),
  ],
  ['[toOnnx] the model reads the state', written((x: Value) => add(x, read(own)))],
  ['[toOnnx] the model does not take', async () => toOnnx(await streams())],
  ['[toOnnx] the model is another one', written((x: Value) => (x.spec.shape[0] % 2 === 0 ? relu(x) : tanh(relu(x))))],
  ['[toOnnx] <op> makes', written((x: Value) => reshape(matmul(rows(x), rows(x), { transposeB: true }), [-1]))],
  ['[toOnnx] <op> has another', written((x: Value) => leakyRelu(x, { slope: 1 / x.spec.shape[0] }))],
  ['[toOnnx] a constant', written((x: Value) => mul(x, x.spec.shape[0]))],
  [
    '[toOnnx] a slice takes',
    written((x: Value) => slice(rows(x), [{ start: x.spec.shape[0], end: 2 * x.spec.shape[0] }])),
  ],
  ['[toOnnx] a gradient of a slice', written(slope)],
  ['[toOnnx] the model has <size>', () => toOnnx(large())],
];

/** A predictor of four streams, which two samples are not. */
async function streams() {
  const data = { x: { shape: [4, 3], dtype: 'f32' } } as const;
  return createPredictor({ model: lstm(3, 2, { stateful: 2 }) as Model, data, backend: 'cpu' });
}
