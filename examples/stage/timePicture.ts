import { Sheet, type Brush } from './sheet.ts';

/** What a net made of a window. */
export interface Reading {
  readonly label: string;
  /** Of its colour: red, green and blue. */
  readonly token: string;
  /** What it says will follow, step by step. */
  readonly told: ArrayLike<number>;
  /** How much of the error reaches each step that was read. */
  readonly error: readonly number[];
}

const FONT = '13px system-ui, sans-serif';
const MARGIN = 12;
/** The share of the height that the series has; the nets share the rest. */
const SERIES = 0.42;
/** What the series moves within. */
const REACH = 1.5;
/** Powers of ten that a bar shows: shares below the last one are none to the eye. */
const DECADES = 8;
/** Above a net's bars. */
const GAP = 18;
/** Of a step's dot; a bar stands two of them above it. */
const STEP_RADIUS = 3;

type Place = (step: number) => number;

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

function dot(context: CanvasRenderingContext2D, x: number, y: number): void {
  context.beginPath();
  context.arc(x, y, STEP_RADIUS, 0, 2 * Math.PI);
  context.fill();
}

/** A net's steps, joined as they are in time, each below a bar: the logarithm of its share of the last step's error. */
function paintError({ context, color, tint }: Brush, reading: Reading, x: Place, top: number, height: number): void {
  const { label, token, error } = reading;
  const last = error.length - 1;
  const foot = top + height - MARGIN;
  const tallest = height - GAP - MARGIN;
  context.fillStyle = tint(token, 0.5);
  error.forEach((size, step) => {
    const share = Math.min(1, Math.max(0, 1 + Math.log10(size / error[last]) / DECADES));
    const tall = Number.isFinite(share) ? share * tallest : 0;
    context.fillRect(x(step - 0.35), foot - 2 * STEP_RADIUS - tall, x(0.35) - x(-0.35), tall);
  });
  context.strokeStyle = color('--soft');
  context.lineWidth = 1;
  context.beginPath();
  context.moveTo(x(0), foot);
  context.lineTo(x(last), foot);
  context.stroke();
  context.fillStyle = tint(token);
  error.forEach((_, step) => dot(context, x(step), foot));
  context.font = FONT;
  context.textAlign = 'left';
  context.textBaseline = 'middle';
  context.fillText(label, x(last + 1), foot);
}
