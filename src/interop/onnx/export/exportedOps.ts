import type { Definitions } from './definition.ts';
import { attentionOps } from './ops/attention.ts';
import { normalizationOps } from './ops/normalization.ts';
import { pointwiseOps } from './ops/pointwise.ts';
import { poolingOps } from './ops/pooling.ts';
import { productOps } from './ops/products.ts';
import { recurrentOps } from './ops/recurrent.ts';
import { reductionOps } from './ops/reductions.ts';
import { shapingOps } from './ops/shaping.ts';

/** What of ours is written as what of ONNX', by family. */
export const exportedOps: Definitions = {
  ...pointwiseOps,
  ...productOps,
  ...poolingOps,
  ...normalizationOps,
  ...reductionOps,
  ...shapingOps,
  ...recurrentOps,
  ...attentionOps,
};

/** What is not, and why, as an error tells it. */
export const refusedOps: Readonly<Record<string, string>> = {
  dropout: 'draws at random, otherwise at each call: apply it in training alone, by context.mode',
  random: 'draws at random, otherwise at each call: apply it in training alone, by context.mode',
  augment: 'draws at random, otherwise at each call: apply it in training alone, by context.mode',
  augmentSequences: 'draws at random, otherwise at each call: apply it in training alone, by context.mode',
  crossEntropy: 'is a loss: write the model without it, up to its logits',
  ctc: 'is a loss: write the model without it, up to its logits',
  ctcGreedy: 'has no like in ONNX: write the model up to its logits, and decode them behind it',
};
