import { expect, test } from 'vitest';
import { spec } from '../../src/core/shape.ts';
import type { Value } from '../../src/graph/graph.ts';
import { input } from '../../src/graph/leaf.ts';
import { mul, pad, relu, sum, transpose } from '../../src/ops/index.ts';
import { sharedBackend } from '../support/device.ts';

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
