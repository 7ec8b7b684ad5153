import { flatGrid } from '../core/launch.ts';
import { overNumbers } from '../core/wasmLaunch.ts';
import { sizeOf } from '../core/shape.ts';
import { applyOne, type Op, type Value } from '../graph/graph.ts';
import { elementsOf } from '../graph/work.ts';
import { PART } from '../ops/training/control.ts';
import { isSpoilt } from '../ops/training/badStepLedger.ts';
import accumulateKernel from '../../shaders/optim/accumulate.wgsl?raw';

interface Attrs {
  readonly keep: number;
  readonly add: number;
  /** Whether the first part of a step begins anew. */
  readonly afresh: boolean;
}

const accumulateOp: Op<Attrs> = {
  name: 'accumulate',
  effect: true,
  inPlace: [0],
  infer: ([y]) => [y],
  cpu([y, x, control], [next], { attrs: { keep, add, afresh } }) {
    const first = afresh && control[PART] === 0;
    if (!afresh && isSpoilt(control)) next.set(y);
    else for (let i = 0; i < y.length; i++) next[i] = (first ? 0 : keep * y[i]) + add * x[i];
  },
  gpu({ inputs: [y], attrs: { keep, add, afresh } }) {
    const count = sizeOf(y.spec.shape);
    return [
      {
        kernel: { name: 'accumulate', source: accumulateKernel, constants: { AFRESH: String(afresh) } },
        uniform: [count, { f32: keep }, { f32: add }],
        grid: flatGrid(count),
      },
    ];
  },
  wasm({ inputs: [y, , control], attrs: { keep, add, afresh } }) {
    const words = [control.spec.shape[0], { f32: keep }, { f32: add }, Number(afresh)];
    return { launches: [overNumbers('accumulate', [0, 1, 2], sizeOf(y.spec.shape), words)] };
  },
  flops: (node) => 3 * elementsOf(node.outputs),
  accuracy: () => ({ ulps: 6, magnitude: 'terms', absolute: 1e-37 }),
};

/** The sum of the shares that the parts of a step have in its gradients: total ← total + share · gradients, from 0. */
export const addShare = (total: Value, gradients: Value, control: Value, share: number): Value =>
  applyOne(accumulateOp, [total, gradients, control], { keep: 1, add: share, afresh: true });

/** An exponential moving average: average ← decay · average + (1 − decay) · x, but in a step that is left out. */
export const average = (averages: Value, x: Value, control: Value, decay: number): Value =>
  applyOne(accumulateOp, [averages, x, control], { keep: decay, add: 1 - Math.fround(decay), afresh: false });
