import { described, requireKind } from '../../core/argumentChecks.ts';
import { DataError, ShapeError } from '../../core/errors.ts';
import { formatSpec } from '../../core/shape.ts';
import { isValue, type Value } from '../../graph/graph.ts';
import type { Context, Values } from '../../nn/layer.ts';
import { softmax } from '../../ops/losses/softmax.ts';
import { argmax } from '../../ops/reductions/argmax.ts';
import { max } from '../../ops/reductions/extremum.ts';
import type { Model } from '../model.ts';

/**
 * What a predictor tells of a model's logits `[…, C]`, computed where the model is.
 * `logits`: what the model gives, whatever that is. `probabilities`: softmax of them, f32 `[…, C]`. `classes`: the likeliest
 * class, i32 `[…]`, and beside it, as `outputs.probability`, how likely it is, f32 `[…]`.
 */
export type PredictorOutputs = 'logits' | 'probabilities' | 'classes';

/** What a model that gives O is told of by. */
export type ToldOf<O, K extends PredictorOutputs> = K extends 'probabilities'
  ? Value<'f32'>
  : K extends 'classes'
    ? { readonly classes: Value<'i32'>; readonly probability: Value<'f32'> }
    : O;

const tellers: Readonly<Record<Exclude<PredictorOutputs, 'logits'>, (logits: Value) => Values>> = {
  probabilities: softmax,
  classes: (logits) => ({ classes: argmax(logits), probability: max(softmax(logits), { axes: -1 }) }),
};

/** A model with what is told of its logits in their place. @throws DataError for what is none of these */
export function telling(model: Model, outputs: PredictorOutputs): Model {
  const isKnown = outputs === 'logits' || Object.hasOwn(tellers, outputs);
  requireKind('createPredictor', 'outputs', outputs, isKnown, '"logits", "probabilities" or "classes"');
  if (outputs === 'logits') return model;
  const tell = tellers[outputs];
  return (x: Value, context: Context): Values => tell(logitsIn(context.apply(model, x, ''), outputs));
}

/** @throws ShapeError for what no softmax makes sense of */
function logitsIn(given: unknown, outputs: PredictorOutputs): Value {
  if (!isValue(given)) {
    throw new DataError(
      `[createPredictor] ${outputs} are told of one output, but the model gives ${described(given)}: apply softmax or argmax in the model`,
    );
  }
  const { shape } = given.spec;
  if (shape.length > 1 && shape.at(-1)! > 1) return given;
  throw new ShapeError(
    `[createPredictor] ${outputs} are told of logits [N, C], but the model gives ${formatSpec(given.spec)}, which is no choice among classes: apply sigmoid in the model`,
  );
}
