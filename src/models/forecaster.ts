import { requireKind } from '../core/argumentChecks.ts';
import { ShapeError } from '../core/errors.ts';
import { formatSpec } from '../core/shape.ts';
import { floatsOf, type Value } from '../graph/graph.ts';
import { defineLayer, requireModule, type Layer, type Module } from '../nn/layer.ts';
import { add, div, mul, sub } from '../ops/pointwise/arithmetic.ts';
import { sqrt } from '../ops/pointwise/elementary.ts';
import { mean } from '../ops/reductions/sum.ts';
import { slice } from '../ops/shaping/pieces.ts';
import { reshape } from '../ops/shaping/views.ts';

/** Keeps windows that do not vary from a division by 0; of a standardised series. */
const EPSILON = 1e-5;

/**
 * Forecasts on each window's own level: the network sees it less its mean, over its deviation, and what it gives is put
 * back on them. So a series may rise beyond all that was learned from.
 * @param network from windows `[N, length, C]` to as many numbers as the horizon has steps, `[N, horizon]`
 * @param column which of the C columns is forecast, from 0   @returns from `[N, length, C]` to `[N, horizon, 1]`
 * @throws ShapeError for what is no window   Source: Kim et al. 2022, "Reversible instance normalization", without gains.
 */
export function forecaster(network: Module, column = 0): Layer<Value, Value<'f32'>> {
  requireModule('forecaster', 'the network', network);
  const isPlace = Number.isSafeInteger(column) && column >= 0;
  requireKind('forecaster', 'the column', column, isPlace, 'a whole number, 0 or more');
  return defineLayer({
    name: 'forecaster',
    apply(given: Value, _, context) {
      const x = floatsOf('forecaster', 'x', given);
      const [, , columns] = x.spec.shape;
      if (x.spec.shape.length !== 3 || column >= columns) {
        throw new ShapeError(
          `[forecaster] x is ${formatSpec(x.spec)} but must be windows [N, length, C] that have column ${column}`,
        );
      }
      const overTime = { axes: 1, keepDimensions: true } as const;
      const level = mean(x, overTime);
      const centered = sub(x, level);
      const deviation = sqrt(add(mean(mul(centered, centered), overTime), EPSILON));
      const made = floatsOf(
        'forecaster',
        'what the network gives',
        context.apply(network, div(centered, deviation), ''),
      );
      const own = (all: Value<'f32'>): Value<'f32'> => slice(all, [null, null, { start: column, end: column + 1 }]);
      return add(mul(reshape(made, [x.spec.shape[0], -1, 1]), own(deviation)), own(level));
    },
  });
}
