import type { Report } from '../index.ts';
import { percent, type Terminal } from './terminal.ts';

/** Time between two lines where there is no terminal to draw on. */
const LINE_SECONDS = 5;
const REDRAW_SECONDS = 0.1;
/** Weight of the newest step in what is shown: single batches jump. */
const SMOOTHING = 0.05;
const BAR_WIDTH = 24;
/** Below this a bar leaves no room for numbers. */
const LEAST_COLUMNS = 100;

function clock(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

/** One line that draws itself again in a terminal, or a new one now and then. */
export class LiveLine {
  readonly #terminal: Terminal | null;
  #last: number;
  #open = false;

  /** @param terminal null says nothing   @param last when a line was there last, on the caller's clock: never, if left out */
  constructor(terminal: Terminal | null, last = -Infinity) {
    this.#terminal = terminal;
    this.#last = last;
  }

  /** Whether it is time for another. @param seconds on the caller's clock */
  due(seconds: number): boolean {
    if (!this.#terminal) return false;
    return seconds - this.#last >= (this.#terminal.interactive ? REDRAW_SECONDS : LINE_SECONDS);
  }

  /** @param share of all that is to be done, for a bar; undefined where nobody knows */
  show(share: number | undefined, fields: readonly string[], seconds: number): void {
    const terminal = this.#terminal;
    if (!terminal) return;
    this.#last = seconds;
    if (!terminal.interactive) return terminal.line(fields.join('  '));
    const bar = share !== undefined && terminal.columns >= LEAST_COLUMNS ? `${barOf(share, terminal)}  ` : '';
    // A line that wraps could not be drawn again.
    let text = '';
    let width = bar ? BAR_WIDTH + 2 : 0;
    for (const field of fields) {
      if (width + field.length >= terminal.columns) break;
      text += `${field}  `;
      width += field.length + 2;
    }
    terminal.write(`\r${bar}${text.trimEnd()}\u001b[K`);
    this.#open = true;
  }

  /** Leaves the line that draws itself again. */
  close(): void {
    if (this.#open) this.#terminal?.line();
    this.#open = false;
  }
}

function barOf(share: number, terminal: Terminal): string {
  const full = Math.round(BAR_WIDTH * Math.max(0, Math.min(1, share)));
  return terminal.paint('cyan', '━'.repeat(full)) + terminal.paint('dim', '─'.repeat(BAR_WIDTH - full));
}

/** Steps, loss, accuracy, steps per second and time left, as training goes on. */
export class Progress {
  readonly #total: number;
  readonly #line: LiveLine;
  /** Steps of a run that this one goes on with. */
  #before: number | undefined;
  #loss: number | undefined;
  #accuracy: number | undefined;

  /** @param terminal null says nothing */
  constructor(total: number, terminal: Terminal | null) {
    this.#total = total;
    this.#line = new LiveLine(terminal);
  }

  show({ step, loss, metrics, seconds, epoch, skipped }: Report): void {
    this.#before ??= step - 1;
    const accuracy = metrics['accuracy'] as number | undefined;
    if (!skipped) this.#loss = smooth(this.#loss, loss);
    if (!skipped && accuracy !== undefined) this.#accuracy = smooth(this.#accuracy, accuracy);
    const ends = step === this.#total;
    if (!ends && !this.#line.due(seconds)) return;
    const rate = (step - this.#before) / Math.max(seconds, 1e-9);
    const fields = [
      `step ${String(step).padStart(String(this.#total).length)} / ${this.#total}`,
      `epoch ${epoch.toFixed(2)}`,
      `${rate.toFixed(1)} steps/s`,
      ...(this.#loss === undefined ? [] : [`loss ${this.#loss.toFixed(4)}`]),
      ...(this.#accuracy === undefined ? [] : [`accuracy ${percent(this.#accuracy, 1)}`]),
      ends ? `took ${clock(seconds)}` : `${clock((this.#total - step) / rate)} left`,
    ];
    this.#line.show(step / this.#total, fields, seconds);
    if (ends) this.close();
  }

  close(): void {
    this.#line.close();
  }
}

/** How much of something is there: bytes of a download, digits that are drawn. */
export class Amount {
  readonly #line: LiveLine;
  readonly #begun = performance.now();

  constructor(terminal: Terminal | null) {
    this.#line = new LiveLine(terminal);
  }

  show(done: number, total: number, text: string): void {
    const seconds = (performance.now() - this.#begun) / 1000;
    if (done < total && !this.#line.due(seconds)) return;
    this.#line.show(done / total, [text], seconds);
    if (done >= total) this.close();
  }

  close(): void {
    this.#line.close();
  }
}

const smooth = (before: number | undefined, now: number): number =>
  before === undefined ? now : before + SMOOTHING * (now - before);
