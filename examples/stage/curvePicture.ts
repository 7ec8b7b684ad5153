import type { Dataset } from '../../src/index.ts';
import { Sheet, type Brush } from './sheet.ts';

/** Places at which the fit is asked for. */
const PLACES = 256;
const POINT_RADIUS = 4;
const HELD_OUT_RADIUS = 2;

/** What the picture shows, x and y, from the lowest to the highest. */
export interface Window {
  readonly x: readonly [number, number];
  readonly y: readonly [number, number];
}

/** Points of a plane, the law that they came from, and the curve that was fitted to them. */
export class CurvePicture {
  /** f32[PLACES, 1]: the x at which to ask the network. */
  readonly places: Float32Array;
  readonly #window: Window;
  readonly #law: (x: number) => number;
  readonly #sheet: Sheet;
  #learned: Dataset | undefined;
  #heldOut: Dataset | undefined;
  #fit: ArrayLike<number> = [];

  constructor(canvas: HTMLCanvasElement, window: Window, law: (x: number) => number) {
    const [from, to] = window.x;
    this.places = Float32Array.from({ length: PLACES }, (_, i) => from + ((to - from) * i) / (PLACES - 1));
    this.#window = window;
    this.#law = law;
    this.#sheet = new Sheet(canvas, (brush) => this.#paint(brush));
  }

  /** @param learned,heldOut x, then y, of each point   @param fit y at each place */
  show(learned: Dataset, heldOut: Dataset, fit: ArrayLike<number>): void {
    this.#learned = learned;
    this.#heldOut = heldOut;
    this.#fit = fit;
    this.#sheet.paint();
  }

  #paint(brush: Brush): void {
    const { context, width, height, color, tint } = brush;
    const { x, y } = this.#window;
    const place = (at: number, value: number): [number, number] => [
      ((at - x[0]) / (x[1] - x[0])) * width,
      (1 - (value - y[0]) / (y[1] - y[0])) * height,
    ];
    const dots = (data: Dataset | undefined, radius: number, fill: string): void => {
      const [xs, ys] = Object.values(data?.fields ?? {}).map((field) => field.data);
      context.fillStyle = fill;
      for (let i = 0; i < (data?.length ?? 0); i++) {
        context.beginPath();
        context.arc(...place(xs[i], ys[i]), radius, 0, 2 * Math.PI);
        context.fill();
      }
    };
    const line = (valueOf: (i: number) => number): void => {
      context.beginPath();
      this.places.forEach((at, i) => context.lineTo(...place(at, valueOf(i))));
      context.stroke();
    };
    dots(this.#heldOut, HELD_OUT_RADIUS, tint('--two', 0.6));
    context.strokeStyle = color('--soft');
    context.setLineDash([5, 5]);
    line((i) => this.#law(this.places[i]));
    context.setLineDash([]);
    context.strokeStyle = color('--ink');
    context.lineWidth = 2;
    context.lineJoin = 'round';
    if (this.#fit.length > 0) line((i) => this.#fit[i]);
    dots(this.#learned, POINT_RADIUS, tint('--one'));
  }
}
