import { Sheet, type Brush } from './sheet.ts';

/** Room for the rows' names; what shares the time with a strip leaves it free too. */
export const GUTTER = 28;
const FONT = '11px system-ui, sans-serif';
const CHANNELS = 4;
const FULL = 255;

/** Numbers of each step, as a picture: a row for each, the first one lowest, and time from left to right. */
export class HeatStrip {
  readonly #steps: number;
  readonly #rows: number;
  readonly #tokens: readonly string[];
  readonly #names: readonly string[];
  readonly #sheet: Sheet;
  readonly #pixels: CanvasRenderingContext2D;
  #shades: ArrayLike<number> = [];
  #until = 0;

  /**
   * @param steps for which there is room
   * @param tokens of the colours of what is above 0, and of what is below: red, green and blue
   * @param names of rows, from the lowest on, evenly spaced
   */
  constructor(
    canvas: HTMLCanvasElement,
    steps: number,
    rows: number,
    tokens: readonly string[],
    names: readonly string[] = [],
  ) {
    this.#steps = steps;
    this.#rows = rows;
    this.#tokens = tokens;
    this.#names = names;
    const small = Object.assign(document.createElement('canvas'), { width: steps, height: rows });
    this.#pixels = small.getContext('2d')!;
    this.#sheet = new Sheet(canvas, (brush) => this.#paint(brush));
  }

  /**
   * @param shades `[steps, rows]`, each in −1 … 1: how strong the colour is
   * @param until so many steps are shown
   */
  show(shades: ArrayLike<number>, until: number): void {
    this.#shades = shades;
    this.#until = until;
    this.#sheet.paint();
  }

  #paint({ context, width, height, color }: Brush): void {
    const colors = this.#tokens.map((token) => color(token).split(' ').map(Number));
    const image = new ImageData(this.#steps, this.#rows);
    for (let step = 0; step < Math.min(this.#until, this.#steps); step++) {
      for (let row = 0; row < this.#rows; row++) {
        const shade = this.#shades[step * this.#rows + row];
        const at = CHANNELS * ((this.#rows - 1 - row) * this.#steps + step);
        image.data.set([...colors[shade < 0 ? 1 : 0], FULL * Math.min(1, Math.abs(shade))], at);
      }
    }
    this.#pixels.putImageData(image, 0, 0);
    context.imageSmoothingEnabled = false;
    context.drawImage(this.#pixels.canvas, GUTTER, 0, width - GUTTER, height);
    context.fillStyle = color('--soft');
    context.font = FONT;
    context.textAlign = 'right';
    context.textBaseline = 'middle';
    const each = height / this.#names.length;
    this.#names.forEach((name, row) => context.fillText(name, GUTTER - 6, height - (row + 0.5) * each));
  }
}
