import { flatGrid, type Kernel } from '../../core/launch.ts';
import type { Numbers } from '../../core/shape.ts';
import { boundsOf, runReference, UNIT } from '../../graph/accuracy.ts';
import type { Accuracy, Joined, Node, Op, ReadersOf } from '../../graph/graph.ts';
import { asUseOf } from '../../graph/leaf.ts';
import { workOf } from '../../graph/work.ts';
import { asPlainCrossEntropy, labelsFromSamples } from './crossEntropy.ts';
import { slopeOf } from './crossEntropyGrad.ts';
import { guarded } from '../pointwise/nanSafeFunctions.ts';
import { integerReader } from '../data/integerReader.ts';
import { hasLanes, heldByLanes, laneOf, LANES } from '../products/subgroupLanes.ts';
import { matmulOp } from '../products/matmul.ts';
import narrowLossKernel from '../../../shaders/losses/narrowLoss.wgsl?raw';
import rowsKernel from '../../../shaders/losses/narrowLossRows.wgsl?raw';

/*
 * The end of a classifier in one launch: the last layer, its cross-entropy, the gradient of the logits, and that of what
 * the layer read. As narrow as it is, each of the four would be little work for a launch.
 */

/** More would not fit the registers of an invocation, nor be narrow. */
const MOST_CLASSES = 32;

/** Rows of a workgroup where each has an invocation to itself: one subgroup's, so that cores share the rows of a batch. */
const ROWS_TOGETHER = 8;

/** A line of the weights, of which each lane of a subgroup loads every eighth. */
function sharedLine(classes: number): string {
  const eighths = Array.from({ length: Math.ceil(classes / LANES) }, (_, at) => at * LANES);
  const loads = eighths.map((c) => `  let own${c} = weight[k * CLASSES + ${c}u + lane];`);
  const line = eighths.map((c) => heldByLanes(`own${c}`, 0, Math.min(LANES, classes - c)));
  return `fn weights_at(k: u32, lane: u32) -> array<f32, CLASSES> {\n${loads.join('\n')}\n  return array(${line.join(', ')});\n}`;
}

/** The four nodes. */
interface Ends {
  readonly product: Node;
  readonly loss: Node;
  readonly dLogits: Node;
  readonly dHidden: Node;
}

function endsOf(product: Node, readersOf: ReadersOf): Ends | undefined {
  const attrs = asUseOf(matmulOp, product);
  const [logits] = product.outputs;
  const { shape } = logits.spec;
  if (!attrs || attrs.transposeA || attrs.transposeB || shape.length !== 2 || shape[1] > MOST_CLASSES) return undefined;
  const [first, second, ...others] = new Set(readersOf(logits));
  const loss = [first, second].find((reader) => reader && asPlainCrossEntropy(reader) && reader.inputs[0] === logits);
  const dLogits = [first, second].find((reader) => loss && reader && slopeOf(loss, reader) !== undefined);
  if (others.length > 0 || !loss || !dLogits) return undefined;
  const [, logSum, weight] = loss.outputs;
  if (readersOf(weight).length > 0 || readersOf(logSum).some((reader) => reader !== dLogits)) return undefined;
  const dHidden = readersOf(dLogits.outputs[0]).find((reader) => {
    const use = reader && asUseOf(matmulOp, reader);
    const [a, b] = reader?.inputs ?? [];
    return use && !use.transposeA && use.transposeB && a === dLogits.outputs[0] && b === product.inputs[1];
  });
  return dHidden ? { product, loss, dLogits, dHidden } : undefined;
}

/** What the launch computes on the way, in f64 or f32 by the arrays that it is given. */
function computed({ product, loss, dLogits, dHidden }: Ends, [h, labels, weight, ...bias]: readonly Numbers[]) {
  const [logits] = runReference(product, [h, weight, ...bias]);
  const losses = runReference(loss, [logits, labels]);
  const slopes = new Float64Array(labels.length).fill(slopeOf(loss, dLogits)!);
  const gradientInputs = [logits, labels, losses[1], slopes];
  const [dX] = runReference(dLogits, gradientInputs);
  const [dH] = runReference(dHidden, [dX, weight]);
  return { logits, losses, gradientInputs, dX, dH };
}

/** The errors that are allowed in dH, loss, correct and dLogits: those of each node, and what they make of those before. */
function bounds(ends: Ends, inputs: readonly Numbers[]): Numbers[] {
  const { product, loss, dLogits, dHidden } = ends;
  const [h, labels, weight, ...bias] = inputs;
  const { logits, losses, gradientInputs, dX, dH } = computed(ends, inputs);
  const [ofLogits] = boundsOf(product, [h, weight, ...bias], [logits]);
  const ofLosses = boundsOf(loss, [logits, labels], losses);
  const [ofSlopes] = boundsOf(dLogits, gradientInputs, [dX]);
  const C = logits.length / labels.length;
  const widest = Float64Array.from(labels, (_, n) => Math.max(...ofLogits.subarray(n * C, (n + 1) * C)));
  const ofDX = ofSlopes.map(
    (own, at) => own + Math.abs(dX[at]) * (4 * widest[Math.floor(at / C)] + ofLosses[1][Math.floor(at / C)]),
  );
  const [carried] = runReference(dHidden, [ofDX, weight.map(Math.abs)]);
  const [own] = boundsOf(dHidden, [dX, weight], [dH]);
  return [
    own.map((bound, at) => bound + carried[at]),
    // Other logits move the loss by as much as the label is unlikely.
    ofLosses[0].map((bound, n) => bound - Math.expm1(-losses[0][n]) * 4 * widest[n]),
    // Where two logits are as good as equal, either may be the largest.
    widest.map((bound, n) => (isClose(logits.subarray(n * C, (n + 1) * C), labels[n], 4 * bound) ? 1 : 0)),
    ofDX,
  ];
}

const isClose = (row: Numbers, label: number, distance: number): boolean =>
  row.some((x, c) => c !== label && Math.abs(x - row[label]) <= distance);

function joinedOp(ends: Ends): Op<null> {
  const { product, loss, dLogits, dHidden } = ends;
  const made = [dHidden.outputs[0], loss.outputs[0], loss.outputs[3], dLogits.outputs[0]];
  return {
    name: 'narrowLoss',
    epilogue: true,
    infer: () => made.map(({ spec }) => spec),
    cpu(inputs, outputs) {
      const { dH, losses, dX } = computed(ends, inputs);
      [dH, losses[0], losses[3], dX].forEach((numbers, at) => outputs[at].set(numbers));
    },
    gpu({ inputs: [h, labels, , bias] }, adapter) {
      const [rows, inner] = h.spec.shape;
      const { software } = adapter;
      const classes = product.outputs[0].spec.shape[1];
      const kernel = guarded('narrowLoss', software ? rowsKernel : narrowLossKernel);
      const sharesLines = software && hasLanes(adapter);
      const functions: Kernel['functions'] = {
        ...kernel.functions,
        label_at: integerReader('label_at', 'labels', labels.spec.dtype, 'i32'),
        ...(sharesLines && { lane_of: laneOf, weights_at: sharedLine(classes) }),
        ...(bias && { bias_at: 'fn bias_at(class_index: u32) -> f32 {\n  return bias[class_index];\n}' }),
      };
      return [
        {
          kernel: {
            ...kernel,
            functions,
            ...(sharesLines && { enables: ['subgroups'] }),
            constants: { CLASSES: `${classes}u` },
            ...(bias && { reads: { bias: 'f32' } }),
          },
          bindings: [0, 1, 2, -1, -2, -3, -4, ...(bias ? [3] : [])],
          uniform: [rows, inner, { f32: slopeOf(loss, dLogits)! }, ...(software ? [classes] : [])],
          grid: flatGrid(rows, software ? ROWS_TOGETHER : 1),
        },
      ];
    },
    fromSamples: (_, input, samples) => (input === 1 ? labelsFromSamples(samples) : undefined),
    flops: () => [product, loss, dLogits, dHidden].reduce((total, node) => total + workOf(node).flops, 0),
    accuracy: (): Accuracy => ({
      ulps: 1,
      magnitude: (inputs) => bounds(ends, inputs).map((bound) => bound.map((b) => b / UNIT)),
    }),
  };
}

/** The end of a classifier that begins with a product, if it is one. */
export function narrowLoss(product: Node, readersOf: ReadersOf): Joined | undefined {
  const ends = endsOf(product, readersOf);
  if (!ends) return undefined;
  const { loss, dLogits, dHidden } = ends;
  const [h, weight, ...bias] = product.inputs;
  return {
    op: joinedOp(ends),
    nodes: [product, loss, dLogits, dHidden],
    inputs: [h, loss.inputs[1], weight, ...bias],
    makes: [dHidden.outputs[0], loss.outputs[0], loss.outputs[3], dLogits.outputs[0]],
  };
}
