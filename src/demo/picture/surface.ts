// What the drawings of numbers have in common: the style sheet's colours, a canvas as sharp as the screen, small images.

import { paint, type Grid } from './grid.ts';
import { divergingPalette, rgbOf } from './palette.ts';

/** The style sheet's colours, as canvases take them. */
export interface Theme {
  readonly ink: string;
  readonly soft: string;
  readonly line: string;
  readonly panel: string;
  readonly accent: string;
  /** Of what is above 0, and below. */
  readonly one: string;
  readonly two: string;
  /** Numbers on both sides of 0, and what was drawn in ink. */
  readonly signed: Uint32Array;
  readonly inked: Uint32Array;
}

/** Reads the colours that hold for an element now; they change with the colour scheme. */
export function themeOf(element: Element): Theme {
  const style = getComputedStyle(element);
  const color = (name: string): string => style.getPropertyValue(name).trim();
  const [ink, one, two] = ['--ink', '--one', '--two'].map((name) => rgbOf(color(name)));
  return {
    ink: color('--ink'),
    soft: color('--soft'),
    line: color('--line'),
    panel: color('--panel'),
    accent: color('--accent'),
    one: `rgb(${one.join(' ')})`,
    two: `rgb(${two.join(' ')})`,
    signed: divergingPalette(one, two),
    inked: divergingPalette(ink, ink),
  };
}

/** Clears a canvas, at the screen's resolution, with a unit of one CSS pixel. */
export function clearedContext(canvas: HTMLCanvasElement, width: number, height: number): CanvasRenderingContext2D {
  const scale = devicePixelRatio;
  const [columns, rows] = [Math.round(width * scale), Math.round(height * scale)];
  // A canvas that is given a size forgets its memory, even if it had that size.
  if (canvas.width !== columns || canvas.height !== rows) [canvas.width, canvas.height] = [columns, rows];
  const context = canvas.getContext('2d')!;
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.globalAlpha = 1;
  context.clearRect(0, 0, width, height);
  return context;
}

/** Numbers as a small image, which is painted once and drawn often. */
export class Tile {
  readonly #canvas = new OffscreenCanvas(1, 1);
  readonly #context = this.#canvas.getContext('2d')!;
  #image = new ImageData(1, 1);
  #words = new Uint32Array(this.#image.data.buffer);

  paint(grid: Grid, scale: number, palette: Uint32Array): void {
    const { rows, columns } = grid;
    if (this.#image.width !== columns || this.#image.height !== rows) {
      [this.#canvas.width, this.#canvas.height] = [columns, rows];
      this.#image = new ImageData(columns, rows);
      this.#words = new Uint32Array(this.#image.data.buffer);
    }
    paint(this.#words, grid, scale, palette);
    this.#context.putImageData(this.#image, 0, 0);
  }

  /** Each number stays a sharp square, unless there are more of them than dots of the screen. */
  draw(context: CanvasRenderingContext2D, x: number, y: number, width: number, height: number): void {
    context.imageSmoothingEnabled = width * devicePixelRatio < this.#canvas.width;
    context.drawImage(this.#canvas, x, y, width, height);
  }
}
