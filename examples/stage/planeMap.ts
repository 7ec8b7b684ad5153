import type { Dataset } from '../../src/index.ts';
import { Sheet, type Brush } from './sheet.ts';

/** Places along a side of the map: the network is asked about each. */
const SIDE = 64;
const POINT_RADIUS = 4;
const STRONGEST_TINT = 0.55;

/** Where a · x + b · y + c is 0. */
export type Boundary = readonly [a: number, b: number, c: number];

/** A square of the plane: what a network answers everywhere, and the labelled points that it learns from. */
export class PlaneMap {
  /** f32[SIDE · SIDE, 2]: the places to ask the network about, row by row from the top. */
  readonly places: Float32Array;
  readonly #from: number;
  readonly #extent: number;
  readonly #sheet: Sheet;
  readonly #tints = new OffscreenCanvas(SIDE, SIDE);
  #data: Dataset | undefined;
  #logits: ArrayLike<number> = [];
  #boundaries: readonly Boundary[] = [];

  /** @param from,to what x and y go through */
  constructor(canvas: HTMLCanvasElement, from: number, to: number) {
    this.#from = from;
    this.#extent = to - from;
    this.places = Float32Array.from({ length: 2 * SIDE * SIDE }, (_, i) => {
      const cell = i >> 1;
      const at = i % 2 === 0 ? cell % SIDE : SIDE - 1 - Math.floor(cell / SIDE);
      return from + (this.#extent * (at + 0.5)) / SIDE;
    });
    this.#sheet = new Sheet(canvas, (brush) => this.#paint(brush));
  }

  /** @param data points `[N, 2]`, then labels `[N]`, 0 or 1   @param logits of 1 at each place   @param boundaries to be drawn */
  show(data: Dataset, logits: ArrayLike<number>, boundaries: readonly Boundary[] = []): void {
    this.#data = data;
    this.#logits = logits;
    this.#boundaries = boundaries;
    this.#sheet.paint();
  }

  #paint(brush: Brush): void {
    if (!this.#data) return;
    const { context, width, height } = brush;
    this.#tint(brush);
    context.drawImage(this.#tints, 0, 0, width, height);
    const x = (value: number): number => ((value - this.#from) / this.#extent) * width;
    const y = (value: number): number => (1 - (value - this.#from) / this.#extent) * height;
    context.strokeStyle = brush.color('--soft');
    context.setLineDash([5, 5]);
    for (const boundary of this.#boundaries) {
      const [start, end] = endsOf(boundary, this.#from - this.#extent, 3 * this.#extent);
      context.beginPath();
      context.moveTo(x(start[0]), y(start[1]));
      context.lineTo(x(end[0]), y(end[1]));
      context.stroke();
    }
    context.setLineDash([]);
    const [points, labels] = Object.values(this.#data.fields).map(({ data }) => data);
    context.strokeStyle = brush.color('--panel');
    labels.forEach((label, i) => {
      context.fillStyle = brush.tint(label > 0 ? '--one' : '--two');
      context.beginPath();
      context.arc(x(points[2 * i]), y(points[2 * i + 1]), POINT_RADIUS, 0, 2 * Math.PI);
      context.fill();
      context.stroke();
    });
  }

  /** The surer the network, the stronger the colour of its answer; none on the boundary. */
  #tint({ color }: Brush): void {
    const [one, two] = ['--one', '--two'].map((token) => color(token).split(' ').map(Number));
    const image = new ImageData(SIDE, SIDE);
    for (let i = 0; i < this.#logits.length; i++) {
      const sureness = Math.tanh(this.#logits[i] / 2);
      const opacity = 255 * STRONGEST_TINT * Math.abs(sureness);
      image.data.set([...(sureness > 0 ? one : two), opacity], 4 * i);
    }
    this.#tints.getContext('2d')!.putImageData(image, 0, 0);
  }
}

type Place = readonly [x: number, y: number];

/** Two places of a line, beyond the square that begins at `from`. */
function endsOf([a, b, c]: Boundary, from: number, extent: number): readonly [Place, Place] {
  const to = from + extent;
  if (Math.abs(b) > Math.abs(a)) {
    const y = (x: number): number => -(a * x + c) / b;
    return [
      [from, y(from)],
      [to, y(to)],
    ];
  }
  const x = (y: number): number => (a === 0 ? from : -(b * y + c) / a);
  return [
    [x(from), from],
    [x(to), to],
  ];
}
