import { Canvas, INK, mix, WHITE, type Colour } from './canvas.ts';
import { LETTER_HEIGHT, textWidth } from './bitmapFont.ts';
import { confusionOf, type Classified } from '../evaluationReport.ts';
import type { Raster } from './png.ts';

/** Of what is right, and of what is wrong. */
const RIGHT: Colour = [24, 90, 169];
const WRONG: Colour = [200, 60, 30];

/** Pixels of a cell where there is room, and of all cells of a row where there is not. */
const CELL = 40;
const LONGEST_ROW = 1200;
/** More classes have cells that nobody sees. */
const MOST_CLASSES = 400;
const GAP = 6;
/** Letters of a name that are drawn. */
const LONGEST_NAME = 24;
/** Beyond it letters are white. */
const DARK = 0.6;

/**
 * A confusion matrix: a row for each class that images are of, a column for each that they are taken for. A cell is as
 * dark as the root of its share of the row, so that rare mistakes are seen; blue where that is right, red where it is
 * wrong. Null for more than 400 classes.
 */
export function confusionPicture(said: Classified): Raster | null {
  const names = said.classes.map((name) => name.slice(0, LONGEST_NAME));
  const n = names.length;
  if (n > MOST_CLASSES) return null;
  const counts = confusionOf(said);
  const cell = Math.min(CELL, Math.floor(LONGEST_ROW / n));
  const dot = Math.min(2, Math.floor(cell / (LETTER_HEIGHT + 2)));
  const margin = dot * Math.max(...names.map(textWidth)) + 2 * GAP;
  const canvas = new Canvas(margin + n * cell + GAP, margin + n * cell + GAP, WHITE);
  const middle = Math.floor((cell - dot * LETTER_HEIGHT) / 2);
  for (const [row, name] of names.entries()) {
    const [begin, across] = [margin + row * cell, margin + row * cell + middle];
    canvas.text(name, margin - GAP - dot * textWidth(name), across, dot, INK);
    canvas.textUpwards(name, across, margin - GAP, dot, INK);
    const shares = sharesOf(counts.subarray(row * n, (row + 1) * n));
    shares.forEach((share, column) => {
      const left = margin + column * cell;
      const depth = Math.sqrt(share);
      canvas.fill(left, begin, cell, cell, mix(WHITE, row === column ? RIGHT : WRONG, depth));
      if (cell === CELL) percentIn(canvas, share, left, across, depth > DARK ? WHITE : INK);
    });
  }
  return canvas;
}

/** The whole percent of a cell, unless it is 0. */
function percentIn(canvas: Canvas, share: number, left: number, top: number, colour: Colour): void {
  const text = String(Math.round(100 * share));
  if (text !== '0') canvas.text(text, left + Math.floor((CELL - 2 * textWidth(text)) / 2), top, 2, colour);
}

/** Zeros where there is nothing. */
function sharesOf(counts: Uint32Array): readonly number[] {
  const total = counts.reduce((sum, count) => sum + count, 0);
  return Array.from(counts, (count) => (total > 0 ? count / total : 0));
}
