import { flatGrid, output, type AdapterTraits } from '../../core/launch.ts';
import { sizeOf } from '../../core/shape.ts';
import { boundsOf, UNIT } from '../../graph/accuracy.ts';
import {
  storageOf,
  type Accuracy,
  type Joined,
  type Node,
  type Op,
  type ReadersOf,
  type Value,
} from '../../graph/graph.ts';
import { workOf } from '../../graph/work.ts';
import { isAffineGradients } from './channelSums.ts';
import layerNormGradKernel from '../../../shaders/normalization/layerNormGrad.wgsl?raw';

/*
 * All gradients of a norm of rows in one launch, where a CPU plays the GPU: what x gets, row by row, and what gamma and beta
 * get, channel by channel, read the same numbers and wait for nothing of each other. On a card each has invocations enough
 * to share a row, or a channel, and a tree of its own.
 */

/** Both nodes' work; inputs are those of dX, outputs dX, dBeta, dGamma. @param ofX and ofAffine as they were by themselves */
function gradientsOp(ofX: Node, ofAffine: Node, epsilon: number, centered: boolean): Op<null> {
  const [x, gamma] = ofX.inputs;
  const channels = sizeOf(gamma.spec.shape);
  const rows = sizeOf(x.spec.shape) / channels;
  const groups = [rows, channels].map((count) => Math.ceil(count / 64));
  const outputs = [...ofX.outputs, ...ofAffine.outputs];
  return {
    name: 'layerNormGrad',
    epilogue: true,
    infer: () => outputs.map(({ spec }) => spec),
    cpu(inputs, [dX, ...affine]) {
      ofX.op.cpu(inputs, [dX], ofX);
      ofAffine.op.cpu(affineInputs(inputs), affine, ofAffine);
    },
    gpu: () => [
      {
        kernel: { name: 'layerNormGrad', source: layerNormGradKernel, constants: { CENTERED: String(centered) } },
        bindings: [0, 1, 2, 3, 4, output(0), output(1), output(2)],
        uniform: [rows, channels, groups[0], { f32: epsilon }],
        grid: flatGrid(64 * (groups[0] + groups[1])),
      },
    ],
    flops: () => workOf(ofX).flops + workOf(ofAffine).flops,
    accuracy: (): Accuracy => ({
      ulps: 1,
      magnitude(inputs, [dX, ...affine]) {
        const bounds = [...boundsOf(ofX, inputs, [dX]), ...boundsOf(ofAffine, affineInputs(inputs), affine)];
        return bounds.map((each) => each.map((bound) => bound / UNIT));
      },
    }),
  };
}

/** x, dY, mean and variance of x, gamma, mean, variance and dY. */
const affineInputs = <T>([x, , mean, variance, dY]: readonly T[]): [T, T, T, T] => [x, dY, mean, variance];

const rootOf = (value: Value): Value => storageOf(value).root;

/** The gradients of gamma and beta that are made of the same numbers as one of x, and both as one op. */
export function withAffineGradients(
  node: Node<{ readonly epsilon: number; readonly centered: boolean }>,
  isOfRows: boolean,
  readersOf: ReadersOf,
  { software }: AdapterTraits,
): Joined | undefined {
  if (!software || !isOfRows) return undefined;
  const wanted = affineInputs(node.inputs).map(rootOf);
  const beside = readersOf(wanted[1]).find((reader) => {
    return reader && isAffineGradients(reader) && reader.inputs.every((input, at) => rootOf(input) === wanted[at]);
  });
  if (!beside) return undefined;
  const { epsilon, centered } = node.attrs;
  return {
    op: gradientsOp(node, beside, epsilon, centered),
    nodes: [node, beside],
    inputs: node.inputs,
    makes: [...node.outputs, ...beside.outputs],
  };
}
