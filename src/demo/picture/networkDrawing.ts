// The network's picture, drawn from what NetworkPaint made: quick enough for every frame of a wave.

import { formatShape, functionName, type Column } from '../cycle/columns.ts';
import { formatNumber, largestAt, largestOf } from '../cycle/magnitudes.ts';
import { drawBars } from './networkBars.ts';
import { partOf, type Box, type Place } from './networkLayout.ts';
import { drawDot, FAINT, isDone, write, type Scene } from './networkScene.ts';

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
  const [place, { values, gradient }] = [scene.layout.places[at], scene.columns[at]];
  const [largest, steepest] = [largestOf(values), gradient ? largestOf(gradient) : 0];
  const radius = place.cell.height / 2;
  for (let part = 0; part < place.count; part++) {
    const { x, y } = partOf(place, part);
    const value = { share: values[part] / largest, opacity: valuesOpacity };
    const error = { share: gradient ? gradient[part] / steepest : 0, opacity: errorsOpacity };
    drawDot(scene, [x + radius, y + radius, radius], value, error);
  }
}

/** A column's name, and below it the first of its subtitles that does not touch the next one's. */
function drawHeader(scene: Scene, at: number): void {
  const { columns, context, layout } = scene;
  const [column, place, next] = [columns[at], layout.places[at], layout.places[at + 1]];
  const middle = place.x + place.width / 2;
  write(scene, column.name, middle, HEADER.name, 'center', true);
  const room = next ? next.x - place.x - HEADER.gap : place.width + HEADER.gap;
  const texts = next ? layerTexts(column) : outputTexts(scene);
  const text = texts.find((one) => context.measureText(one).width < room) ?? texts.at(-1)!;
  // The last one may be wider than its column, but not than the picture.
  const most = layout.width - context.measureText(text).width / 2 - 1;
  write(scene, text, Math.min(middle, most), HEADER.text, 'center', false);
}

const HEADER = { name: 10, text: 26, gap: 6 } as const;

function layerTexts({ shape, activation }: Column): string[] {
  const size = formatShape(shape);
  return activation ? [`${size} ${functionName(activation)}`, size] : [size];
}

function outputTexts({ glance, stage }: Scene): string[] {
  const { loss, lossAfter, probabilities } = glance;
  if (stage === 'backward') return ['p − y'];
  if (stage === 'loss') return [`loss ${formatNumber(loss)}`];
  if (stage === 'forward') return [`says ${largestAt(probabilities)}`];
  const change = (digits: number): string => `${formatNumber(loss, digits)} to ${formatNumber(lossAfter, digits)}`;
  return [`loss ${change(4)}`, change(3)];
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
