import type { SequenceWishes, TableWishes } from './commands.ts';
import type { Values } from './options.ts';
import { given, number, oneOf, whole, yesOrNo } from './optionValues.ts';
import { UsageError } from './usageError.ts';

export const readOptions = ['header', 'delimiter', 'decimal', 'missing'] as const;
const sequenceOptions = ['length', 'horizon'] as const;
export const tableOptions = [
  'target',
  'task',
  'held-out',
  'drop',
  'sequence',
  ...sequenceOptions,
  ...readOptions,
] as const;

/** A column by number if it reads as one. */
const column = (text: string): string | number => (/^-?\d+$/.test(text) ? Number(text) : text);

/** `none` alone is no word. */
const words = (text: string): readonly string[] =>
  text === 'none' ? [] : text.split(',').flatMap((word) => word.trim() || []);

export const tableWishes = (values: Values): TableWishes => ({
  target: given(values.target, column),
  task: given(values.task, (text) => oneOf('task', text, ['classification', 'regression'])),
  heldOut: given(values['held-out'], (text) =>
    number('held-out', text, (n) => n > 0 && n < 1, 'a share between 0 and 1'),
  ),
  drop: given(values.drop, (text) => text.split(',').map(column)),
  header: given(values.header, (text) => yesOrNo('header', text)),
  delimiter: given(values.delimiter, (text) => (text === 'tab' || text === '\\t' ? '\t' : text)),
  decimal: given(values.decimal, (text) => oneOf('decimal', text, ['.', ','])),
  missing: given(values.missing, words),
});

export function sequenceWishes(values: Values): SequenceWishes | undefined {
  if (!values.sequence) {
    const other = sequenceOptions.find((name) => values[name] !== undefined);
    if (other) throw new UsageError(`--${other} is of a series: add --sequence if the rows follow each other in time`);
    return undefined;
  }
  if (values.task !== undefined) throw new UsageError('--task means nothing to --sequence');
  const [length, horizon] = sequenceOptions.map((name) => given(values[name], (text) => whole(name, text, 1)));
  return { length, horizon };
}
