// What PyTorch's scaled_dot_product_attention gives and learns, by test/goldens/attention.py, on operands that both make alike.

import { describe, expect, test } from 'vitest';
import { spec, type Numbers, type Shape } from '../../src/core/shape.ts';
import { interpret } from '../../src/cpu/interpret.ts';
import type { Graph } from '../../src/graph/graph.ts';
import { constant, input } from '../../src/graph/leaf.ts';
import { attention, type AttentionOptions } from '../../src/ops/attention/attention.ts';
import { mul, sum } from '../../src/ops/index.ts';
import { differentiate } from '../../src/transform/differentiate.ts';
import { sharedBackend } from '../support/device.ts';
import goldens from '../goldens/attention.json' with { type: 'json' };

/** At numbers of at most 5. */
const TOLERANCE = 1e-5;

const [N, T, H, D] = goldens.extents;
const numbersOf = (which: number, shape: Shape): Float32Array =>
  Float32Array.from({ length: shape.reduce((all, extent) => all * extent, 1) }, (_, i) => Math.cos(1.7 * i + which));

const mask = constant(Uint8Array.from(goldens.mask), spec([N, 1, T, goldens.mask.length / N / T], 'u8'));
const optionsOf: Readonly<Record<string, AttentionOptions>> = {
  plain: {},
  causal: { causal: true },
  'causal across': { causal: true },
  masked: { mask },
  grouped: {},
  scaled: { scale: 0.9 },
};

type Case = (typeof goldens.cases)[number];

function graphOf({ name, keyHeads, keys }: Case): { graph: Graph; batch: Record<string, Numbers> } {
  const shapes = [
    [N, T, H, D],
    [N, keys, keyHeads, D],
    [N, keys, keyHeads, D],
  ];
  const operands = shapes.map((shape, which) => input(`x${which}`, spec(shape)));
  const [q, k, v] = operands;
  const y = attention(q, k, v, optionsOf[name]);
  const slopes = differentiate(sum(mul(y, constant(numbersOf(3, shapes[0]), spec(shapes[0])))), operands);
  const outputs = { y, ...Object.fromEntries(slopes.map((slope, which) => [`d${which}`, slope!])) };
  const batch = Object.fromEntries(shapes.map((shape, which) => [`x${which}`, numbersOf(which, shape)]));
  return { graph: { outputs, writes: [] }, batch };
}

async function onGpu(graph: Graph, batch: Record<string, Numbers>): Promise<Readonly<Record<string, Numbers>>> {
  const backend = await sharedBackend();
  const program = await backend.compile(graph);
  try {
    await backend.observe(program, batch);
    return await backend.readOutputs(program);
  } finally {
    program.destroy();
    backend.destroy();
  }
}

const furthest = (given: Numbers, expected: readonly number[]): number =>
  expected.reduce((most, x, at) => Math.max(most, Number.isNaN(given[at]) ? Infinity : Math.abs(given[at] - x)), 0);

describe.each(goldens.cases)(`attention as in torch ${goldens.torch}: $name`, (one) => {
  const { graph, batch } = graphOf(one);
  const run = {
    'the reference': () => interpret(graph, { batch, precision: 'f32' }).outputs,
    'the GPU': () => onGpu(graph, batch),
  };
  test.each(Object.keys(run) as (keyof typeof run)[])('%s gives and learns the same', async (where) => {
    const outputs = await run[where]();
    expect(furthest(outputs['y'], one.y)).toBeLessThan(TOLERANCE);
    one.slopes.forEach((slopes, which) => expect(furthest(outputs[`d${which}`], slopes)).toBeLessThan(TOLERANCE));
  });
});

test('a query that sees no key gives 0, and so in PyTorch', () => {
  const { y } = goldens.cases.find(({ name }) => name === 'masked')!;
  expect(y.slice(H * D, 2 * H * D)).toEqual(new Array(H * D).fill(0));
});
