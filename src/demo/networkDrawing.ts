// The network's picture, drawn from what NetworkPaint made: quick enough for every frame of a wave.

import { formatShape, functionName, type Column } from './columns.ts';
import { formatNumber, formatPercent, largestAt, largestOf } from './magnitudes.ts';
import { partOf, type Box, type Layout, type Place, type Target } from './networkLayout.ts';
import type { NetworkPaint } from './networkPaint.ts';
import { opacityOf } from './palette.ts';
import type { Glance, Stage } from './protocol.ts';
import type { Theme } from './surface.ts';

/** All that one picture is drawn from. */
export interface Scene {
  readonly context: CanvasRenderingContext2D;
  readonly theme: Theme;
  readonly glance: Glance;
  readonly columns: readonly Column[];
  readonly layout: Layout;
  readonly paint: NetworkPaint;
  readonly stage: Stage;
  /** How far the wave has gone, 0 … 1. */
  readonly progress: number;
  readonly target: Target | null;
}

/** What waits for the wave, or is not what a stage is about. */
const FAINT = 0.22;
const FONT = 'system-ui, sans-serif';
const TURN = 2 * Math.PI;

/** How much of a column the wave has uncovered, 0 … 1. */
export function uncovered(stage: Stage, progress: number, column: number, columns: number): number {
  if (stage === 'loss') return column === columns - 1 ? 1 : 0;
  if (stage === 'update') return progress;
  const place = stage === 'forward' ? column : columns - 1 - column;
  return Math.max(0, Math.min(1, progress * (columns - 1) - place + 1));
}

const isDone = (scene: Scene, column: number): number =>
  uncovered(scene.stage, scene.progress, column, scene.columns.length);

/** Draws all of it. */
export function drawNetwork(scene: Scene): void {
  const { columns, context } = scene;
  for (let at = 1; at < columns.length; at++) drawWeights(scene, at);
  for (let at = 0; at < columns.length; at++) {
    drawColumn(scene, at);
    drawHeader(scene, at);
  }
  drawTarget(scene);
  context.globalAlpha = 1;
}

function drawWeights(scene: Scene, at: number): void {
  const { context, theme, layout, paint, stage } = scene;
  const [from, to, images] = [layout.places[at - 1], layout.places[at], layout.weights[at]];
  const strength = stage === 'loss' ? FAINT : FAINT + (1 - FAINT) * isDone(scene, at);
  for (const { path, isAbove, width, opacity } of paint.strands(at)) {
    context.globalAlpha = opacity * strength;
    context.strokeStyle = isAbove ? theme.one : theme.two;
    context.lineWidth = width;
    context.stroke(path);
  }
  if (!layout.small) drawArrow(scene, from, to, stage === 'backward');
  if (!images) return;
  context.globalAlpha = 1;
  context.fillStyle = theme.panel;
  if (images.form !== 'atCircles') context.fillRect(images.x, images.y, images.width, images.height);
  for (let k = 0; k < images.count; k++) {
    const x = images.x + (k % images.columns) * images.pitch;
    const y = images.y + Math.floor(k / images.columns) * images.pitch;
    const width = images.form === 'matrix' ? images.width : images.size;
    if (images.form === 'atCircles') drawRay(scene, from, x, y + images.size / 2);
    context.globalAlpha = 1;
    context.fillStyle = theme.panel;
    context.fillRect(x, y, width, images.size);
    context.globalAlpha = strength;
    paint.tile(`w${at}/${k}`).draw(context, x, y, width, images.size);
    frame(scene, { x, y, width, height: images.size });
  }
}

/** From the pixels to a neuron that looks at all of them. */
function drawRay({ context, theme }: Scene, from: Place, x: number, y: number): void {
  context.globalAlpha = 0.6;
  context.strokeStyle = theme.line;
  context.lineWidth = 1;
  context.beginPath();
  context.moveTo(from.x + from.width + 2, from.y + from.height / 2);
  context.lineTo(x, y);
  context.stroke();
}

const ARROW = { clearance: 4, head: 4 } as const;

function drawArrow({ context, theme, layout }: Scene, from: Place, to: Place, isBack: boolean): void {
  const y = (layout.top + layout.bottom) / 2;
  const [a, b] = [from.x + from.width + ARROW.clearance, to.x - ARROW.clearance];
  const [tip, side] = isBack ? [a, ARROW.head] : [b, -ARROW.head];
  context.globalAlpha = 1;
  context.strokeStyle = theme.soft;
  context.lineWidth = 1;
  context.beginPath();
  context.moveTo(a, y);
  context.lineTo(b, y);
  context.moveTo(tip + side, y - ARROW.head);
  context.lineTo(tip, y);
  context.lineTo(tip + side, y + ARROW.head);
  context.stroke();
}

function frame({ context, theme }: Scene, { x, y, width, height }: Box): void {
  context.globalAlpha = 1;
  context.strokeStyle = theme.line;
  context.lineWidth = 1;
  context.strokeRect(x - 0.5, y - 0.5, width + 1, height + 1);
}

function drawColumn(scene: Scene, at: number): void {
  const { context, columns, layout, paint, stage } = scene;
  const [place, column, done] = [layout.places[at], columns[at], isDone(scene, at)];
  if (place.form === 'bars') return drawBars(scene, at);
  const isError = stage === 'backward' && column.gradient;
  // Under the error, and beside what changes, the activations are still to be made out.
  const values = isError ? FAINT * (1 - done) : stage === 'forward' ? done : place.form === 'image' ? 0.6 : FAINT;
  if (place.form === 'circles') return drawCircles(scene, at, values, isError ? done : 0);
  const draw = (name: string, opacity: number, box: Box): void => {
    context.globalAlpha = opacity;
    if (opacity > 0) paint.tile(name).draw(context, box.x, box.y, box.width, box.height);
  };
  const isWhole = place.form !== 'maps';
  for (let part = 0; part < (isWhole ? 1 : place.count); part++) {
    const box = isWhole ? place : partOf(place, part);
    const suffix = isWhole ? '' : `/${part}`;
    draw(`a${at}${suffix}`, values, box);
    if (isError) draw(`d${at}${suffix}`, done, box);
    frame(scene, box);
  }
}

/** Circles are as full as their numbers are large. */
function drawCircles(scene: Scene, at: number, valuesOpacity: number, errorsOpacity: number): void {
  const { context, theme, layout, columns } = scene;
  const [place, { values, gradient }] = [layout.places[at], columns[at]];
  const scales = [largestOf(values), gradient ? largestOf(gradient) : 0];
  const radius = place.cell.height / 2;
  for (let part = 0; part < place.count; part++) {
    const { x, y } = partOf(place, part);
    context.beginPath();
    context.arc(x + radius, y + radius, radius, 0, TURN);
    context.globalAlpha = 1;
    context.fillStyle = theme.panel;
    context.fill();
    fillBy(scene, values[part], scales[0], valuesOpacity);
    if (gradient) fillBy(scene, gradient[part], scales[1], errorsOpacity);
    context.globalAlpha = 1;
    context.strokeStyle = theme.soft;
    context.lineWidth = 1;
    context.stroke();
  }
}

function fillBy({ context, theme }: Scene, value: number, scale: number, opacity: number): void {
  if (!(scale > 0) || opacity === 0) return;
  context.globalAlpha = opacity * opacityOf(value / scale);
  context.fillStyle = value > 0 ? theme.one : theme.two;
  context.fill();
}

const bar = { digit: 16, circle: 22, text: 38, shown: 0.045 } as const;

/** Probabilities; or, on the way back, what each is above or below what it should be. */
function drawBars(scene: Scene, at: number): void {
  const { context, theme, glance, layout, stage } = scene;
  const place = layout.places[at];
  const isError = stage === 'backward';
  const done = isError || stage === 'forward' ? isDone(scene, at) : 1;
  const indent = layout.small ? bar.circle : 0;
  if (layout.small) drawDots(scene, at, done);
  const left = place.x + indent + bar.digit;
  const room = place.x + place.width - bar.text - left;
  const answer = largestAt(glance.probabilities);
  glance.probabilities.forEach((p, digit) => {
    const { y, height } = partOf(place, digit);
    const value = isError ? p - (digit === glance.label ? 1 : 0) : p;
    const isNamed = digit === glance.label || digit === answer || Math.abs(value) > bar.shown;
    context.globalAlpha = 1;
    if (digit === glance.label)
      drawLabel(scene, { x: left - bar.digit, y, width: room + bar.digit + bar.text, height });
    write(scene, String(digit), left - bar.digit / 2, y + height / 2, 'center', digit === glance.label);
    context.globalAlpha = done;
    context.fillStyle = value > 0 ? theme.one : theme.two;
    const origin = isError ? left + room / 2 : left;
    const length = (isError ? room / 2 : room) * value;
    context.fillRect(Math.min(origin, origin + length), y + 3, Math.max(1, Math.abs(length)), height - 6);
    if (isNamed && done > 0) {
      const text = isError ? value.toFixed(2).replace('-', '−') : shortPercent(p);
      write(scene, text, left + room + bar.text - 3, y + height / 2, 'right', false);
    }
  });
}

/** The right digit's row. */
function drawLabel({ context, theme }: Scene, { x, y, width, height }: Box): void {
  context.strokeStyle = theme.accent;
  context.lineWidth = 1.5;
  context.beginPath();
  context.roundRect(x, y, width, height, 4);
  context.stroke();
}

const shortPercent = (p: number): string => (p < 0.01 ? '< 1 %' : formatPercent(p).replace('more than ', '> '));

/** Where the lines of a small network end. */
function drawDots({ context, theme, glance, layout, stage }: Scene, at: number, done: number): void {
  const place = layout.places[at];
  for (let digit = 0; digit < place.count; digit++) {
    const { x, y, height } = partOf(place, digit);
    const p = glance.probabilities[digit];
    const value = stage === 'backward' ? p - (digit === glance.label ? 1 : 0) : p;
    const radius = bar.circle / 2 - 3;
    context.beginPath();
    context.arc(x + radius, y + height / 2, radius, 0, TURN);
    context.globalAlpha = 1;
    context.fillStyle = theme.panel;
    context.fill();
    context.globalAlpha = done * opacityOf(value);
    context.fillStyle = value > 0 ? theme.one : theme.two;
    context.fill();
    context.globalAlpha = 1;
    context.strokeStyle = theme.soft;
    context.lineWidth = 1;
    context.stroke();
  }
}

/** Text in the middle of a line. */
export function write(
  { context, theme }: Pick<Scene, 'context' | 'theme'>,
  text: string,
  x: number,
  y: number,
  align: CanvasTextAlign,
  isStrong: boolean,
): void {
  context.globalAlpha = 1;
  context.font = `${isStrong ? '600 ' : ''}12px ${FONT}`;
  context.fillStyle = isStrong ? theme.ink : theme.soft;
  context.textAlign = align;
  context.textBaseline = 'middle';
  context.fillText(text, x, y);
}

function drawHeader(scene: Scene, at: number): void {
  const { columns, layout } = scene;
  const [column, place] = [columns[at], layout.places[at]];
  const middle = place.x + place.width / 2;
  write(scene, column.name, middle, 10, 'center', true);
  write(scene, subtitleOf(scene, column, at), middle, 26, 'center', false);
}

function subtitleOf({ columns, glance, layout, stage, context }: Scene, column: Column, at: number): string {
  const size = formatShape(column.shape);
  if (at < columns.length - 1) {
    const long = column.activation ? `${size} ${functionName(column.activation)}` : size;
    const next = layout.places[at + 1];
    return context.measureText(long).width < next.x - layout.places[at].x - 4 ? long : size;
  }
  if (stage === 'backward') return 'p − y';
  if (stage === 'loss') return `loss ${formatNumber(glance.loss)}`;
  if (stage === 'update') return `loss ${formatNumber(glance.loss, 4)} to ${formatNumber(glance.lossAfter, 4)}`;
  return `says ${largestAt(glance.probabilities)}`;
}

function drawTarget({ context, theme, layout, target }: Scene): void {
  const place = target && layout.places[target.column];
  if (!place) return;
  const { x, y, width, height } = target.part === null ? place : partOf(place, target.part);
  context.globalAlpha = 1;
  context.strokeStyle = theme.accent;
  context.lineWidth = 2;
  context.strokeRect(x - 2, y - 2, width + 4, height + 4);
}
