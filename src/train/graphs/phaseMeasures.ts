import { ShapeError } from '../../core/errors.ts';
import { requireKind } from '../../core/argumentChecks.ts';
import { sizeOf } from '../../core/shape.ts';
import { isValue } from '../../graph/graph.ts';
import type { Values } from '../../nn/layer.ts';
import type { Measures } from '../../nn/losses.ts';
import { inputOf, type BatchValues } from '../../nn/fieldRoles.ts';
import { requireGiven, traced, type Tracer } from '../../nn/tracer.ts';
import type { Model, Phase } from '../model.ts';

/** What steps report beside a phase's own metrics. */
export const OWN_METRICS = ['gradientNorm', 'learningRate'];

/** What a model gives for a batch. */
export const outputsOf = (model: Model, tracer: Tracer, batch: BatchValues): Values =>
  traced(batch, () => tracer.apply(model, inputOf(batch), '')) as Values;

/**
 * Loss and metrics of a batch, as a phase's loss gives them, the loss first.
 * @throws DataError or ShapeError for what a model or a loss may not give
 */
export function measuresOf(model: Model | undefined, { loss }: Phase, tracer: Tracer, batch: BatchValues): Measures {
  tracer.begin();
  const result = traced(batch, () => {
    const outputs = (model ? tracer.apply(model, inputOf(batch), '') : batch) as Values;
    for (const [name, output] of Object.entries(isValue(outputs) ? {} : outputs)) {
      requireKind('model', `output "${name}"`, output, isValue(output), 'a value');
    }
    return loss(outputs, batch, tracer);
  });
  requireGiven('what the loss gives', result);
  const measures: Measures = isValue(result) ? { loss: result } : result;
  requireGiven('`loss` of what the loss gives', measures.loss);
  for (const [name, given] of Object.entries(measures)) {
    const isFigure = isValue(given) || 'values' in Object(given);
    requireKind(
      'model',
      `metric "${name}"`,
      given,
      isFigure,
      'a value or a metric, as crossEntropy(outputs, batch).loss',
    );
    if (OWN_METRICS.includes(name)) {
      throw new ShapeError(`[model] a metric is called "${name}", as one that steps report by themselves: rename it`);
    }
    for (const { spec: of } of isValue(given) ? [given] : given.values) {
      if (of.dtype !== 'f32') throw new ShapeError(`[model] metric "${name}" is ${of.dtype}: cast it to f32`);
    }
  }
  if (!isValue(measures.loss)) {
    throw new ShapeError('[model] the loss is a metric, which has no gradient: give a value, and the metric beside it');
  }
  if (sizeOf(measures.loss.spec.shape) !== 1) {
    throw new ShapeError(
      `[model] the loss is f32[${measures.loss.spec.shape.join(', ')}] but must be one number: take its mean`,
    );
  }
  const { loss: first, ...others } = measures;
  return { loss: first, ...others };
}
