import { Canvas } from '../../data/digits/pen.ts';
import { asMnist } from './asMnist.ts';

/** A place on the pad, whose sides go from 0 to 1: x to the right, y downwards. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/** The longer side of a digit in MNIST, and the usual width of its strokes, in pixels. */
const BOX = 20;
const STROKE = 2.4;

/** What is smaller, in parts of the pad, is a touch of the pen and not yet a digit. */
const SMALLEST = 0.08;

/** Side of the canvas that a drawing is inked on: five of its pixels are one of MNIST's. */
const SIDE = 102;
/** For what fades beyond the pen's rim. */
const MARGIN = 1;

/**
 * The way of a pen, stroke by stroke. MNIST's digits were scaled after they were written, so a small one has thick
 * strokes and a large one thin ones; but most have 2 to 3 pixels. A drawing is therefore kept as lines without width,
 * and inked for the network by a pen that suits its size.
 */
export class Drawing {
  readonly #strokes: Point[][] = [];

  /** In the order in which they were drawn. */
  get strokes(): readonly (readonly Point[])[] {
    return this.#strokes;
  }

  begin(point: Point): void {
    this.#strokes.push([point]);
  }

  extend(point: Point): void {
    this.#strokes.at(-1)?.push(point);
  }

  clear(): void {
    this.#strokes.length = 0;
  }

  /** As an image of MNIST, f32[28, 28]; null if there is no more than a touch of the pen. */
  pixels(): Float32Array | null {
    const points = this.#strokes.flat();
    const [left, right] = rangeOf(points.map(({ x }) => x));
    const [top, bottom] = rangeOf(points.map(({ y }) => y));
    const extent = Math.max(right - left, bottom - top);
    if (!(extent >= SMALLEST)) return null;

    const radius = (STROKE / 2 / BOX) * (SIDE - 2 * MARGIN);
    const scale = (SIDE - 2 * MARGIN - 2 * radius) / extent;
    const place = ({ x, y }: Point): Point => ({
      x: MARGIN + radius + (x - left) * scale,
      y: MARGIN + radius + (y - top) * scale,
    });
    const canvas = new Canvas(SIDE);
    for (const stroke of this.#strokes) ink(canvas, stroke.map(place), radius);
    return asMnist(canvas.ink, SIDE, SIDE);
  }
}

/** Points nearer than this to the one before change nothing that is seen. */
const NEAR = 0.5;

function ink(canvas: Canvas, stroke: readonly Point[], radius: number): void {
  let from = stroke[0];
  stroke.forEach((to, at) => {
    const isLast = at === stroke.length - 1;
    if (!isLast && Math.hypot(to.x - from.x, to.y - from.y) < NEAR) return;
    canvas.line(from.x, from.y, radius, to.x, to.y, radius, 1);
    from = to;
  });
}

function rangeOf(values: readonly number[]): [number, number] {
  let [least, greatest] = [Infinity, -Infinity];
  for (const value of values) {
    least = Math.min(least, value);
    greatest = Math.max(greatest, value);
  }
  return [least, greatest];
}
