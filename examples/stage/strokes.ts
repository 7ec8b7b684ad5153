import { find } from './page.ts';
import { Sheet, type Brush } from './sheet.ts';

type Place = readonly [x: number, y: number];

/** Points that are learned: a place and where to, each two numbers, again and again where few are drawn. */
const POINTS = 1024;
/** Of the square's side: between two points of a stroke, and a step of the arrow keys. */
const GAP = 0.01;
const KEY_STEP = 0.04;
/** The oldest are forgotten. */
const MOST_PLACES = 3000;

/** Ready-made strokes, by the ids of their buttons: so many, each a way of t from 0 to 1. */
const ways: Readonly<Record<string, readonly ((t: number) => Place)[]>> = {
  whirl: [0.12, 0.24, 0.36].map((radius) => (t: number): Place => {
    const angle = 2 * Math.PI * t;
    return [0.5 + radius * Math.cos(angle), 0.5 + radius * Math.sin(angle)];
  }),
  river: [0.3, 0.5, 0.7].map((height) => (t: number): Place => [
    0.03 + 0.94 * t,
    height + 0.15 * Math.sin(2 * Math.PI * t),
  ]),
  fountain: [-0.4, -0.15, 0.15, 0.4].map((reach) => (t: number): Place => [
    0.5 + reach * t,
    0.92 - 3 * t * (1 - t) + 0.02 * t,
  ]),
};

const inside = (at: number): number => Math.min(1, Math.max(0, at));

/** Strokes on a canvas, by pointer, by arrow keys or ready-made, and what they say of the square: where it flows, and how. */
export class Strokes {
  /** f32[POINTS, 2], both: places in 0 … 1, to the right and down, and directions of length 1. */
  readonly places = new Float32Array(2 * POINTS);
  readonly directions = new Float32Array(2 * POINTS);
  readonly #canvas: HTMLCanvasElement;
  readonly #sheet: Sheet;
  #strokes: Place[][] = [];
  #pen: Place = [0.5, 0.5];
  #key = '';
  #isNew = true;

  constructor(canvas: HTMLCanvasElement) {
    this.#canvas = canvas;
    this.#sheet = new Sheet(canvas, (brush) => this.#paint(brush));
    this.#take('whirl');
    for (const name of Object.keys(ways)) {
      find(name, HTMLButtonElement).addEventListener('click', () => this.#take(name));
    }
    find('clear', HTMLButtonElement).addEventListener('click', () => this.#show([]));
    canvas.addEventListener('pointerdown', (event) => {
      canvas.setPointerCapture(event.pointerId);
      this.#begin(this.#placeOf(event));
    });
    canvas.addEventListener('pointermove', (event) => event.buttons > 0 && this.#go(this.#placeOf(event)));
    canvas.addEventListener('keydown', (event) => {
      const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
      if (!way) return;
      event.preventDefault();
      if (event.key !== this.#key) this.#begin(this.#pen);
      this.#key = event.key;
      this.#go([inside(this.#pen[0] + KEY_STEP * way[0]), inside(this.#pen[1] + KEY_STEP * way[1])]);
    });
  }

  /** Whether anything was drawn since it was last asked; then the points say it. */
  takeNew(): boolean {
    const isNew = this.#isNew;
    this.#isNew = false;
    if (isNew) this.#fill();
    return isNew;
  }

  #placeOf({ offsetX, offsetY }: PointerEvent): Place {
    return [inside(offsetX / this.#canvas.clientWidth), inside(offsetY / this.#canvas.clientHeight)];
  }

  #take(name: string): void {
    const times = Array.from({ length: 101 }, (_, at) => at / 100);
    this.#show(ways[name].map((way) => times.map(way)));
  }

  #show(strokes: Place[][]): void {
    this.#strokes = strokes;
    this.#changed();
  }

  #begin(place: Place): void {
    this.#pen = place;
    this.#strokes.push([place]);
  }

  /** Draws on to a place, unless it is too close to say where to. */
  #go(place: Place): void {
    if (this.#strokes.length === 0) this.#begin(this.#pen);
    const stroke = this.#strokes.at(-1)!;
    const [x, y] = stroke.at(-1)!;
    if (Math.hypot(place[0] - x, place[1] - y) < GAP) return;
    this.#pen = place;
    stroke.push(place);
    while (this.#strokes.flat().length > MOST_PLACES && this.#strokes.length > 1) this.#strokes.shift();
    this.#changed();
  }

  #changed(): void {
    this.#isNew = true;
    this.#sheet.paint();
  }

  /** Pieces of all strokes: the middle of each, and its direction. Of no stroke nothing new is learned. */
  #fill(): void {
    const pieces = this.#strokes.flatMap((stroke) => stroke.slice(1).map((end, at) => [stroke[at], end] as const));
    if (pieces.length === 0) return;
    for (let point = 0; point < POINTS; point++) {
      const [start, end] = pieces[Math.floor((point * pieces.length) / POINTS)];
      const [across, down] = [end[0] - start[0], end[1] - start[1]];
      const length = Math.hypot(across, down);
      this.places.set([start[0] + across / 2, start[1] + down / 2], 2 * point);
      this.directions.set([across / length, down / length], 2 * point);
    }
  }

  #paint({ context, width, height, tint }: Brush): void {
    context.strokeStyle = tint('--two', 0.7);
    context.lineWidth = 2;
    context.lineJoin = context.lineCap = 'round';
    for (const stroke of this.#strokes) {
      context.beginPath();
      for (const [x, y] of stroke) context.lineTo(x * width, y * height);
      context.stroke();
    }
  }
}
