import { dot, paintError, type ErrorByStep, type Place } from './errorBars.ts';
import { Sheet, type Brush } from './sheet.ts';

/** What a net made of a window. */
export interface Reading extends ErrorByStep {
  /** What it says will follow, step by step. */
  readonly told: ArrayLike<number>;
}

const MARGIN = 12;
/** The share of the height that the series has; the nets share the rest. */
const SERIES = 0.42;
/** What the series moves within. */
const REACH = 1.5;

/** A series that was read and how it goes on; below it each net, step beside step, and what the error leaves at each. */
export class TimePicture {
  readonly #sheet: Sheet;
  #read: ArrayLike<number> = [];
  #following: ArrayLike<number> = [];
  #readings: readonly Reading[] = [];

  constructor(canvas: HTMLCanvasElement) {
    this.#sheet = new Sheet(canvas, (brush) => this.#paint(brush));
  }

  /** @param read,following numbers of one window, step by step */
  show(read: ArrayLike<number>, following: ArrayLike<number>, readings: readonly Reading[]): void {
    this.#read = read;
    this.#following = following;
    this.#readings = readings;
    this.#sheet.paint();
  }

  #paint(brush: Brush): void {
    const { width, height } = brush;
    const steps = this.#read.length + this.#following.length;
    const x: Place = (step) => MARGIN + ((step + 0.5) / steps) * (width - 2 * MARGIN);
    this.#paintSeries(brush, x, SERIES * height);
    const each = ((1 - SERIES) * height) / Math.max(1, this.#readings.length);
    this.#readings.forEach((reading, at) => paintError(brush, reading, x, SERIES * height + at * each, each));
  }

  #paintSeries({ context, color, tint }: Brush, x: Place, height: number): void {
    const y = (value: number): number => height * (0.5 - value / (2 * REACH));
    const now = this.#read.length;
    context.fillStyle = color('--soft');
    for (const [first, numbers] of [[0, this.#read] as const, [now, this.#following] as const]) {
      for (let step = 0; step < numbers.length; step++) dot(context, x(first + step), y(numbers[step]));
    }
    context.lineWidth = 2;
    context.lineJoin = 'round';
    for (const { token, told } of this.#readings) {
      context.strokeStyle = tint(token);
      context.beginPath();
      for (let step = 0; step < told.length; step++) context.lineTo(x(now + step), y(told[step]));
      context.stroke();
    }
    context.strokeStyle = color('--line');
    context.lineWidth = 1;
    context.beginPath();
    context.moveTo(x(now - 0.5), 0);
    context.lineTo(x(now - 0.5), height);
    context.stroke();
  }
}
