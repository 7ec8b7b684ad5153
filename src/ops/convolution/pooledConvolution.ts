import { allocate, sizeOf, type Numbers } from '../../core/shape.ts';
import { boundsOf, runReference, UNIT } from '../../graph/accuracy.ts';
import type { Accuracy, Joined, Node, Op, ReadersOf } from '../../graph/graph.ts';
import { workOf } from '../../graph/work.ts';
import { forEachTap, type Windows } from '../pooling/pooling.ts';
import { convolutionIn, onGpu, patchesFromSamples } from './convolution.ts';
import { isDepthwise } from './depthwise.ts';

/*
 * A convolution of whose places only the largest of each 2 × 2 are wanted, in one launch: they are neighbours in the
 * product's registers, so that a quarter of C is stored, and nothing is read again.
 */

const TAPS = 4;

/** Windows of two rows and two columns that stand side by side from the corner on. */
const areQuads = ({ window, stride, before }: Windows): boolean =>
  [0, 1].every((axis) => window[axis] === 2 && stride[axis] === 2 && before[axis] === 0);

/** What the convolution makes, in f64 or f32 as the outputs are. */
function convolved(convolution: Node, inputs: readonly Numbers[], like: Numbers): Numbers {
  const numbers = allocate(convolution.outputs[0].spec, like instanceof Float64Array ? 'f64' : 'f32');
  convolution.op.cpu(inputs, [numbers], convolution);
  return numbers;
}

/** The errors that are allowed: of each maximum the largest of its window's; of where it stands any, if two are as good as equal. */
function bounds(convolution: Node, { attrs, outputs }: Node<Windows>, inputs: readonly Numbers[]): Numbers[] {
  const expected = runReference(convolution, inputs);
  const [numbers] = expected;
  const [own] = boundsOf(convolution, inputs, expected);
  const count = sizeOf(outputs[0].spec.shape);
  const [largest, second] = [new Float64Array(count).fill(-Infinity), new Float64Array(count).fill(-Infinity)];
  const widest = new Float64Array(count);
  forEachTap(convolution.outputs[0].spec, attrs, (from, to) => {
    widest[to] = Math.max(widest[to], own[from]);
    second[to] = Math.max(second[to], Math.min(largest[to], numbers[from]));
    largest[to] = Math.max(largest[to], numbers[from]);
  });
  // Infinities and NaN are as close as can be.
  const stands = widest.map((bound, at) => (largest[at] - second[at] > 4 * bound ? 0 : TAPS - 1));
  return [widest, stands];
}

function pooledOp(convolution: Node, pool: Node<Windows>): Op<null> {
  const of = { ...convolutionIn(convolution)!, isPooled: true };
  return {
    ...onGpu('forward', () => of),
    name: 'conv2d+maxPool',
    epilogue: true,
    infer: () => pool.outputs.map(({ spec }) => spec),
    cpu: (inputs, outputs) => pool.op.cpu([convolved(convolution, inputs, outputs[0])], outputs, pool),
    fromSamples: (_, at, samples) => patchesFromSamples(of, at, samples),
    flops: () => workOf(convolution).flops + workOf(pool).flops,
    accuracy: (): Accuracy => ({
      ulps: 1,
      magnitude: (inputs) => bounds(convolution, pool, inputs).map((each) => each.map((bound) => bound / UNIT)),
    }),
  };
}

/** Maxima and the convolution that alone makes what they are taken of, if its kernel can take them. */
export function pooledConvolution(pool: Node<Windows>, readersOf: ReadersOf): Joined | undefined {
  const convolution = pool.inputs[0].node;
  const of = convolutionIn(convolution);
  if (!of || isDepthwise(of) || (of.features / of.groups) % 4 !== 0 || !areQuads(pool.attrs)) return undefined;
  const [y] = convolution.outputs;
  if (pool.inputs[0] !== y || readersOf(y).length > 1 || sizeOf(pool.outputs[0].spec.shape) === 0) return undefined;
  return {
    op: pooledOp(convolution, pool),
    nodes: [convolution, pool],
    inputs: convolution.inputs,
    makes: pool.outputs,
  };
}
