import { DataError, ShapeError } from '../../core/errors.ts';
import { described, nearest } from '../../core/argumentChecks.ts';
import { formatSpec, sameShape, sizeOf, type Numbers } from '../../core/shape.ts';
import { requireFinite, type Dataset, type Scale } from '../../data/dataset.ts';
import { samplesFrom } from '../../data/sampleLayout.ts';
import { orderOf } from '../../graph/executionOrder.ts';
import type { Agreement, Graph, Node, Range, Value } from '../../graph/graph.ts';
import { asUseOf, constantOp, inputOp } from '../../graph/leaf.ts';
import { castOp } from '../../ops/pointwise/cast.ts';
import type { GivenSamples } from '../options.ts';
import type { Fields } from './sampleSource.ts';

/** What a field's numbers must be for an op that reads them. */
export interface FieldRange extends Range {
  readonly field: string;
  /** The scale by which the op sees numbers that are no integers. */
  readonly scale: Scale;
  readonly op: string;
}

/** What an op's integers must be together, and by input where they come from: a field, or one number for all samples. */
export interface FieldAgreement extends Agreement {
  readonly sources: readonly (string | number | undefined)[];
}

/** What is looked at in data before anything is computed with them. */
export interface FieldChecks {
  readonly ranges: readonly FieldRange[];
  readonly agreements: readonly FieldAgreement[];
}

/** The scale of what is seen as it is, as integers are. */
export const asItIs: Scale = { scale: 1, offset: 0 };

/** The field that a value is, or is a cast or view of. */
export function fieldOf(value: Value): string | undefined {
  let at = value;
  while (at.node.op.view || at.node.op.name === 'cast') at = at.node.inputs[0];
  return asUseOf(inputOp, at.node)?.label;
}

/** The scale by which a value shows the field that it is a cast or view of; null where it shows whole numbers of it. */
function scaleOf(value: Value): Scale | null {
  let [scale, offset] = [1, 0];
  for (let at = value; at.node.op.view || at.node.op === castOp; at = at.node.inputs[0]) {
    const cast = asUseOf(castOp, at.node);
    if (!cast) continue;
    if (cast.dtype !== 'f32') return null;
    offset += scale * cast.offset;
    scale *= cast.scale;
  }
  return { scale, offset };
}

/** The bounds that a node puts on numbers which come straight from the batch. */
const rangesOf = (node: Node): FieldRange[] =>
  (node.op.ranges?.(node) ?? []).flatMap((range, at) => {
    const field = range ? fieldOf(node.inputs[at]) : undefined;
    const scale = range?.isReal ? scaleOf(node.inputs[at]) : asItIs;
    return range && field !== undefined && scale ? [{ ...range, field, scale, op: node.op.name }] : [];
  });

function sourceOf(value: Value): string | number | undefined {
  const numbers = asUseOf(constantOp, value.node)?.numbers;
  return numbers?.every((number) => number === numbers[0]) ? numbers[0] : fieldOf(value);
}

function agreementOf(node: Node): FieldAgreement[] {
  const agreement = node.op.agreement?.(node);
  if (!agreement) return [];
  const sources = agreement.inputs.map((at) => sourceOf(node.inputs[at]));
  return typeof sources[0] === 'string' ? [{ ...agreement, sources }] : [];
}

/** What ops ask of numbers which come straight from the batch, one by one and together. */
export function checksOf(graphs: readonly Graph[]): FieldChecks {
  const nodes = graphs.flatMap(orderOf);
  return { ranges: nodes.flatMap(rangesOf), agreements: nodes.flatMap(agreementOf) };
}

/** @throws DataError at the first sample whose integers do not go together */
function requireAgreement(data: Dataset, { sources, require }: FieldAgreement): void {
  for (let sample = 0; sample < data.length; sample++) {
    const numbers = sources.map((source) => {
      if (typeof source !== 'string') return source === undefined ? undefined : [source];
      return samplesFrom(data.fields[source], sample, sample + 1);
    });
    require(numbers, `sample ${sample} of "${sources[0]}"`);
  }
}

/** What a scale in f32 may add to a number that lies on its bound. */
const ROUNDING = 2 ** -20;

/** @throws DataError at the first number outside its range */
export function requireRange(numbers: Numbers, range: FieldRange): void {
  const { field, op, low, high, meaning, except, isReal } = range;
  const { scale, offset } = range.scale;
  const slack = isReal ? ROUNDING : 0;
  for (let at = 0; at < numbers.length; at++) {
    const number = numbers[at];
    const seen = number * scale + offset;
    if ((seen < low - slack || seen > high + slack) && number !== except) {
      const as = seen === number ? '' : `, seen as ${Number(seen.toPrecision(6))}`;
      throw new DataError(
        `[${op}] "${field}"[${at}] is ${number}${as}, but ${meaning} must be ${low} … ${high}: mend the data`,
      );
    }
  }
}

/** Fails unless a data set has the fields that the model was traced with. */
export function requireFields(
  where: string,
  fields: Fields,
  { fields: given }: Dataset,
  names: readonly string[],
): void {
  for (const name of names) {
    const wanted = fields[name];
    const field = given[name];
    if (!field) {
      const known = Object.keys(given).join('", "');
      throw new ShapeError(
        `[${where}] the model was traced with a field "${name}", but this set has "${known}": name its fields alike`,
      );
    }
    if (!sameShape(field.shape, wanted.shape) || field.dtype !== wanted.dtype) {
      throw new ShapeError(
        `[${where}] field "${name}" was traced as ${formatSpec(wanted)} a sample, but here it is ${formatSpec(field)}: give samples of one shape and dtype`,
      );
    }
    const [asked, seen] = [field.scale, wanted.scale ?? { scale: 1, offset: 0 }];
    if (asked && !field.byDefault && (asked.scale !== seen.scale || asked.offset !== seen.offset)) {
      throw new ShapeError(
        `[${where}] the model sees "${name}" by scale ${seen.scale} and offset ${seen.offset}, but this set asks for ${asked.scale} and ${asked.offset}: give all sets the same`,
      );
    }
  }
}

/** @throws DataError for a number of steps that is none */
export function requireWhole(where: string, name: string, number: unknown): void {
  if (Number.isInteger(number) && (number as number) >= 1) return;
  throw new DataError(`[${where}] ${name} is ${described(number)} but must be a whole number above 0`);
}

/** Everything in a data set that would spoil training, found before the first step. */
export function requireSound(data: Dataset, read: readonly string[], { ranges, agreements }: FieldChecks): void {
  const names = read.filter((name) => !data.fields[name].host);
  for (const name of names) requireFinite(name, data.fields[name]);
  for (const range of ranges) if (names.includes(range.field)) requireRange(data.fields[range.field].data, range);
  const isHere = (source: unknown): boolean => typeof source !== 'string' || names.includes(source);
  for (const agreement of agreements) if (agreement.sources.every(isHere)) requireAgreement(data, agreement);
}

/** Fails unless a batch has a field. @throws ShapeError with the nearest of those that it has */
export function requirePresent(where: string, name: string, batch: GivenSamples, names: readonly string[]): void {
  if (batch[name] !== undefined) return;
  const others = Object.keys(batch).filter((other) => !names.includes(other));
  const near = others.length > 0 ? `, the nearest is "${nearest(name, others)}"` : '';
  throw new ShapeError(`[${where}] the batch has no field "${name}"${near}: it must have "${names.join('", "')}"`);
}

/** Rows that a batch's arrays hold, the same for every field. */
export function rowsOf(
  where: string,
  fields: Fields,
  batch: Readonly<Record<string, Numbers>>,
  names: readonly string[],
): number {
  let rows = -1;
  for (const name of names) {
    const numbers = batch[name];
    const size = sizeOf(fields[name].shape);
    const own = numbers.length / size;
    if (!Number.isInteger(own) || own === 0) {
      throw new ShapeError(
        `[${where}] field "${name}" has ${numbers.length} numbers, but a sample has ${size}: give whole samples, at least one`,
      );
    }
    if (rows >= 0 && own !== rows) {
      throw new ShapeError(
        `[${where}] field "${name}" has ${own} samples, but another field has ${rows}: every sample needs all fields`,
      );
    }
    rows = own;
  }
  return rows;
}
