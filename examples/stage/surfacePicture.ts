import { input, interpret, type Value } from '../../src/index.ts';
import { contour } from './contours.ts';
import { find, nextFrame, restart, rowOf } from './page.ts';
import { Sheet, type Brush } from './sheet.ts';

/** A height for each place: the loss, as a graph of the library. */
export type Surface = (x: Value, y: Value) => Value;

/** What the picture shows, x and y, from the lowest to the highest. */
export interface Window {
  readonly x: readonly [number, number];
  readonly y: readonly [number, number];
}

/** Where a runner has been, and how high it was there. */
export interface Track {
  readonly name: string;
  readonly learningRate: number;
  readonly xs: number[];
  readonly ys: number[];
  readonly heights: number[];
}

/** Grid points along a side. */
const SIDE = 129;
/** Heights of the lines: each so many times the one before. */
const LOWEST_LINE = 0.25;
const LINES = 10;
const LINE_FACTOR = 2;
const STRONGEST_TINT = 0.4;

const along = ([from, to]: readonly [number, number], share: number): number => from + (to - from) * share;

/** The heights of a surface over a window, by the library's own reference: nothing is written twice. */
export function heightsOf(surface: Surface, { x, y }: Window, side = SIDE): ArrayLike<number> {
  const place = { shape: [side * side], dtype: 'f32' } as const;
  const graph = { outputs: { height: surface(input('x', place), input('y', place)) }, writes: [] };
  const batch = {
    x: Float32Array.from({ length: side * side }, (_, i) => along(x, (i % side) / (side - 1))),
    y: Float32Array.from({ length: side * side }, (_, i) => along(y, Math.floor(i / side) / (side - 1))),
  };
  return interpret(graph, { batch }).outputs['height'];
}

/** A surface by its contours, and the ways that were taken down it. */
export class SurfacePicture {
  readonly #window: Window;
  readonly #goal: readonly [number, number];
  readonly #sheet: Sheet;
  readonly #table = find('tracks', HTMLTableSectionElement);
  readonly #heights: ArrayLike<number>;
  /** In columns and rows of the grid. */
  readonly #lines = new Path2D();
  #tracks: readonly Track[] = [];

  /** @param goal the lowest place */
  constructor(canvas: HTMLCanvasElement, surface: Surface, window: Window, goal: readonly [number, number]) {
    this.#window = window;
    this.#goal = goal;
    this.#heights = heightsOf(surface, window);
    this.#sheet = new Sheet(canvas, (brush) => this.#paint(brush));
    void this.#trace();
    canvas.addEventListener('click', ({ offsetX, offsetY }) =>
      this.#startFrom(offsetX / canvas.clientWidth, 1 - offsetY / canvas.clientHeight),
    );
    // Another seed is another place, unless the visitor says one.
    find('seed', HTMLInputElement).addEventListener('input', () => this.#choose('', ''));
  }

  /** Finds the lines one by one: all at once would keep the page from listening. */
  async #trace(): Promise<void> {
    const relief = { columns: SIDE, rows: SIDE, heights: this.#heights };
    for (let line = 0; line < LINES; line++) {
      for (const [from, to] of contour(relief, LOWEST_LINE * LINE_FACTOR ** line)) {
        this.#lines.moveTo(...from);
        this.#lines.lineTo(...to);
      }
      this.#sheet.paint();
      await nextFrame();
    }
  }

  show(tracks: readonly Track[]): void {
    this.#tracks = tracks;
    this.#table.replaceChildren(...tracks.map((track, i) => this.#rowOf(track, i)));
    this.#sheet.paint();
  }

  #startFrom(right: number, up: number): void {
    this.#choose(along(this.#window.x, right).toFixed(2), along(this.#window.y, up).toFixed(2));
    restart();
  }

  #choose(x: string, y: string): void {
    find('start-x', HTMLInputElement).value = x;
    find('start-y', HTMLInputElement).value = y;
  }

  #rowOf({ name, learningRate, xs, ys, heights }: Track, i: number): HTMLTableRowElement {
    const distance = Math.hypot(xs.at(-1)! - this.#goal[0], ys.at(-1)! - this.#goal[1]);
    const label = document.createElement('span');
    label.className = `runner runner-${i}`;
    label.textContent = name;
    return rowOf(label, [String(learningRate), format(heights.at(-1)), format(distance)]);
  }

  #paint(brush: Brush): void {
    const { context, width, height, tint } = brush;
    const { x, y } = this.#window;
    const place = (at: readonly [number, number]): [number, number] => [
      ((at[0] - x[0]) / (x[1] - x[0])) * width,
      (1 - (at[1] - y[0]) / (y[1] - y[0])) * height,
    ];
    this.#land(brush);
    context.lineJoin = 'round';
    this.#tracks.forEach((track, i) => way(brush, track, place, tint(`--runner-${i}`)));
    star(brush, place(this.#goal));
  }

  /** The higher the darker, and a line at each height. */
  #land({ context, width, height, color, tint }: Brush): void {
    const [red, green, blue] = color('--soft-rgb').split(' ').map(Number);
    const image = new ImageData(SIDE, SIDE);
    const highest = Math.log(LOWEST_LINE * LINE_FACTOR ** LINES);
    const lowest = Math.log(LOWEST_LINE);
    for (let i = 0; i < SIDE * SIDE; i++) {
      const share = (Math.log(Math.max(this.#heights[i], LOWEST_LINE)) - lowest) / (highest - lowest);
      const row = SIDE - 1 - Math.floor(i / SIDE);
      image.data.set([red, green, blue, 255 * STRONGEST_TINT * Math.min(1, share)], 4 * (row * SIDE + (i % SIDE)));
    }
    const tints = new OffscreenCanvas(SIDE, SIDE);
    tints.getContext('2d')!.putImageData(image, 0, 0);
    // The middle of the first pixel is the first place of the grid.
    const [stepX, stepY] = [width / (SIDE - 1), height / (SIDE - 1)];
    context.drawImage(tints, -stepX / 2, -stepY / 2, width + stepX, height + stepY);
    context.save();
    context.transform(stepX, 0, 0, -stepY, 0, height);
    context.lineWidth = 1 / stepX;
    context.strokeStyle = tint('--soft-rgb', 0.45);
    context.stroke(this.#lines);
    context.restore();
  }
}

const format = (number: number | undefined): string =>
  number === undefined ? '–' : number === 0 || number >= 100 ? number.toFixed(0) : number.toPrecision(2);

const STAR_POINTS = 5;
const STAR_RADII = [9, 4];

function star({ context, color }: Brush, [x, y]: readonly [number, number]): void {
  context.fillStyle = color('--ink');
  context.beginPath();
  for (let i = 0; i < 2 * STAR_POINTS; i++) {
    const [angle, radius] = [(Math.PI * i) / STAR_POINTS, STAR_RADII[i % 2]];
    context.lineTo(x + radius * Math.sin(angle), y - radius * Math.cos(angle));
  }
  context.fill();
}

function way(
  { context }: Brush,
  { xs, ys }: Track,
  place: (at: readonly [number, number]) => [number, number],
  color: string,
): void {
  context.strokeStyle = color;
  context.fillStyle = color;
  context.lineWidth = 2;
  context.beginPath();
  xs.forEach((x, i) => context.lineTo(...place([x, ys[i]])));
  context.stroke();
  context.beginPath();
  context.arc(...place([xs.at(-1)!, ys.at(-1)!]), 5, 0, 2 * Math.PI);
  context.fill();
}
