import { paintError, type ErrorByStep } from './errorBars.ts';
import { GUTTER, HeatStrip } from './heatStrip.ts';
import { find, nextFrame } from './page.ts';
import { Sheet, type Brush } from './sheet.ts';

/** What was heard, and what the nets made of it, frame by frame. */
export interface Reading {
  /** So many of the frames lie within the sound. */
  readonly length: number;
  /** `[frames, pitches]`, each in 0 … 1. */
  readonly loudness: ArrayLike<number>;
  /** `[frames, classes]`. */
  readonly probabilities: ArrayLike<number>;
  /** `[frames, units]`, each in −1 … 1. */
  readonly hidden: ArrayLike<number>;
  readonly errors: readonly ErrorByStep[];
}

/** How much there is of each. */
export interface Extents {
  readonly frames: number;
  readonly pitches: number;
  readonly classes: number;
  readonly units: number;
}

/** Four strips, one below the other, of one time: the sound, the answers, the memory, and the error on its way back. */
export class Score {
  readonly #frames: number;
  readonly #strips: readonly [keyof Reading & ('loudness' | 'probabilities' | 'hidden'), HeatStrip][];
  readonly #errors: Sheet;
  #reading: Reading | undefined;
  /** So many frames are shown of each. */
  #until = Infinity;
  #turn = 0;

  constructor({ frames, pitches, classes, units }: Extents) {
    this.#frames = frames;
    const digits = Array.from({ length: classes }, (_, digit) => String(digit));
    const strip = (id: string, rows: number, tokens: readonly string[], names?: readonly string[]): HeatStrip =>
      new HeatStrip(find(id, HTMLCanvasElement), frames, rows, tokens, names);
    this.#strips = [
      ['loudness', strip('loudness', pitches, ['--soft-rgb'])],
      ['probabilities', strip('probabilities', classes, ['--two'], digits)],
      ['hidden', strip('hidden', units, ['--one', '--two'])],
    ];
    this.#errors = new Sheet(find('errors', HTMLCanvasElement), (brush) => this.#paintErrors(brush));
  }

  show(reading: Reading): void {
    this.#reading = reading;
    this.#paint();
  }

  /** Uncovers the strips from left to right, as fast as the sound goes by. */
  async follow(seconds: number): Promise<void> {
    const turn = ++this.#turn;
    if (matchMedia('(prefers-reduced-motion: reduce)').matches) seconds = 0;
    const begun = performance.now();
    for (let share = 0; share < 1 && turn === this.#turn; await nextFrame()) {
      share = (performance.now() - begun) / (1000 * seconds);
      this.#until = share < 1 ? share * (this.#reading?.length ?? 0) : Infinity;
      this.#paint();
    }
  }

  #paint(): void {
    const { length } = this.#reading ?? { length: 0 };
    const until = Math.min(length, Math.ceil(this.#until));
    for (const [name, strip] of this.#strips) strip.show(this.#reading?.[name] ?? [], until);
    this.#errors.paint();
  }

  /** The error begins at the end: it is there when all has been heard. */
  #paintErrors(brush: Brush): void {
    if (!this.#reading || this.#until < this.#reading.length) return;
    const { errors } = this.#reading;
    const step = (brush.width - GUTTER) / this.#frames;
    const each = brush.height / errors.length;
    errors.forEach((net, at) => paintError(brush, net, (place) => GUTTER + (place + 0.5) * step, at * each, each));
  }
}
