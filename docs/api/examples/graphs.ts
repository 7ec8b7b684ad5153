// Examples of graphs, ops of one's own, devices, and errors.

import {
  apply,
  augmentImages,
  checkOp,
  constant,
  DataError,
  definePointwise,
  DeviceError,
  differentiate,
  dropElements,
  flatGrid,
  FormatError,
  formatGraph,
  input,
  interpret,
  linear,
  maskSequences,
  matmul,
  mul,
  pointwise,
  random,
  Random,
  read,
  relu,
  requestDevice,
  requiredFeatures,
  requiredLimits,
  sequential,
  ShapeError,
  simplify,
  softmax,
  sum,
  type Context,
  type State,
  type Value,
} from '../../../src/index.ts';
import { readIdx } from '../../../src/data/index.ts';
import { numbersOf, shapeOf, vector, type Examples } from './stage.ts';

export const graphs: Examples = {
  input() {
    const x = input('x', { shape: [4, 3], dtype: 'f32' });
    console.log(x.spec.shape); // [4, 3]
  },
  constant() {
    const x = constant(Float32Array.of(1, 2, 3), { shape: [3], dtype: 'f32' });
    console.log(x.spec); // { shape: [3], dtype: 'f32' }
  },
  read() {
    const state: State = {
      name: 'counter',
      spec: { shape: [1], dtype: 'f32' },
      initial: () => Float32Array.of(5),
    };
    console.log(numbersOf(mul(read(state), 2))); // [10]
  },
  interpret() {
    const x = input('x', { shape: [3], dtype: 'f32' });
    const graph = { outputs: { y: relu(x) }, writes: [] };
    const { outputs } = interpret(graph, { batch: { x: Float32Array.of(-1, 0, 2) } });
    console.log(outputs['y']); // [0, 0, 2]
  },
  differentiate() {
    const x = vector(1, 2, 3);
    const [dX] = differentiate(sum(mul(x, x)), [x]);
    console.log(numbersOf(dX!)); // [2, 4, 6]
  },
  simplify() {
    const x = input('x', { shape: [3], dtype: 'f32' });
    const graph = simplify({ outputs: { y: mul(x, mul(2, 3)) }, writes: [] });
    console.log(graph.outputs['y'].node.inputs.length); // 2
  },
  formatGraph() {
    const x = input('x', { shape: [4, 3], dtype: 'f32' });
    console.log(formatGraph({ outputs: { y: relu(x) }, writes: [] })); // the node, one line
  },
  apply() {
    const { op } = relu(vector(0)).node;
    const [y] = apply(op, [vector(-1, 2)], { constants: [] });
    console.log(numbersOf(y)); // [0, 2]
  },
  async definePointwise() {
    const square = definePointwise({
      name: 'square',
      arity: 1,
      wgsl: { expression: 'a * a' },
      f: (a) => a * a,
      accuracy: { ulps: 1, magnitude: 'result' },
      vjp: (dY, { inputs: [a] }) => [mul(dY, mul(a, 2))],
    });
    const { moved } = await checkOp((x) => pointwise(square, [x]), [[3, 2]], { backend: 'cpu' });
    console.log(moved); // 6
  },
  pointwise() {
    const half = definePointwise({ name: 'half', arity: 1, wgsl: { expression: 'a * 0.5' }, f: (a) => a / 2 });
    console.log(numbersOf(pointwise(half, [vector(4, 6)]))); // [2, 3]
  },
  async checkOp() {
    const { moved } = await checkOp(softmax, [[5, 33]], { backend: 'cpu' });
    console.log(moved); // 24
  },
  flatGrid() {
    console.log(flatGrid(1000, 64)); // [16, 1, 1]
  },
  async random() {
    const net = (x: Value, context: Context) => {
      const { control, stream } = context.draws('noise', []); // context.random does both
      return mul(x, random(control, stream, x.spec.shape, 'normal'));
    };
    console.log(await shapeOf(net, [2, 3])); // [2, 3]
  },
  async dropElements() {
    const net = (x: Value, context: Context) => {
      const { control, stream } = context.draws('mask', []);
      return dropElements(control, stream, x, 0.5);
    };
    console.log(await shapeOf(net, [4, 3])); // [4, 3]
  },
  async augmentImages() {
    const net = (images: Value, context: Context) => augmentImages(context.draws('changes', [2]), images, { shift: 2 });
    console.log(await shapeOf(net, [2, 8, 8, 1])); // [2, 8, 8, 1]
  },
  async maskSequences() {
    const net = (x: Value, context: Context) => maskSequences(context.draws('masks', [2]), x, { shift: 1 });
    console.log(await shapeOf(net, [2, 10, 4])); // [2, 10, 4]
  },
  Random() {
    const [first, second] = [new Random(1, 'weights'), new Random(1, 'weights')];
    console.log(first.uniform() === second.uniform()); // true
  },
  'Random.uniform'() {
    console.log(new Random(1, 'weights').uniform(2, 3) >= 2); // true
  },
  'Random.normal'() {
    console.log(Number.isFinite(new Random(1, 'weights').normal(0, 0.1))); // true
  },
  'Random.bell'() {
    console.log(Math.abs(new Random(1, 'weights').bell()) <= 3); // true
  },
  'Random.word'() {
    console.log(new Random(1, 'weights').word()); // 2253000000
  },
  'Random.shuffled'() {
    console.log(new Random(1, 'order').shuffled([1, 2, 3, 4])); // [1, 2, 3, 4]
  },
  ShapeError() {
    try {
      matmul(vector(1), vector(1));
    } catch (error) {
      console.log(error instanceof ShapeError); // true
    }
  },
  DataError() {
    try {
      sequential(linear(3, 2), 7 as never);
    } catch (error) {
      console.log(error instanceof DataError); // true
    }
  },
  async DeviceError() {
    const device = await requestDevice({ hardwareOnly: true }).catch((error: unknown) => error);
    console.log(device instanceof DeviceError || 'queue' in Object(device)); // true
    if (!(device instanceof DeviceError)) (device as GPUDevice).destroy();
  },
  async FormatError() {
    try {
      await readIdx('train.idx', Uint8Array.of(1, 2, 3));
    } catch (error) {
      console.log(error instanceof FormatError); // true
    }
  },
  async requestDevice() {
    const device = await requestDevice({ powerPreference: 'low-power' }).catch(() => null);
    console.log(device?.limits.maxBufferSize); // bytes, where there is a GPU
    device?.destroy();
  },
  requiredFeatures() {
    // const adapter = await navigator.gpu.requestAdapter();
    const adapter = { features: new Set(['subgroups', 'depth-clip-control']), limits: {} } as never;
    console.log(requiredFeatures(adapter)); // ['subgroups']
  },
  requiredLimits() {
    // const adapter = await navigator.gpu.requestAdapter();
    const adapter = { features: new Set(), limits: { maxBufferSize: 2 ** 31 } } as never;
    console.log(requiredLimits(adapter)['maxBufferSize']); // 2147000000
  },
};
