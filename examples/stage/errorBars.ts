import type { Brush } from './sheet.ts';

/** How much of a net's error reaches each step that it read. */
export interface ErrorByStep {
  readonly label: string;
  /** Of its colour: red, green and blue. */
  readonly token: string;
  readonly error: readonly number[];
}

/** Where the middle of a step is. */
export type Place = (step: number) => number;

const FONT = '13px system-ui, sans-serif';
const MARGIN = 12;
/** Powers of ten that a bar shows: shares below the last one are none to the eye. */
const DECADES = 8;
/** Above a net's bars. */
const GAP = 18;
/** Of a step's dot; a bar stands two of them above it. */
const STEP_RADIUS = 3;

export function dot(context: CanvasRenderingContext2D, x: number, y: number): void {
  context.beginPath();
  context.arc(x, y, STEP_RADIUS, 0, 2 * Math.PI);
  context.fill();
}

/** A net's steps, joined as they are in time, each below a bar: the logarithm of its share of the last step's error. */
export function paintError(
  { context, color, tint }: Brush,
  net: ErrorByStep,
  x: Place,
  top: number,
  height: number,
): void {
  const { label, token, error } = net;
  const last = error.length - 1;
  const foot = top + height - MARGIN;
  const tallest = height - GAP - MARGIN;
  context.fillStyle = tint(token, 0.5);
  error.forEach((size, step) => {
    const share = Math.min(1, Math.max(0, 1 + Math.log10(size / error[last]) / DECADES));
    const tall = Number.isFinite(share) ? share * tallest : 0;
    context.fillRect(x(step - 0.35), foot - 2 * STEP_RADIUS - tall, x(0.35) - x(-0.35), tall);
  });
  context.strokeStyle = color('--soft');
  context.lineWidth = 1;
  context.beginPath();
  context.moveTo(x(0), foot);
  context.lineTo(x(last), foot);
  context.stroke();
  context.fillStyle = tint(token);
  error.forEach((_, step) => dot(context, x(step), foot));
  context.font = FONT;
  context.textAlign = 'left';
  context.textBaseline = 'middle';
  context.fillText(label, x(last + 1), foot);
}
