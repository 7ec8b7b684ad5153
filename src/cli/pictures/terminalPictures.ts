import type { Terminal } from '../terminal.ts';

/** Two pixels in one cell of a terminal: the upper is the letter's colour, the lower the ground's. */
const UPPER_HALF = '▀';
/** From no ink to full ink, where there are no colours. */
const SHADES = ' .:-=+*#%@';
const GAP = '  ';
const MOST = 6;

export interface Picture {
  readonly caption: string;
  /** Grey, 0 … 255. */
  readonly pixels: ArrayLike<number>;
  readonly height: number;
  readonly width: number;
}

/** How bright red, green and blue are. Source: ITU-R BT.601-7, 2.5.1 */
const LUMA = [0.299, 0.587, 0.114] as const;

/** The brightness of the pixel at a place, which is its first channel where there are fewer than three. */
export const brightnessAt = (values: ArrayLike<number>, at: number, channels: number): number =>
  channels < LUMA.length
    ? values[at]
    : Math.round(LUMA[0] * values[at] + LUMA[1] * values[at + 1] + LUMA[2] * values[at + 2]);

/** The brightness of each pixel. */
export const inGrey = (values: ArrayLike<number>, channels: number): Uint8Array =>
  Uint8Array.from({ length: values.length / channels }, (_, pixel) => brightnessAt(values, pixel * channels, channels));

/** How many pictures of a width stand side by side. */
export const picturesPerLine = (width: number, { columns }: Terminal): number =>
  Math.max(1, Math.min(MOST, Math.floor((columns + GAP.length) / (width + GAP.length))));

/** Pictures side by side, with their captions above. */
export function formatPictures(pictures: readonly Picture[], terminal: Terminal): string {
  const captions = pictures.map(({ caption, width }) => caption.slice(0, width).padEnd(width)).join(GAP);
  const height = Math.max(...pictures.map((picture) => picture.height));
  const lines = [terminal.paint('dim', captions)];
  for (let row = 0; row < height; row += 2) {
    lines.push(pictures.map((picture) => cells(picture, row, terminal.coloured)).join(GAP));
  }
  return lines.join('\n');
}

/** Two rows of pixels as one line of cells. */
function cells({ pixels, height, width }: Picture, row: number, coloured: boolean): string {
  const pixel = (y: number, x: number): number => (y < height ? pixels[y * width + x] : 0);
  let line = '';
  let colours = '';
  for (let x = 0; x < width; x++) {
    const upper = pixel(row, x);
    const lower = pixel(row + 1, x);
    if (!coloured) {
      line += SHADES[Math.round(((upper + lower) / 2 / 255) * (SHADES.length - 1))];
      continue;
    }
    const wanted = `\u001b[38;5;${grey(upper)};48;5;${grey(lower)}m`;
    line += colours === wanted ? UPPER_HALF : `${wanted}${UPPER_HALF}`;
    colours = wanted;
  }
  return coloured ? `${line}\u001b[0m` : line;
}

/** The nearest of the 24 greys among a terminal's 256 colours. */
const grey = (value: number): number => 232 + Math.round((value / 255) * 23);
