import type { Report } from '../index.ts';

/** Time between two lines where there is no terminal to draw on. */
const LINE_SECONDS = 5;
const REDRAW_SECONDS = 0.1;
/** Weight of the newest step in what is shown: single batches jump. */
const SMOOTHING = 0.05;

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

function clock(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

/** Steps per second, loss, accuracy and time left: one line that redraws itself, or a line now and then. */
export class Progress {
  readonly #total: number;
  readonly #out: NodeJS.WriteStream | null;
  #loss: number | undefined;
  #accuracy: number | undefined;
  #last = -Infinity;

  constructor(total: number, out: NodeJS.WriteStream | null) {
    this.#total = total;
    this.#out = out;
  }

  show({ step, loss, metrics, seconds, epoch }: Report): void {
    this.#loss = smooth(this.#loss, loss);
    this.#accuracy = smooth(this.#accuracy, metrics['accuracy']);
    const terminal = this.#out?.isTTY === true;
    const first = this.#last === -Infinity;
    const ends = step === this.#total;
    if (!first && !ends && seconds - this.#last < (terminal ? REDRAW_SECONDS : LINE_SECONDS)) return;
    this.#last = seconds;
    const rate = step / Math.max(seconds, 1e-9);
    const left = (this.#total - step) / rate;
    const line = [
      `step ${String(step).padStart(String(this.#total).length)} / ${this.#total}`,
      `epoch ${epoch.toFixed(2)}`,
      `${rate.toFixed(1)} steps/s`,
      `loss ${this.#loss.toFixed(4)}`,
      `accuracy ${percent(this.#accuracy)}`,
      ends ? `took ${clock(seconds)}` : `${clock(left)} left`,
    ].join('  ');
    this.#out?.write(terminal ? `\r${line}\u001b[K${ends ? '\n' : ''}` : `${line}\n`);
  }

  /** Leaves the line that redraws itself. */
  close(): void {
    if (this.#out?.isTTY) this.#out.write('\n');
  }
}

const smooth = (before: number | undefined, now: number): number =>
  before === undefined ? now : before + SMOOTHING * (now - before);
