import { counted } from '../core/textFormat.ts';
import { beamSearch, bleu, type Predictor } from '../index.ts';
import { dataset, linesIn, readText, readTokenizer, type Dataset, type Tokenizer } from '../data/index.ts';
import type { TranslateCommand } from './command/commands.ts';
import { UsageError } from './command/usageError.ts';
import { readModel } from './modelFile.ts';
import { openModel } from './openModel.ts';
import { openLines } from './tasks/textFiles.ts';
import { harmless } from './terminal.ts';

/** Sentences that are sought side by side. */
const AT_ONCE = 16;
/** Tokens that a translation may have, beside as many as its sentence. */
const MORE = 16;

/** Prints a translation for each line. Returns the exit code. */
export async function translate(command: TranslateCommand, signal: AbortSignal): Promise<number> {
  const model = await readModel(command.model);
  const { input } = model.form;
  if (input.kind !== 'translation') {
    throw new UsageError(
      `${command.model} translates nothing: give a model that millrace train translation --save wrote`,
    );
  }
  const tokenizer = readTokenizer(input.tokenizer);
  const lines = command.input === undefined ? await linesFromOutside() : await openLines(command.input);
  const expected = command.reference === undefined ? undefined : await referencesFor(command, lines);
  const sources = lines.map((line) => [...tokenizer.encode(line), tokenizer.special.end!]);
  const S = sources.reduce((most, { length }) => Math.max(most, length), 1);
  const room = { rows: AT_ONCE * command.beams, S, T: S + MORE };
  const predictor = await openModel(command.model, model, {
    backend: command.backend,
    data: samplesOf([], tokenizer, room),
    inputs: ['source', 'sourceLength', 'input', 'place'],
  });
  const translations: string[] = [];
  try {
    for (let at = 0; at < lines.length && !signal.aborted; at += AT_ONCE) {
      const told = await translationsOf(sources.slice(at, at + AT_ONCE), tokenizer, predictor, room);
      process.stdout.write(harmless(`${told.join('\n')}\n`));
      translations.push(...told);
    }
    if (expected && !signal.aborted) {
      // Beside the translations, which may be on their way into a file.
      process.stderr.write(comparison(translations, expected));
    }
    return 0;
  } finally {
    predictor.destroy();
  }
}

/** All lines that come in. */
async function linesFromOutside(): Promise<string[]> {
  const parts: Uint8Array[] = [];
  for await (const part of process.stdin) parts.push(part as Uint8Array);
  return linesIn(await readText('what comes in', Buffer.concat(parts)));
}

/** How near translations come to those of somebody else. */
const comparison = (told: readonly string[], expected: readonly string[]): string =>
  `BLEU ${bleu(told, expected).toFixed(2)} on ${counted(told.length, 'sentence')}, cut into words as sacreBLEU does (13a)\n`;

/** A translation by somebody else for each line. */
async function referencesFor({ input = 'what comes in', reference }: TranslateCommand, lines: readonly string[]) {
  const expected = await openLines(reference!);
  if (expected.length === lines.length) return expected;
  throw new UsageError(
    `${reference} has ${counted(expected.length, 'line')} but ${input} ${lines.length}: give a translation for each line`,
  );
}

/** Rows of a batch, and tokens of sentences and translations: of all batches, as each shape is a program to compile. */
interface Room {
  readonly rows: number;
  readonly S: number;
  readonly T: number;
}

/** The likeliest translation of each sentence. */
async function translationsOf(
  sources: readonly (readonly number[])[],
  tokenizer: Tokenizer,
  predictor: Predictor,
  room: Room,
): Promise<string[]> {
  const { begin, end } = tokenizer.special;
  const found = await beamSearch(
    async (beginnings) => {
      const pairs = beginnings.map(({ source, tokens }) => ({ source: sources[source], input: tokens }));
      const { data, shape } = await predictor.predict(samplesOf(pairs, tokenizer, room));
      const [, V] = shape;
      return { data: data.subarray(0, pairs.length * V), shape: [pairs.length, V] };
    },
    { begin: begin!, end: end!, maximum: room.T, sources: sources.length, beams: room.rows / AT_ONCE },
  );
  return found.map(([best]) => tokenizer.decode(best.tokens));
}

/** A sentence, and what is told of its translation by now. */
interface Begun {
  readonly source: readonly number[];
  readonly input: readonly number[];
}

/** Samples as a translator takes them, always as many: what is none is padding. */
function samplesOf(begun: readonly Begun[], { special: { padding } }: Tokenizer, { rows, S, T }: Room): Dataset {
  const field = (width: number, of: (one: Begun) => readonly number[]) => {
    const data = new Int32Array(rows * width).fill(padding!);
    begun.forEach((one, row) => data.set(of(one), row * width));
    return { data, shape: [width] };
  };
  const counts = (of: (one: Begun) => number) =>
    Int32Array.from({ length: rows }, (_, row) => (row < begun.length ? of(begun[row]) : 1));
  return dataset({
    source: field(S, ({ source }) => source),
    sourceLength: counts(({ source }) => source.length),
    input: field(T, ({ input }) => input),
    place: counts(({ input }) => input.length - 1),
  });
}
