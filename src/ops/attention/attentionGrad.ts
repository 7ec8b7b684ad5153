import { spec } from '../../core/shape.ts';
import type { Op } from '../../graph/graph.ts';
import { backwardAccuracy } from './attentionBounds.ts';
import { formsOf } from './attentionForms.ts';
import { backwardLaunches } from './attentionLaunches.ts';
import { flopsOf, type GradAttrs } from './attentionNode.ts';
import { backward } from './attentionReference.ts';
import { backwardWork } from './attentionWasm.ts';

/** Of a pair of query and key: its score and dY · v again in both launches, slopes · k, slopes · q, weights · dY. */
const PRODUCTS = 7;

/** The slopes of q, k and v, in one buffer; and of each row lse and Σ y · dY, `[N, H, T, 2]`. */
export const attentionGradOp: Op<GradAttrs, 'f32'> = {
  name: 'attentionGrad',
  infer(_, { extents: { N, T, H }, size }) {
    return [spec([size]), spec([N, H, T, 2])];
  },
  cpu: backward,
  forms: formsOf,
  gpu: backwardLaunches,
  wasm: backwardWork,
  flops: (node) => flopsOf(node, PRODUCTS),
  accuracy: backwardAccuracy,
};
