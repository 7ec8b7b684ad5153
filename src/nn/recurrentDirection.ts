import { ShapeError } from '../core/errors.ts';
import { sizeOf, spec, type Shape } from '../core/shape.ts';
import type { Value } from '../graph/graph.ts';
import { constant } from '../graph/leaf.ts';
import { mul, sub } from '../ops/pointwise/arithmetic.ts';
import { cast } from '../ops/pointwise/cast.ts';
import { affine } from '../ops/products/matmul.ts';
import { cells, type CellName } from '../ops/recurrent/cells.ts';
import { recurrentLoop, type Recurrence } from '../ops/recurrent/recurrent.ts';
import { broadcastTo } from '../ops/reductions/sum.ts';
import { concat } from '../ops/shaping/pieces.ts';
import { reshape, stopGradient } from '../ops/shaping/views.ts';
import { torchUniform, zeros } from './initializers.ts';
import { defineLayer, type Layer, type ParameterDefinition } from './layer.ts';

/** Parameters and states of a direction, by name, as far as it has them. */
type Bound = Readonly<Record<string, Value | undefined>>;

/** What one direction of one recurrent layer is of. */
export interface Direction {
  readonly cell: CellName;
  readonly features: number;
  readonly units: number;
  readonly reverse: boolean;
  readonly initial: 'zeros' | 'learned';
  /** Streams whose state it keeps. */
  readonly stateful: number | undefined;
}

/** What it is given. */
export interface Pass {
  readonly x: Value;
  readonly lengths?: Value;
  /** h, and an lstm's c: `[1 or 2, N, H]`. */
  readonly initial: Value | undefined;
  readonly reset?: Value;
}

/** A value as one of several that are to lie one on the other. */
export const asPlane = (value: Value): Value => reshape(value, [1, ...value.spec.shape]);

/** One direction of one recurrent layer: what comes from x is one product for all steps, then the loop over them. */
export function oneDirection(kind: string, of: Direction): Layer<Pass, Recurrence> {
  const { cell, features, units, reverse, initial, stateful } = of;
  const { gates, carried } = cells[cell];
  const width = units * gates;
  const uniform = torchUniform(units);
  const weight = (rows: number): ParameterDefinition => ({ shape: [rows, units, gates], initial: uniform });
  const bias: ParameterDefinition = { shape: [units, gates], initial: uniform, decays: false };
  const begun = { initial: { shape: [carried, 1, units], initial: zeros, decays: false } };
  const kept = { carried: { shape: [carried, stateful ?? 0, units], initial: zeros } };
  return defineLayer({
    name: kind,
    parameters: {
      inputWeight: weight(features),
      hiddenWeight: weight(units),
      inputBias: bias,
      hiddenBias: bias,
      ...(initial === 'learned' && begun),
    },
    state: stateful === undefined ? {} : kept,
    apply({ x, lengths, initial: given, reset }: Pass, bound, context) {
      const [samples, steps] = x.spec.shape;
      const weights = reshape(bound.inputWeight, [features, width]);
      const rows = affine(reshape(x, [-1, features]), weights, reshape(bound.inputBias, [width]));
      const shape = [carried, samples, units];
      const { generation } = context;
      const begin = generation
        ? generation.kept('carried', given ?? learned(bound, shape) ?? nothing(shape))
        : (given ?? beginning(kind, bound, shape, reset));
      const result = recurrentLoop(
        reshape(rows, [samples, steps, width]),
        reshape(bound.hiddenWeight, [units, width]),
        reshape(bound.hiddenBias, [width]),
        { cell, reverse, lengths, initial: begin },
      );
      if (generation) generation.keep('carried', all(result));
      else if (stateful !== undefined) context.update('carried', stopGradient(all(result)));
      return result;
    },
  });
}

/** What is learned to begin with. */
const learned = ({ initial }: Bound, shape: Shape): Value | undefined => initial && broadcastTo(initial, shape);

const nothing = (shape: Shape): Value => constant(new Float32Array(sizeOf(shape)), spec(shape));

/** What a direction begins with where nothing is given: what it kept, or learned; else nothing. */
function beginning(kind: string, bound: Bound, shape: Shape, reset: Value | undefined): Value | undefined {
  const { carried } = bound;
  if (!carried) return learned(bound, shape);
  const [, streams] = carried.spec.shape;
  if (shape[1] !== streams) {
    throw new ShapeError(
      `[${kind}] a batch of ${shape[1]} samples, but the layer is stateful for ${streams} streams: give one sample of each, in the last step too`,
    );
  }
  if (!reset) return carried;
  const goes = sub(1, cast(reset, 'f32'));
  return mul(carried, reshape(goes, [1, streams, 1]));
}

/** h and c, for the next step or token. */
const all = ({ hidden, c }: Recurrence): Value => (c ? concat([asPlane(hidden), asPlane(c)]) : asPlane(hidden));
