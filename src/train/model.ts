import type { Module } from '../nn/layer.ts';
import type { Loss } from '../nn/losses.ts';
import type { Optimizer } from '../optim/optimizer.ts';

/* What a trainer is given to train: a model, and losses with their optimizers. */

/** A model as the trainer takes it: from a value, or several by name, to a value, or several. */
// oxlint-disable-next-line typescript/no-explicit-any -- a model's own input type meets the batch only when it is traced
export type Model<O = any> = Module<any, O>;

/** One loss with its optimizer, and the parameters that it may change. */
// oxlint-disable-next-line typescript/no-explicit-any -- as in Loss
export interface Phase<O = any, F extends string = any> {
  /** In front of its metrics: `discriminator.loss`. */
  readonly name: string;
  readonly loss: Loss<O, F>;
  readonly optimizer: Optimizer;
  /** Layers, or names of parameters or of what they lie below; all parameters if left out. */
  readonly trains?: readonly (object | string)[];
}
