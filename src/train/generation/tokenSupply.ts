import { countOn, KNOWN } from '../../ops/generation/control.ts';
import { STEP } from '../../ops/training/control.ts';
import type { Backend, Executable, Range } from '../../scheduler/backend.ts';
import type { GenerationGraph } from '../graphs/generationGraph.ts';
import type { Submission, Supply } from '../runs/stepSupply.ts';

/** What reads a token, and draws the next. */
export interface TokenReader extends Pick<GenerationGraph, 'control' | 'tokens'> {
  readonly program: Executable;
}

interface TokenSupplyOptions {
  readonly backend: Backend;
  readonly reader: TokenReader;
  /** The control's words, as they are there. */
  readonly words: Uint32Array;
  readonly prompt: readonly number[];
  /** How many tokens are to be drawn. */
  readonly count: number;
  /** Fails where nothing may be submitted now. */
  requireMay(): void;
}

/** The steps of a generation, each of which reads a token: of the prompt, or one that was drawn. */
export class TokenSupply implements Supply {
  readonly more = false;
  readonly failure = undefined;
  readonly #options: TokenSupplyOptions;
  /** The control's words behind all that was submitted: what is drawn does not change how it is counted. */
  readonly #words: Uint32Array;
  #left: number;

  constructor(options: TokenSupplyOptions) {
    this.#options = options;
    this.#words = options.words.slice();
    this.#left = options.count;
  }

  /** At least: a context that begins anew reads some tokens again. */
  get ready(): number {
    const unread = this.#words[KNOWN] - this.#words[STEP] - 1;
    return this.#left > 0 ? unread + this.#left : 0;
  }

  changed(): Promise<void> {
    return Promise.resolve();
  }

  submit(count: number): Submission {
    const { backend, reader, requireMay } = this.#options;
    requireMay();
    const before = this.#words[KNOWN];
    this.#write(this.#words[STEP], count);
    for (let step = 0; step < count; step++) countOn(this.#words);
    const known = this.#words[KNOWN];
    this.#left -= known - before;
    const programs = Array.from({ length: count }, () => reader.program);
    // Where none is drawn, the last one that is known is read again: nothing cannot be mapped.
    const read = backend.runAndRead(programs, reader.tokens, this.#rangesOf(before - 1, known));
    return { samples: programs.map(() => 1), rows: read.then((tokens) => tokens.subarray(1)) };
  }

  /** Brings the tokens of the prompt that so many steps read. */
  #write(first: number, count: number): void {
    const { backend, reader, prompt } = this.#options;
    const tokens = Uint32Array.from(prompt.slice(first, first + count));
    let from = 0;
    for (const [start, end] of this.#rangesOf(first, first + tokens.length)) {
      backend.writeState(reader.tokens, tokens.subarray(from, from + end - start), start);
      from += end - start;
    }
  }

  /** Where some places of the text lie in the ring of tokens. */
  #rangesOf(first: number, end: number): Range[] {
    const [ring] = this.#options.reader.tokens.spec.shape;
    const ranges: Range[] = [];
    for (let at = first; at < end;) {
      const start = at % ring;
      const count = Math.min(end - at, ring - start);
      ranges.push([start, start + count]);
      at += count;
    }
    return ranges;
  }

  close(): void {}
}
