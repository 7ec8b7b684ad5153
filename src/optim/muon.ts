import { DataError, ShapeError } from '../core/errors.ts';
import { described, optionsOf } from '../core/argumentChecks.ts';
import { BLOCK, type Range } from '../core/parameterLayout.ts';
import { apply, type Value } from '../graph/graph.ts';
import { mul } from '../ops/pointwise/arithmetic.ts';
import { pack } from '../ops/shaping/pack.ts';
import { part, reshape } from '../ops/shaping/views.ts';
import { slice } from '../ops/shaping/pieces.ts';
import { adamw } from './adam.ts';
import { clippedTables, type Clip } from './clip.ts';
import { momentumOp } from './momentum.ts';
import { orthogonalize } from './newtonSchulz.ts';
import {
  keptInF32,
  matches,
  requireMatch,
  requireOptimizer,
  requireOption,
  requireUsualOptions,
  splitInputs,
  type Optimizer,
  type UpdateInputs,
  type UsualOptions,
  usualDefaults,
} from './optimizer.ts';
import { rangeFactors, rangeFactorsOp } from './rangeFactors.ts';
import { updateOp } from './update.ts';

/** The number by which a matrix's step is multiplied, from its rows and columns as a linear layer has them: [in, out]. */
const adjustments = {
  original: (rows: number, columns: number) => Math.sqrt(Math.max(1, columns / rows)),
  matchRmsAdamw: (rows: number, columns: number) => 0.2 * Math.sqrt(Math.max(rows, columns)),
} as const;

/** What `muon` may be told. */
export interface MuonOptions extends UsualOptions {
  /** Of the gradients' mean: 0.95 */
  readonly momentum?: number;
  /** Looks ahead by the momentum: true */
  readonly nesterov?: boolean;
  /** Of Newton and Schulz, 1 … 99: 5 */
  readonly steps?: number;
  /**
   * What multiplies the rate of a weight `[in, out]`: `original`, √max(1, out / in), or `matchRmsAdamw`,
   * 0.2 √max(in, out), with which rates and decay that suit AdamW do here too. Source: Liu et al. 2025.
   */
  readonly adjust?: keyof typeof adjustments;
  /** The least that a matrix is divided by for its norm: 1e-7 */
  readonly epsilon?: number;
  /** Which matrices, by their names, beginnings of these, or patterns; all parameters of two axes if left out. */
  readonly match?: string | RegExp | readonly (string | RegExp)[];
  /** For all other parameters, with groups and a clip of its own: adamw with this optimizer's groups and clip. */
  readonly others?: Optimizer;
}

const muonDefaults = {
  ...usualDefaults,
  weightDecay: 0.1,
  momentum: 0.95,
  nesterov: true,
  steps: 5,
  adjust: 'original',
  epsilon: 1e-7,
  match: undefined,
  others: undefined,
} as const;

/** More are not worth their time, and PyTorch refuses them too. */
const MOST_STEPS = 99;

const unitRangesOp = rangeFactorsOp({
  name: 'unitRanges',
  of: (norm, least) => 1 / (norm < least ? least : norm),
  // A norm that is NaN is not below the least, and comes out as NaN.
  wgsl: '  return 1.0 / select(norm, sizes.limit, norm < sizes.limit);',
});

/** The change of the weights, with the orthogonal directions in place of gradients. */
const stepOp = updateOp({
  name: 'muon',
  decoupled: true,
  moments: {},
  constants: {},
  row: (_, rate) => [rate],
  change: () => (_, g, rate) => rate * g,
  wgsl: 'return rate * g;',
  wasm: 'sgdUpdate',
});

/** What a step of the matrices needs to know beside its inputs. */
interface Settings {
  readonly mu: number;
  readonly nesterov: boolean;
  readonly steps: number;
  readonly epsilon: number;
  readonly adjust: keyof typeof adjustments;
  readonly clip: Clip | undefined;
}

/** Directions made norm 1 each, then orthogonal, in the layout of the page. */
function orthogonalDirections(direction: Value, { groups, ranges }: UpdateInputs, settings: Settings): Value {
  const { steps, epsilon, adjust } = settings;
  const [size] = direction.spec.shape;
  const table = rangeFactors(unitRangesOp, direction, { groups, ranges, limit: epsilon });
  const factors = slice(table, [null, { start: 3 }]);
  const units = mul(reshape(direction, [size / BLOCK, BLOCK]), factors);
  const own = ranges.filter(({ trains }) => trains);
  return pack(
    own.map(({ shape, offset }) => {
      const [rows, columns] = shape;
      return orthogonalize(part(units, shape, offset), steps, adjustments[adjust](rows, columns));
    }),
    own.map(({ offset }) => offset),
    size,
  );
}

/** The parameters with the matrices among them updated, the momentum, and the control as that leaves it. */
function stepMatrices(inputs: UpdateInputs, settings: Settings): readonly [Value, Value, Value] {
  const { parameters, gradients, moments, groups, schedule, control, closed: before = control } = inputs;
  const { nesterov, clip } = settings;
  const mu = keptInF32(settings.mu);
  const tables = clippedTables(clip, inputs);
  const [momentum, direction] = apply(
    momentumOp(nesterov, clip),
    [moments[0], gradients, tables.groups, tables.schedule, control],
    { mu, rest: 1 - mu },
  );
  const orthogonal = orthogonalDirections(direction, inputs, settings);
  const [updated, closed] = apply(stepOp, [parameters, orthogonal, groups, schedule, before], {});
  return [updated, momentum, closed];
}

/** @throws DataError for an option of Muon's own that is out of its range */
function requireSettings({ mu, steps, epsilon, adjust }: Settings): void {
  requireOption('muon', 'momentum', mu, 1);
  requireOption('muon', 'epsilon', epsilon);
  if (!Number.isInteger(steps) || steps < 1 || steps > MOST_STEPS) {
    throw new DataError(`[muon] steps is ${described(steps)} but must be a whole number, 1 … ${MOST_STEPS}`);
  }
  if (!Object.hasOwn(adjustments, adjust)) {
    throw new DataError(`[muon] adjust is ${described(adjust)} but must be ${Object.keys(adjustments).join(' or ')}`);
  }
}

/** @throws ShapeError if a choice of matrices chooses none */
function requireMatrices(match: readonly (string | RegExp)[], ranges: readonly Range[]): void {
  const names = ranges.filter(({ shape }) => shape.length === 2).map(({ name }) => name);
  for (const each of match) {
    if (names.some((name) => matches(each, name))) continue;
    throw new ShapeError(`[muon] match ${String(each)} matches no matrix: they are ${names.join(', ') || 'none'}`);
  }
}

/**
 * Momentum made orthogonal, for matrices: each step moves all directions that the gradient has by about the same. With
 * PyTorch's rule and defaults, a learning rate of 1e-3 and decay of the weights themselves of 0.1; other parameters are
 * updated by another optimizer, AdamW by default, with a rate of its own. Embeddings and the last layer, though they are
 * matrices, are better left to it: name the others in `match`. PyTorch iterates in bfloat16, this in f32; its weights are
 * `[out, in]`, and the adjustment is made for that orientation. Keras takes 6 steps, sums gradients in place of their mean,
 * adds epsilon to the norm, adjusts by rows over columns of its `[in, out]`, and gives AdamW a tenth of the rate.
 * Source: Jordan et al. 2024, "Muon: an optimizer for hidden layers in neural networks".
 * @throws DataError for an option out of its range
 */
export function muon(given: MuonOptions = {}): Optimizer {
  const options = optionsOf('muon', given, muonDefaults);
  const { learningRate, weightDecay, groups, clip, match } = options;
  const { momentum: mu, nesterov, steps, adjust, epsilon } = options;
  const settings: Settings = { mu, nesterov, steps, epsilon, adjust, clip };
  requireUsualOptions('muon', options);
  requireSettings(settings);
  const { others = adamw({ groups, ...(clip && { clip }) }) } = options;
  requireOptimizer('muon', 'others', others);
  const chosen = match === undefined ? null : [match].flat();
  for (const each of chosen ?? []) requireMatch('muon', each);
  const isOwn = ({ name, shape }: Range): boolean =>
    shape.length === 2 && (!chosen || chosen.some((each) => matches(each, name)));
  const theirMoments = Object.entries(others.moments).map(([name, first]) => [`${others.name}.${name}`, first]);
  const optimizer = {
    name: 'muon',
    learningRate,
    weightDecay,
    decaysEverything: false,
    moments: { momentum: 0, ...(Object.fromEntries(theirMoments) as Record<string, number>) },
    groups,
    others: { optimizer: others, have: (range: Range) => !isOwn(range) },
    row: (_: number, rate: number) => [rate],
    requireRanges: (ranges: readonly Range[]): void => requireMatrices(chosen ?? [], ranges),
    update(inputs: UpdateInputs): readonly Value[] {
      const [own, left] = splitInputs(optimizer, inputs);
      const trains = own.ranges.some((range) => range.trains);
      const still = [own.parameters, own.moments[0], own.closed] as const;
      const [parameters, momentum, closed] = trains ? stepMatrices(own, settings) : still;
      // The others go on from what the matrices' step leaves, so that the graph orders the two.
      const [updated, ...rest] = others.update({ ...left, parameters, ...(closed && { closed }) });
      return [updated, momentum, ...rest];
    },
  };
  return optimizer;
}
