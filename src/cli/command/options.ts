import { parseArgs } from 'node:util';
import { UsageError } from './usageError.ts';

const options = {
  data: { type: 'string' },
  epochs: { type: 'string' },
  steps: { type: 'string' },
  batch: { type: 'string' },
  model: { type: 'string' },
  hidden: { type: 'string' },
  augment: { type: 'string' },
  ground: { type: 'string' },
  invert: { type: 'string' },
  optimizer: { type: 'string' },
  lr: { type: 'string' },
  'weight-decay': { type: 'string' },
  schedule: { type: 'string' },
  backend: { type: 'string' },
  seed: { type: 'string' },
  'on-nan': { type: 'string' },
  from: { type: 'string' },
  save: { type: 'string' },
  shape: { type: 'string' },
  opset: { type: 'string' },
  checkpoint: { type: 'string' },
  resume: { type: 'boolean' },
  report: { type: 'string' },
  pictures: { type: 'string' },
  profile: { type: 'string' },
  quiet: { type: 'boolean' },
  target: { type: 'string' },
  task: { type: 'string' },
  'held-out': { type: 'string' },
  drop: { type: 'string' },
  header: { type: 'string' },
  delimiter: { type: 'string' },
  decimal: { type: 'string' },
  missing: { type: 'string' },
  sequence: { type: 'boolean' },
  transcribe: { type: 'boolean' },
  'leave-out': { type: 'string' },
  length: { type: 'string' },
  horizon: { type: 'string' },
  folds: { type: 'string' },
  tokenizer: { type: 'string' },
  vocabulary: { type: 'string' },
  context: { type: 'string' },
  layers: { type: 'string' },
  heads: { type: 'string' },
  width: { type: 'string' },
  dropout: { type: 'string' },
  prompt: { type: 'string' },
  tokens: { type: 'string' },
  temperature: { type: 'string' },
  'top-k': { type: 'string' },
  'top-p': { type: 'string' },
  beams: { type: 'string' },
  reference: { type: 'string' },
  superlink: { type: 'string' },
  key: { type: 'string' },
  layout: { type: 'string' },
  names: { type: 'string' },
  part: { type: 'string' },
  labels: { type: 'string' },
  'optimizer-state': { type: 'string' },
  runs: { type: 'string' },
  patience: { type: 'string' },
  heartbeat: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const;

/** Of a node of a federation alone. */
export const nodeOptions = [
  'superlink',
  'key',
  'layout',
  'names',
  'part',
  'labels',
  'optimizer-state',
  'runs',
  'patience',
  'heartbeat',
] as const satisfies readonly (keyof typeof options)[];

type Flag = 'quiet' | 'resume' | 'sequence' | 'transcribe' | 'help';
/** What came, by option. */
export type Values = Readonly<Partial<Record<Exclude<keyof typeof options, Flag>, string>>> & {
  readonly quiet?: boolean;
  readonly resume?: boolean;
  readonly sequence?: boolean;
  readonly transcribe?: boolean;
};

/** Options with what came for them, and the words beside. @throws UsageError for an option that there is not, or without its value */
export function optionsIn(args: readonly string[]): {
  readonly values: Values & { readonly help?: boolean };
  readonly positionals: readonly string[];
} {
  const joined = withValues(args);
  requireOptions(joined);
  return parseArgs({ args: joined, options, allowPositionals: true });
}

/** `--target -1` has a value that looks like an option: it becomes `--target=-1`. */
function withValues(args: readonly string[]): string[] {
  const joined: string[] = [];
  for (const arg of args) {
    const before = joined.at(-1);
    if (/^-\d/.test(arg) && before?.startsWith('--') && !before.includes('=')) joined.push(`${joined.pop()}=${arg}`);
    else joined.push(arg);
  }
  return joined;
}

/** Finds what parseArgs would throw at, to say it with a remedy. */
function requireOptions(args: readonly string[]): void {
  const { tokens } = parseArgs({ args: [...args], options, allowPositionals: true, strict: false, tokens: true });
  for (const token of tokens) {
    if (token.kind !== 'option') continue;
    const { name, rawName, value, inlineValue } = token;
    const known = Object.entries(options).find(([other]) => other === name)?.[1];
    if (!known) throw new UsageError(`there is no option ${rawName}`);
    if (known.type === 'boolean') {
      if (value !== undefined) throw new UsageError(`${rawName} takes no value, but "${value}" came: leave it out`);
    } else if (value === undefined) {
      throw new UsageError(`${rawName} needs a value: write it behind the option`);
    } else if (!inlineValue && /^-./.test(value)) {
      throw new UsageError(
        `${rawName} needs a value, but "${value}" follows: if that is it, write ${rawName}=${value}`,
      );
    }
  }
}

export function requireNoMore(words: readonly string[], expected: number): void {
  if (words.length > expected)
    throw new UsageError(`"${words[expected]}" is one word too many: leave it out, or quote what belongs together`);
}

export function requireOnly(what: string, values: Values, allowed: readonly string[]): void {
  const other = Object.keys(values).find((name) => !allowed.includes(name));
  if (other) throw new UsageError(`--${other} means nothing to ${what}`);
}
