// What stands under the columns: the number that a column's fullest colour means, or how long its error is.

import { decadesOf, formatNumber, largestOf, normOf } from '../cycle/magnitudes.ts';
import { write, type Scene } from './networkScene.ts';
import { numbersOf } from './networkPaint.ts';

/** Below the columns: where bars begin and end, and the middle of the line of numbers. */
const bars = { top: 10, bottom: 56, width: 14 } as const;
const NUMBERS = 68;
const LEAST_BAR = 2;
/** Numbers below it need their place for a power of ten. */
const LEAST_PLAIN = 1e-4;
/** An exponent stands above its 10. */
const RAISED = 5;

/** Draws the numbers, and bars where lengths are to be compared from layer to layer. */
export function drawScales(scene: Scene): void {
  if (scene.stage === 'backward') {
    drawLengths(scene, (column) => (column.gradient ? normOf(column.gradient) : null));
  } else if (scene.stage === 'update') {
    drawLengths(scene, ({ weight }) => (weight ? normOf(numbersOf(weight, 'update')) : null));
  } else {
    drawLargest(scene);
  }
}

function drawLargest(scene: Scene): void {
  const { columns, layout } = scene;
  columns.slice(1, -1).forEach(({ values }, at) => {
    const { x, width } = layout.places[at + 1];
    write(scene, formatNumber(largestOf(values), 3), x + width / 2, layout.bottom + bars.top + 4, 'center', false);
  });
}

/** On one scale of powers of ten for all columns. */
function drawLengths(scene: Scene, lengthOf: (column: Scene['columns'][number]) => number | null): void {
  const { context, theme, columns, layout } = scene;
  const lengths = columns.map(lengthOf);
  const [low, high] = decadesOf(lengths.filter((length) => length !== null));
  const [top, bottom] = [layout.bottom + bars.top, layout.bottom + bars.bottom];
  drawDecades(scene, low, high);
  lengths.forEach((length, at) => {
    if (length === null) return;
    const { x, width } = layout.places[at];
    const middle = x + width / 2;
    if (length > 0 && Number.isFinite(length)) {
      const height = LEAST_BAR + ((Math.log10(length) - low) / (high - low)) * (bottom - top - LEAST_BAR);
      context.globalAlpha = 1;
      context.fillStyle = theme.accent;
      context.fillRect(middle - bars.width / 2, bottom - height, bars.width, height);
    }
    write(scene, formatNumber(length, length < LEAST_PLAIN ? 2 : 3), middle, layout.bottom + NUMBERS, 'center', false);
  });
}

/** A line for each power of ten, and what the first and the last mean. */
function drawDecades(scene: Scene, low: number, high: number): void {
  const { context, theme, layout } = scene;
  const [pixels, last] = [layout.places[0], layout.places.at(-1)!];
  const [top, bottom] = [layout.bottom + bars.top, layout.bottom + bars.bottom];
  const left = pixels.x + pixels.width;
  context.globalAlpha = 1;
  context.strokeStyle = theme.line;
  context.lineWidth = 1;
  context.beginPath();
  for (let decade = low; decade <= high; decade++) {
    const y = Math.round(bottom - ((decade - low) / (high - low)) * (bottom - top)) + 0.5;
    context.moveTo(left, y);
    context.lineTo(last.x + last.width, y);
  }
  context.stroke();
  writePower(scene, high, left - 4, top);
  writePower(scene, low, left - 4, bottom);
}

/** 10 to a power, its end at a place. */
function writePower(scene: Scene, exponent: number, x: number, y: number): void {
  const text = formatNumber(exponent);
  write(scene, text, x, y - RAISED, 'right', false);
  write(scene, '10', x - scene.context.measureText(text).width, y, 'right', false);
}
