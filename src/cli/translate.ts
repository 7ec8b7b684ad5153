import { counted } from '../core/textFormat.ts';
import { beamSearch, bleu, type Predictor } from '../index.ts';
import { dataset, linesIn, readText, readTokenizer, type Dataset, type Tokenizer } from '../data/index.ts';
import type { TranslateCommand } from './command/commands.ts';
import { UsageError } from './command/usageError.ts';
import { readModel, type KeptModel } from './modelFile.ts';
import { deviceFor } from './deviceFor.ts';
import { openModel } from './openModel.ts';
import { openLines } from './tasks/textFiles.ts';
import { harmless } from './terminal.ts';

/** Sentences that are sought side by side. */
const AT_ONCE = 16;
/** Tokens that a translation may have, beside as many as its sentence. */
const MORE = 16;
/** Lines that are put in order by length, so that those of like length are sought side by side. */
const WINDOW = 256;
/** Tokens by which rooms grow. */
const ROOM_STEP = 8;

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
  const rooms = await roomsFor(command, model, tokenizer);
  const translations: string[] = [];
  try {
    for (let at = 0; at < lines.length && !signal.aborted; at += WINDOW) {
      const told = await windowOf(sources.slice(at, at + WINDOW), tokenizer, rooms, signal);
      if (signal.aborted) break;
      process.stdout.write(harmless(`${told.join('\n')}\n`));
      translations.push(...told);
    }
    if (expected && !signal.aborted) {
      // Beside the translations, which may be on their way into a file.
      process.stderr.write(comparison(translations, expected));
    }
    return 0;
  } finally {
    await rooms.destroy();
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

/** Rows of a batch, and tokens of sentences and translations. */
interface Room {
  readonly rows: number;
  readonly S: number;
  readonly T: number;
}

/** The model in rooms of a few sizes, each made when it is first needed, as each is a program to compile. */
interface Rooms {
  /** Sentences that are gone on with side by side. */
  readonly beams: number;
  /** The room in which so many tokens of sentences and of translations fit. */
  roomFor(S: number, T: number): { readonly room: Room; readonly predictor: Promise<Predictor> };
  destroy(): Promise<void>;
}

const wide = (tokens: number): number => ROOM_STEP * Math.ceil(tokens / ROOM_STEP);

async function roomsFor(
  { model: path, backend, beams }: TranslateCommand,
  model: KeptModel,
  tokenizer: Tokenizer,
): Promise<Rooms> {
  // One for all of them. Where there is none, each says so, or does without.
  const device = await deviceFor(backend);
  const predictors = new Map<string, Promise<Predictor>>();
  return {
    beams,
    roomFor(S, T) {
      const room = { rows: AT_ONCE * beams, S: wide(S), T: wide(T) };
      const key = `${room.S} ${room.T}`;
      let predictor = predictors.get(key);
      if (!predictor) {
        const inputs = ['source', 'sourceLength', 'input', 'place'];
        predictor = openModel(path, model, { backend, data: samplesOf([], tokenizer, room), inputs, device });
        predictors.set(key, predictor);
      }
      return { room, predictor };
    },
    async destroy() {
      for (const predictor of await Promise.allSettled(predictors.values())) {
        if (predictor.status === 'fulfilled') predictor.value.destroy();
      }
      device?.destroy();
    },
  };
}

/** The translations of some sentences, sought beside others of like length. */
async function windowOf(
  sources: readonly (readonly number[])[],
  tokenizer: Tokenizer,
  rooms: Rooms,
  signal: AbortSignal,
): Promise<string[]> {
  const order = sources.map((_, at) => at).sort((a, b) => sources[a].length - sources[b].length);
  const told = sources.map(() => '');
  for (let from = 0; from < order.length && !signal.aborted; from += AT_ONCE) {
    const places = order.slice(from, from + AT_ONCE);
    const found = await translationsOf(
      places.map((place) => sources[place]),
      tokenizer,
      rooms,
    );
    places.forEach((place, at) => (told[place] = found[at]));
  }
  return told;
}

const longest = (lists: readonly (readonly number[])[]): number => Math.max(...lists.map(({ length }) => length));

/** The likeliest translation of each sentence. */
async function translationsOf(
  sources: readonly (readonly number[])[],
  tokenizer: Tokenizer,
  { beams, roomFor }: Rooms,
): Promise<string[]> {
  const { begin, end } = tokenizer.special;
  const S = longest(sources);
  const found = await beamSearch(
    async (beginnings) => {
      const { room, predictor } = roomFor(S, longest(beginnings.map(({ tokens }) => tokens)));
      const pairs = beginnings.map(({ source, tokens }) => ({ source: sources[source], input: tokens }));
      const { data, shape } = await (await predictor).predict(samplesOf(pairs, tokenizer, room));
      const [, V] = shape;
      return { data: data.subarray(0, pairs.length * V), shape: [pairs.length, V] };
    },
    { begin: begin!, end: end!, maximum: S + MORE, sources: sources.length, beams },
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
