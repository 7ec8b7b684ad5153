// Losses and gradients of PyTorch, by test/goldens/ctc.py, on cases that both draw alike.

import { expect, onTestFinished, test } from 'vitest';
import { spec, type Numbers } from '../../src/core/shape.ts';
import { interpret } from '../../src/cpu/interpret.ts';
import { input } from '../../src/graph/leaf.ts';
import { ctc } from '../../src/nn/losses.ts';
import { sum } from '../../src/ops/index.ts';
import type { Graph } from '../../src/graph/graph.ts';
import { GpuBackend } from '../../src/scheduler/gpuBackend.ts';
import { differentiate } from '../../src/transform/differentiate.ts';
import { simplify } from '../../src/transform/simplify.ts';
import { sharedDevice } from '../support/device.ts';
import goldens from '../goldens/ctc.json' with { type: 'json' };

const SMALL = 40;
const SHORT = [1, 2, 3, 5, 8, 13, 21];
const LONG = [100, 200, 400, 700, 1000, 1000, 1500, 2000, 2000, 2000];
const REDUCTIONS = ['none', 'sum', 'mean'] as const;
/** Of a long case, every so many-th number of the gradient is kept. */
const STRIDE = 397;
/** At the logits, whose gradients are at most 1; of losses, relative to what is larger than that. */
const TOLERANCE = 1e-5;

/** A linear congruential generator (Knuth), of which the high bits are used. */
function drawsOf(seed: number): (below: number) => number {
  let state = Math.imul(seed, 2_654_435_761) >>> 0;
  return (below) => {
    state = (Math.imul(1_664_525, state) + 1_013_904_223) >>> 0;
    return Math.floor((state * below) / 2 ** 32);
  };
}

interface Case {
  readonly graph: Graph;
  readonly batch: Readonly<Record<string, Numbers>>;
}

function caseOf(index: number): Case {
  const below = drawsOf(index + 1);
  const isSmall = index < SMALL;
  const T = isSmall ? SHORT[index % SHORT.length] : LONG[index - SMALL];
  const N = 1 + below(3);
  const C = 2 + below(isSmall ? 4 : 20);
  const S = 1 + below(isSmall ? 5 : 150);
  const blank = below(C);
  const labels = new Int32Array(N * S);
  for (let at = 0; at < N * S; at++) {
    const label = below(C - 1);
    const repeats = below(3) === 0 && at % S > 0;
    labels[at] = repeats ? labels[at - 1] : label + (label >= blank ? 1 : 0);
  }
  const inputLengths = Int32Array.from({ length: N }, () => T - below(Math.floor((T + 2) / 3)));
  const labelLengths = Int32Array.from({ length: N }, () => below(S + 1));
  const logits = Float32Array.from({ length: N * T * C }, () => below(4096) / 512 - 4);
  const x = input('logits', spec([N, T, C]));
  const loss = ctc(x, input('labels', spec([N, S], 'i32')), {
    inputLengths: input('inputLengths', spec([N], 'i32')),
    labelLengths: input('labelLengths', spec([N], 'i32')),
    blank,
    zeroInfinity: index % 2 === 0,
    reduction: REDUCTIONS[index % 3],
  });
  const [gradient] = differentiate(sum(loss), [x]);
  return {
    graph: { outputs: { loss, gradient: gradient! }, writes: [] },
    batch: { logits, labels, inputLengths, labelLengths },
  };
}

const bytes = (text: string): ArrayBuffer => Uint8Array.from(Buffer.from(text, 'base64')).buffer;

function expectAlike(name: string, actual: Numbers, expected: Numbers): void {
  expect(actual.length).toBe(expected.length);
  for (const [at, right] of expected.entries()) {
    const off = Math.abs(actual[at] - right);
    const isAlike = Object.is(actual[at], right) || off <= TOLERANCE * Math.max(1, Math.abs(right));
    if (!isAlike) throw new Error(`${name}[${at}] is ${actual[at]}, but PyTorch says ${right}`);
  }
}

async function onDevice({ graph, batch }: Case): Promise<Readonly<Record<string, Numbers>>> {
  const backend = new GpuBackend(await sharedDevice(), { fuse: true });
  const program = await backend.compile(simplify(graph));
  onTestFinished(() => {
    program.destroy();
    backend.destroy();
  });
  expect(program.launches).toContain('ctc+ctcGrad');
  for (const field of program.fields.keys()) program.upload(field, batch[field]);
  backend.run([program]);
  return backend.readOutputs(program);
}

const onCpu = ({ graph, batch }: Case): Promise<Readonly<Record<string, Numbers>>> =>
  Promise.resolve(interpret(graph, { batch }).outputs);

test.each([
  ['cpu', onCpu],
  ['webgpu', onDevice],
])('losses and gradients are those of PyTorch: %s', async (_, run) => {
  for (const [index, golden] of goldens.entries()) {
    const outputs = await run(caseOf(index));
    const { gradient } = outputs;
    const kept = index < SMALL ? gradient : gradient.filter((_x, at) => at % STRIDE === 0);
    expectAlike(`case ${index}: loss`, outputs['loss'], new Float64Array(bytes(golden.loss)));
    expectAlike(`case ${index}: gradient`, kept, new Float32Array(bytes(golden.gradient)));
  }
});
