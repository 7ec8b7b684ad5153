import { expect, onTestFinished, test } from 'vitest';
import { spec, type Numbers } from '../../src/core/shape.ts';
import { interpret } from '../../src/cpu/interpret.ts';
import { UNIT } from '../../src/graph/accuracy.ts';
import type { Graph, Value } from '../../src/graph/graph.ts';
import { constant, input } from '../../src/graph/leaf.ts';
import { crossEntropyRows } from '../../src/ops/losses/crossEntropy.ts';
import { logSoftmax, matmul, mul, softmax, sum } from '../../src/ops/index.ts';
import { GpuBackend } from '../../src/scheduler/gpuBackend.ts';
import { differentiate } from '../../src/transform/differentiate.ts';
import { simplify } from '../../src/transform/simplify.ts';
import { sharedDevice } from '../support/device.ts';
import { asCard } from '../support/otherDevice.ts';

/*
 * A row in which one class is sure: its loss, and what flows back to it, are as small as what the others have, not 0.
 * What is right stands here in f64, where the others' share is never taken from 1.
 */

/** More than an invocation reads alone on a card. */
const C = 70;
const SURE = 3;
const MASKED = 5;
/** A hundred roundings, half of them of the distances' exponentials. */
const UNITS = 100;

/** The others lie `gap` and up to four more below the sure class; one is masked by −∞. */
const rowOf = (gap: number): Float32Array =>
  Float32Array.from({ length: C }, (_, c) => (c === MASKED ? -Infinity : c === SURE ? 2 : 2 - gap - (c % 5)));

const total = (numbers: readonly number[]): number => numbers.reduce((before, x) => before + x, 0);

/** dY of the logarithms is that of a likelihood; of the probabilities, the sum of two of them. */
const one = Float32Array.from({ length: C }, (_, c) => (c === SURE ? 1 : 0));
const two = Float32Array.from({ length: C }, (_, c) => (c === SURE || c === 8 ? 1 : 0));

function rightOf(x: Float32Array, label: number): Record<string, readonly number[]> {
  const others = (c: number): number[] => [...x.keys()].filter((at) => at !== c);
  const rest = total(others(SURE).map((c) => Math.exp(x[c] - x[SURE])));
  const logP = Array.from(x, (own) => own - x[SURE] - Math.log1p(rest));
  const p = logP.map(Math.exp);
  const all = [...p.keys()];
  const beside = all.map((c) => total(others(c).map((other) => p[other])));
  return {
    softmax: p,
    logSoftmax: logP,
    dSoftmax: all.map((c) => p[c] * total(others(c).map((other) => p[other] * (two[c] - two[other])))),
    dLogSoftmax: all.map((c) => (c === SURE ? beside[c] : -p[c])),
    loss: [-logP[label]],
    dX: all.map((c) => (c === label ? -beside[c] : p[c])),
  };
}

const x = input('x', spec([1, C]));
const label = input('label', spec([1], 'i32'));

const slope = (y: Value, dY: Float32Array): Value =>
  differentiate(sum(mul(y, constant(dY, { shape: [C], dtype: 'f32' }))), [x])[0]!;
const { loss } = crossEntropyRows(x, label);
const whole: Graph = {
  outputs: {
    softmax: softmax(x),
    logSoftmax: logSoftmax(x),
    dSoftmax: slope(softmax(x), two),
    dLogSoftmax: slope(logSoftmax(x), one),
    loss,
    dX: differentiate(loss, [x])[0]!,
  },
  writes: [],
};

/** A classifier's end of so few classes that it is one launch: h is 1, so that the logits are the weights, and dX is dWeight. */
const NARROW = 10;
const h = input('h', spec([1, 1]));
const weight = input('weight', spec([1, NARROW]));
const end = crossEntropyRows(matmul(h, weight), label);
const [dH, dWeight] = differentiate(end.loss, [h, weight]);
const narrow: Graph = { outputs: { loss: end.loss, dX: dWeight!, dH: dH! }, writes: [] };

type Run = (batch: Readonly<Record<string, Numbers>>) => Promise<Readonly<Record<string, Numbers>>>;

const onCpu = (graph: Graph): Promise<Run> =>
  Promise.resolve((batch) => Promise.resolve(interpret(graph, { batch }).outputs));

/** @param launch that the program has */
const onDevice =
  (open: () => Promise<GPUDevice>, options: { fuse: boolean }, launch: string) => async (graph: Graph) => {
    const backend = new GpuBackend(await open(), options);
    const program = await backend.compile(simplify(graph));
    onTestFinished(() => {
      program.destroy();
      backend.destroy();
    });
    expect(program.launches).toContain(launch);
    return async (batch: Readonly<Record<string, Numbers>>) => {
      for (const field of program.fields.keys()) program.upload(field, batch[field]);
      backend.run([program]);
      return backend.readOutputs(program);
    };
  };

function expectRow(given: Readonly<Record<string, Numbers>>, right: Record<string, readonly number[]>, where: string) {
  for (const name of Object.keys(given)) {
    for (const [c, expected] of (right[name] ?? []).entries()) {
      const actual = given[name][c];
      if (actual === expected || Math.abs(actual - expected) <= 2 ** -118) continue;
      const units = Math.abs(actual / expected - 1) / UNIT;
      if (!(units <= UNITS))
        throw new Error(`${where}: ${name}[${c}] is ${actual}, not ${expected}: ${units} units off`);
    }
  }
}

const GAPS = [0, 3, 17, 20, 40, 80];

test.each([
  ['cpu', onCpu],
  ['webgpu', onDevice(sharedDevice, { fuse: false }, 'crossEntropyGrad')],
  ['webgpu, in one launch', onDevice(sharedDevice, { fuse: true }, 'crossEntropy+crossEntropyGrad')],
  ['a card, in shared rows', onDevice(asCard, { fuse: false }, 'crossEntropyGrad')],
  ['a card, in one launch', onDevice(asCard, { fuse: true }, 'crossEntropy+crossEntropyGrad')],
])('what the others have is not lost beside a sure class: %s', async (where, compile) => {
  const run = await compile(whole);
  for (const gap of GAPS) {
    for (const of of [SURE, 8]) {
      const row = rowOf(gap);
      const given = await run({ x: row, label: Int32Array.of(of) });
      expectRow(given, rightOf(row, of), `${where}, gap ${gap}, label ${of}`);
    }
  }
});

test.each([
  ['cpu', onCpu],
  ['webgpu', onDevice(sharedDevice, { fuse: true }, 'narrowLoss')],
  ['a card', onDevice(asCard, { fuse: true }, 'narrowLoss')],
])("nor at a classifier's end: %s", async (where, compile) => {
  const run = await compile(narrow);
  for (const gap of GAPS) {
    for (const of of [SURE, 8]) {
      const row = rowOf(gap)
        .subarray(0, NARROW)
        .map((own) => Math.max(own, -100));
      const given = await run({ h: Float32Array.of(1), weight: row, label: Int32Array.of(of) });
      expectRow({ loss: given['loss'], dX: given['dX'] }, rightOf(row, of), `${where}, gap ${gap}, label ${of}`);
    }
  }
});
