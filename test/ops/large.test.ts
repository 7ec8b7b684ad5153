import { expect, test } from 'vitest';
import { spec } from '../../src/core/shape.ts';
import { apply, type Value } from '../../src/graph/graph.ts';
import { input } from '../../src/graph/leaf.ts';
import { summarize } from '../../src/gpu/device.ts';
import { convolve } from '../../src/ops/convolution/convolution.ts';
import { matmul, mul, pad, relu, sum, transpose } from '../../src/ops/index.ts';
import { backendOn, sharedBackend, sharedDevice } from '../support/device.ts';

// Past 65,535 groups of 64 a grid has two rows: a kernel that reads one coordinate of its place alone would leave off there.
const MANY = 65_535 * 64 + 1000;

test.each<readonly [string, number[], (x: Value) => Value]>([
  ['map', [MANY], relu],
  ['zip', [MANY], (x) => mul(x, 1)],
  ['copy', [MANY, 1], (x) => transpose(x)],
  ['pad', [MANY], (x) => pad(x, [[0, 1]])],
  ['reduce', [MANY, 1], (x) => sum(x, { axes: 1 })],
])('%s reaches the elements past one row of groups', async (_, shape, build) => {
  const backend = await sharedBackend();
  const program = await backend.compile({ outputs: { y: build(input('x', spec(shape))) }, writes: [] });
  const x = Float32Array.from({ length: MANY }, (__, at) => at % 1021);
  program.upload('x', x);
  backend.run([program]);
  const y = await backend.readOutput(program, 'y');
  expect(y.subarray(MANY - 2000, MANY)).toEqual(x.subarray(MANY - 2000));
  program.destroy();
  backend.destroy();
});

/** The same by launches whose groups lie in two rows, as of 65,536 groups on: so many are long at work. */
function inTwoRows({ node: { op, inputs, attrs } }: Value): Value {
  const gpu: typeof op.gpu = (...given) =>
    op.gpu(...given).map((launch) => {
      const [groups] = launch.grid;
      return { ...launch, grid: [Math.ceil(groups / 2), 2, 1] };
    });
  return apply({ ...op, gpu }, inputs, attrs)[0];
}

test.each([
  ['registers4', 65_535 + 70, (c: Value) => c],
  // A workgroup for each matrix, and workgroup memory, which a software driver clears for each invocation.
  ['subgroups', 101, inTwoRows],
  ['slices', 101, inTwoRows],
] as const)(
  'a product in the form %s reaches the matrices past one row of groups',
  async (form, matrices, launched) => {
    const kernels = { adapter: summarize(await sharedDevice()).name, forms: { '*': form } };
    const backend = await backendOn(sharedDevice, kernels);
    const [a, b] = [input('a', spec([matrices, 2, 3])), input('b', spec([matrices, 3, 2]))];
    const program = await backend.compile({ outputs: { c: launched(matmul(a, b)) }, writes: [] });
    const numbers = Float32Array.from({ length: 6 * matrices }, (_, at) => at % 1021);
    program.upload('a', numbers);
    // The sum of a row's first and last, and its middle.
    program.upload(
      'b',
      Float32Array.from({ length: 6 * matrices }, (_, at) => [1, 0, 0, 1, 1, 0][at % 6]),
    );
    backend.run([program]);
    const c = await backend.readOutput(program, 'c');
    for (let row = 2 * (matrices - 100); row < 2 * matrices; row++) {
      const [first, middle, last] = numbers.subarray(3 * row, 3 * row + 3);
      expect([...c.subarray(2 * row, 2 * row + 2)]).toEqual([first + last, middle]);
    }
    program.destroy();
    backend.destroy();
  },
);

test('a convolution finds the channels of more terms than f32 divides rightly', async () => {
  // (6291464 + 0.5) / 3 is 2097155 in f32.
  const terms = 6_291_464 + 16;
  const kernels = { adapter: summarize(await sharedDevice()).name, forms: { '*': 'registers4' } };
  const backend = await backendOn(sharedDevice, kernels);
  const taps = terms / 3;
  const [x, weight] = [input('x', spec([1, 1, 2 * taps - 1, 3])), input('weight', spec([1, taps, 3, 1]))];
  const program = await backend.compile({ outputs: { y: convolve(x, weight, { dilation: [1, 2] }) }, writes: [] });
  // Ones under the last taps, each times another power of two; between them, nothing.
  const pixels = new Float32Array(6 * taps - 3);
  for (let at = pixels.length - 3; at > pixels.length - 48; at -= 6) pixels.fill(1, at, at + 3);
  program.upload('x', pixels);
  const weights = new Float32Array(terms).fill(1, terms - 16);
  program.upload(
    'weight',
    weights.map((number, at) => number && 2 ** (terms - 1 - at)),
  );
  backend.run([program]);
  expect(await backend.readOutput(program, 'y')).toEqual(Float32Array.of(2 ** 16 - 1));
  program.destroy();
  backend.destroy();
});
