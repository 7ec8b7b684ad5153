// What all parts of the network's picture are drawn from.

import type { Column } from '../cycle/columns.ts';
import type { Layout, Target } from './networkLayout.ts';
import type { NetworkPaint } from './networkPaint.ts';
import { opacityOf } from './palette.ts';
import type { Glance, Stage } from '../protocol.ts';
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
export const FAINT = 0.22;
const FONT = 'system-ui, sans-serif';
const TURN = 2 * Math.PI;

/** How much of a column the wave has uncovered, 0 … 1. */
export function uncovered(stage: Stage, progress: number, column: number, columns: number): number {
  if (stage === 'loss') return column === columns - 1 ? 1 : 0;
  if (stage === 'update') return progress;
  const place = stage === 'forward' ? column : columns - 1 - column;
  return Math.max(0, Math.min(1, progress * (columns - 1) - place + 1));
}

/** The same of a column of the scene. */
export const isDone = (scene: Scene, column: number): number =>
  uncovered(scene.stage, scene.progress, column, scene.columns.length);

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

/** A circle, as full of its side's colour as `fills` say; where they overlap, the later over the earlier. */
export function drawDot(
  { context, theme }: Pick<Scene, 'context' | 'theme'>,
  [x, y, radius]: readonly [x: number, y: number, radius: number],
  ...fills: readonly { readonly share: number; readonly opacity: number }[]
): void {
  context.beginPath();
  context.arc(x, y, radius, 0, TURN);
  context.globalAlpha = 1;
  context.fillStyle = theme.panel;
  context.fill();
  for (const { share, opacity } of fills) {
    if (!(Math.abs(share) > 0)) continue;
    context.globalAlpha = opacity * opacityOf(share);
    context.fillStyle = share > 0 ? theme.one : theme.two;
    context.fill();
  }
  context.globalAlpha = 1;
  context.strokeStyle = theme.soft;
  context.lineWidth = 1;
  context.stroke();
}
