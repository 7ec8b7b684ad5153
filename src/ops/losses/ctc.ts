import { DataError, ShapeError } from '../../core/errors.ts';
import { output } from '../../core/launch.ts';
import { formatSpec, requireDtype, sameShape, spec } from '../../core/shape.ts';
import { boundsOf, UNIT } from '../../graph/accuracy.ts';
import { apply, specOf, type Node, type Op, type Value } from '../../graph/graph.ts';
import { constant } from '../../graph/leaf.ts';
import { workOf } from '../../graph/work.ts';
import { integerDtypes } from '../data/integerReader.ts';
import { uncast } from '../data/originalIntegers.ts';
import { bothBounds, forwardBounds } from './ctcBounds.ts';
import { forward } from './ctcOnCpu.ts';
import { gradOp, slopeOf, withBackward } from './ctcGrad.ts';
import { extentsOf, overSamples, type Attrs } from './ctcLaunch.ts';
import forwardKernel from '../../../shaders/losses/ctc.wgsl?raw';

/*
 * The recursion over the frames keeps, of each state, by which shares paths came to it. So the way back needs no
 * logarithms: what is at a state is handed to those before it by these shares, and a product of many thousand of them
 * is as exact as one.
 */

/** Of a state: three exponentials with their differences, their sum and its logarithm, three quotients, two sums. */
const FLOPS_PER_STATE = 20;
/** Of a logit: compared, shifted, its exponential added up. */
const FLOPS_PER_LOGIT = 4;

/** Forward and backward in one launch. */
function bothOp(node: Node<Attrs>, back: Node<Attrs>): Op<null> {
  const dLoss = slopeOf(node, back)!;
  const slopes = new Float64Array(extentsOf(node).N).fill(dLoss);
  return {
    name: 'ctc+ctcGrad',
    infer: () => [...node.outputs, ...back.outputs].map(({ spec: own }) => own),
    cpu(inputs, outputs) {
      ctcOp.cpu(inputs, outputs.slice(0, 2), node);
      gradOp.cpu([...inputs, outputs[1], slopes], outputs.slice(2), back);
    },
    gpu(_, adapter) {
      const { kernel, grid, sizes } = overSamples(node, forwardKernel, adapter);
      const whole = { ...withBackward(kernel), name: 'ctc+ctcGrad', writes: { d_logits: 'f32', posteriors: 'f32' } };
      const bindings = [0, 1, 2, 3, output(0), output(1), output(2), output(3)];
      return [{ kernel: whole, grid, bindings, uniform: [...sizes, { f32: dLoss }] }];
    },
    flops: () => workOf(node).flops + workOf(back).flops,
    accuracy: () => ({
      ulps: 1,
      magnitude(inputs, expected) {
        const ofForward = boundsOf(node, inputs, expected.slice(0, 2));
        const ofBack = bothBounds(back, [...inputs, expected[1], slopes], expected.slice(2));
        return [...ofForward, ...ofBack].map((bounds) => bounds.map((bound) => bound / UNIT));
      },
    }),
  };
}

/** @throws DataError if no path spells a sample's labels, as far as its numbers are known */
function requireSpelling(
  node: Node<Attrs>,
  [labels, frames, count]: readonly (ArrayLike<number> | undefined)[],
  where: string,
): void {
  const { C } = extentsOf(node);
  const { blank, zeroInfinity } = node.attrs;
  if (!labels || !count) return;
  const own = Array.from(labels).slice(0, count[0]);
  const wrong = own.findIndex((label) => label < 0 || label >= C || label === blank);
  if (wrong >= 0) {
    throw new DataError(
      `[ctc] ${where}: label ${wrong} is ${own[wrong]}, but labels under ${C} logits must be 0 … ${C - 1}, and not the blank, ${blank}: mend the data, or tell by labelLengths how many labels it has`,
    );
  }
  const repeats = own.filter((label, at) => at > 0 && label === own[at - 1]).length;
  const least = own.length + repeats;
  if (zeroInfinity || !frames || frames[0] >= least) return;
  throw new DataError(
    `[ctc] ${where}: ${own.length} labels, ${repeats} of them like the one before, need ${least} frames, but it has ${frames[0]}: give it more frames, or set zeroInfinity`,
  );
}

/** By sample its loss; and of each state, by which shares paths came to it. */
const ctcOp: Op<Attrs, 'f32'> = {
  name: 'ctc',
  infer([logits, labels, inputLengths, labelLengths]) {
    requireDtype('ctc', 'logits', logits, 'f32');
    const integers = { labels, inputLengths, labelLengths };
    for (const [name, given] of Object.entries(integers)) requireDtype('ctc', name, given, ...integerDtypes);
    const [N, T, C] = logits.shape;
    if (logits.shape.length !== 3 || T === 0 || C === 0 || labels.shape.length !== 2 || labels.shape[0] !== N) {
      throw new ShapeError(
        `[ctc] logits are ${formatSpec(logits)} but labels are ${formatSpec(labels)}: they must be f32[N, T, C], T and C above 0, and integers [N, S]`,
      );
    }
    for (const [name, given] of Object.entries({ inputLengths, labelLengths })) {
      if (sameShape(given.shape, [N])) continue;
      throw new ShapeError(
        `[ctc] ${name} are ${formatSpec(given)} for ${N} samples: give one length for each, as logits are ${formatSpec(logits)}`,
      );
    }
    return [spec([N]), spec([N, T + 1, 2 * labels.shape[1] + 1, 3])];
  },
  cpu: forward,
  gpu(node, adapter) {
    const { kernel, grid, sizes } = overSamples(node, forwardKernel, adapter);
    return [{ kernel, grid, uniform: [...sizes, 0] }];
  },
  flops(node) {
    const { N, T, C, E } = extentsOf(node);
    return N * T * (E * FLOPS_PER_STATE + C * FLOPS_PER_LOGIT);
  },
  accuracy: (node) => ({
    ulps: 1,
    magnitude: (inputs, expected) => forwardBounds(node, inputs, expected).map((bounds) => bounds.map((b) => b / UNIT)),
  }),
  vjp([dLoss], node) {
    if (!dLoss) return [null, null, null, null];
    const [dLogits] = apply(gradOp, [...node.inputs, node.outputs[1], dLoss], node.attrs);
    return [dLogits, null, null, null];
  },
  ranges(node) {
    const { T, S } = extentsOf(node);
    const lengths = { low: 1, high: T, meaning: `lengths of inputs of ${T} frames` };
    return [null, null, lengths, { low: 0, high: S, meaning: `lengths of rows of ${S} labels` }];
  },
  agreement: (node) => ({ inputs: [1, 2, 3], require: (numbers, where) => requireSpelling(node, numbers, where) }),
  absorbs: (node, reader) => (slopeOf(node, reader) === undefined ? undefined : bothOp(node, reader as Node<Attrs>)),
};

export interface CtcLengths {
  /** Frames of each sample, `[N]`; all T if left out. */
  readonly inputLengths?: Value;
  /** Labels of each sample, `[N]`; all S if left out. What stands behind them is not looked at. */
  readonly labelLengths?: Value;
}

const filled = (count: number, length: number): Value =>
  constant(new Int32Array(count).fill(length), spec([count], 'i32'));

/** By sample, −log of the probability that a path spells its labels, in nats, `[N]`. */
export function ctcLosses(
  logits: Value,
  labels: Value,
  lengths: { readonly [name in keyof CtcLengths]: Value | undefined },
  attrs: Attrs,
): Value<'f32'> {
  const [N = 0, T = 0] = specOf('ctc', 'logits', logits).shape;
  const [, S = 0] = specOf('ctc', 'labels', labels).shape;
  const { inputLengths = filled(N, T), labelLengths = filled(N, S) } = lengths;
  return apply(ctcOp, [logits, ...[labels, inputLengths, labelLengths].map(uncast)], attrs)[0];
}
