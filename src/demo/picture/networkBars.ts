// The last column of the network's picture: the ten digits.

import { formatPercent, largestAt } from '../cycle/magnitudes.ts';
import { partOf, type Box, type Place } from './networkLayout.ts';
import { drawDot, isDone, write, type Scene } from './networkScene.ts';

const bar = { digit: 16, circle: 20, text: 42, inset: 3, shown: 0.045 } as const;

/** Of one digit's row: where its bar may be, from where it grows. */
interface Row {
  readonly left: number;
  readonly room: number;
  readonly origin: number;
  /** How long a bar of 1 is. */
  readonly unit: number;
}

function rowOf(place: Place, indent: number, isError: boolean): Row {
  const left = place.x + indent + bar.digit;
  const room = place.x + place.width - bar.text - left;
  return isError ? { left, room, origin: left + room / 2, unit: room / 2 } : { left, room, origin: left, unit: room };
}

/** Probabilities; or, on the way back, what each is above or below what it should be. */
export function drawBars(scene: Scene, at: number): void {
  const { glance, layout, stage } = scene;
  const { label, probabilities } = glance;
  const isError = stage === 'backward';
  const done = isError || stage === 'forward' ? isDone(scene, at) : 1;
  const row = rowOf(layout.places[at], layout.small ? bar.circle : 0, isError);
  const answer = largestAt(probabilities);
  probabilities.forEach((p, digit) => {
    const box = partOf(layout.places[at], digit);
    const value = isError && digit === label ? p - 1 : p;
    const middle = box.y + box.height / 2;
    const radius = bar.circle / 2 - bar.inset;
    if (layout.small) drawDot(scene, [box.x + radius, middle, radius], { share: value, opacity: done });
    if (digit === label) drawLabel(scene, row, box);
    write(scene, String(digit), row.left - bar.digit / 2, middle, 'center', digit === label);
    drawBar(scene, row, box, value, done);
    const isNamed = digit === label || digit === answer || Math.abs(value) > bar.shown;
    if (!isNamed || done === 0) return;
    const text = isError ? value.toFixed(2).replace('-', '−') : shortPercent(p);
    write(scene, text, row.left + row.room + bar.text - bar.inset, middle, 'right', false);
  });
}

function drawBar({ context, theme }: Scene, { origin, unit }: Row, box: Box, value: number, opacity: number): void {
  const length = unit * value;
  context.globalAlpha = opacity;
  context.fillStyle = value > 0 ? theme.one : theme.two;
  const x = Math.min(origin, origin + length);
  context.fillRect(x, box.y + bar.inset, Math.max(1, Math.abs(length)), box.height - 2 * bar.inset);
}

/** The right digit's row. */
function drawLabel({ context, theme }: Scene, { left, room }: Row, { y, height }: Box): void {
  context.globalAlpha = 1;
  context.strokeStyle = theme.accent;
  context.lineWidth = 1.5;
  context.beginPath();
  context.roundRect(left - bar.digit, y, room + bar.digit + bar.text, height, 4);
  context.stroke();
}

/** For a place of four or five letters, and no `100 %` that is not one. */
function shortPercent(p: number): string {
  if (p < NEARLY_NONE) return '< 1 %';
  return p > 1 - NEARLY_NONE && p < 1 ? '> 99 %' : formatPercent(p);
}

const NEARLY_NONE = 0.01;
