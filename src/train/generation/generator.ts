import { DataError } from '../../core/errors.ts';
import { generationWords } from '../../ops/generation/control.ts';
import { NO_TOKEN } from '../../ops/generation/sampleToken.ts';
import type { Backend } from '../../scheduler/backend.ts';
import { simplify } from '../../transform/simplify.ts';
import { generationGraph, trainedLength, type GenerationGraph } from '../graphs/generationGraph.ts';
import type { Prepared } from '../graphs/preparedModel.ts';
import type { Programs } from '../programs/programs.ts';
import { SubmitLength } from '../runs/submitLength.ts';
import { SubmitQueue } from '../runs/submitQueue.ts';
import type { GenerateSettings } from './generateOptions.ts';
import { requireStepwise } from './steppedCheck.ts';
import { TokenSupply, type TokenReader } from './tokenSupply.ts';

/** Tokens that one submit reads at most. */
const MOST_STEPS = 512;

interface Reader extends TokenReader, Pick<GenerationGraph, 'classes' | 'capacity'> {}

const never = (): boolean => false;

/** Generates texts: reads a trainer's weights, and keeps what belongs to the text in states of its own. */
export class Generator {
  readonly #backend: Backend;
  readonly #prepared: Prepared;
  readonly #programs: Programs;
  /** By tokens of a context. */
  readonly #readers = new Map<number, Promise<Reader>>();
  /** The last text that was begun, whose states they are. */
  #latest: GenerateSettings | undefined;

  constructor(backend: Backend, prepared: Prepared, programs: Programs) {
    this.#backend = backend;
    this.#prepared = prepared;
    this.#programs = programs;
  }

  /** @param requireMay fails where nothing may be submitted now */
  async *generate(settings: GenerateSettings, requireMay: () => void): AsyncGenerator<number, void, undefined> {
    const { signal } = settings;
    this.#latest = settings;
    const reader = await this.#readerFor(settings.context ?? trainedLength(this.#prepared.traced));
    const came: number[] = [];
    for await (const token of this.#tokens(settings, reader, requireMay)) {
      if (signal?.aborted || settings.stopsBefore(token)) return;
      came.push(token);
      yield token;
      if (settings.stopsBehind(came)) return;
    }
  }

  async *#tokens(settings: GenerateSettings, reader: Reader, requireMay: () => void): AsyncGenerator<number> {
    const { prompt, sampling, context = reader.capacity, tokens: count, stepsPerSubmit, signal } = settings;
    requirePrompt(prompt, reader.classes, context);
    const mayGoOn = (): void => {
      requireMay();
      if (this.#latest === settings) return;
      throw new DataError(
        '[generate] another text was begun on this trainer, which has one at a time: end the loop of one before the next',
      );
    };
    const words = generationWords(prompt.length, context ?? 0, sampling);
    mayGoOn();
    this.#backend.writeState(reader.control, words);
    const supply = new TokenSupply({ backend: this.#backend, reader, words, prompt, count, requireMay: mayGoOn });
    const submitLength = new SubmitLength(stepsPerSubmit, MOST_STEPS);
    const whole = { cutAfter: never, settleAfter: never, done: 0, left: undefined };
    const queue = new SubmitQueue({ supply, submitLength, signal, ...whole });
    let place = prompt.length;
    for await (const { rows } of queue.chunks()) {
      for (const token of rows) {
        if (token === NO_TOKEN) throw noToken(place);
        place++;
        yield token;
      }
    }
  }

  /** Compiled once for each length of a context; a failure is forgotten. */
  #readerFor(capacity: number): Promise<Reader> {
    let reader = this.#readers.get(capacity);
    if (!reader) {
      reader = this.#compile(capacity);
      this.#readers.set(capacity, reader);
      reader.catch(() => this.#readers.delete(capacity));
    }
    return reader;
  }

  async #compile(capacity: number): Promise<Reader> {
    const { traced } = this.#prepared;
    // Behind a full context its last half is within reach, beside what a submit brings.
    const ring = 2 ** Math.ceil(Math.log2(capacity + MOST_STEPS));
    const made = generationGraph(traced, capacity, ring);
    requireStepwise(traced, made, capacity);
    const { graph, control, tokens, classes, capacity: bound } = made;
    const program = await this.#programs.generation(capacity, simplify({ outputs: {}, writes: graph.writes }));
    return { program, control, tokens, classes, capacity: bound };
  }
}

/** @throws DataError for tokens that are none, or more than a context has */
function requirePrompt(prompt: readonly number[], classes: number, context: number | null): void {
  const at = prompt.findIndex((token) => !(Number.isInteger(token) && token >= 0 && token < classes));
  if (at >= 0) {
    throw new DataError(
      `[generate] token ${at} of the prompt is ${prompt[at]}, but the model's vocabulary is 0 … ${classes - 1}: use the tokenizer that it was trained with`,
    );
  }
  if (context === null || prompt.length <= context) return;
  throw new DataError(
    `[generate] the prompt has ${prompt.length} tokens, but a context has ${context} at most: give its last ${context}, or a larger \`context\` to a model that takes one`,
  );
}

const noToken = (place: number): DataError =>
  new DataError(
    `[generate] the logits of token ${place} are NaN, infinite, or −∞ in all classes, so none can be drawn: look at the weights, which may have diverged`,
  );
