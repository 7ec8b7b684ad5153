import { Chart } from './chart.ts';
import { History } from './history.ts';
import { percent } from '../page.ts';
import type { Probe, Taken } from '../protocol.ts';

/** Share of the past in a smoothed curve. */
const SMOOTHING = 0.95;
const REDRAW_MS = 200;

const short = (value: number): string => String(Number(value.toPrecision(3)));

/** From the first layer to the last: from blue to orange, by way of the page's own soft colour. */
const LAYER_COLORS = ['--one', '--layer-2', '--layer-3', '--layer-4', '--layer-5', '--two'] as const;

/** How training goes, step by step. */
export class Curves {
  readonly #loss = { raw: new History(), smooth: new History(), at: NaN };
  readonly #accuracy = { raw: new History(), smooth: new History(), at: NaN, test: new History() };
  readonly #testLoss = new History();
  readonly #rate = new History();
  readonly #speed = new History();
  #norms: Readonly<Record<string, History>> = {};
  readonly #charts: Readonly<Record<'loss' | 'accuracy' | 'norms' | 'rate' | 'speed', Chart>>;
  #drawn = 0;
  #waiting = false;

  constructor(host: HTMLElement) {
    this.#charts = {
      loss: new Chart(host, { title: 'Loss', text: 'Loss by step', format: short }),
      accuracy: new Chart(host, {
        title: 'Accuracy',
        text: 'Accuracy by step',
        format: (share) => percent(share, 0),
        range: [0, 1],
      }),
      norms: new Chart(host, {
        title: 'Length of each layer’s gradient ∂L/∂W',
        text: 'Norms of the gradients by step, a curve for each layer',
        format: (value) => value.toExponential(0),
        logarithmic: true,
      }),
      rate: new Chart(host, { title: 'Learning rate', text: 'Learning rate by step', format: short }),
      speed: new Chart(host, { title: 'Steps per second', text: 'Steps per second by step', format: short }),
    };
    const { loss, accuracy, rate, speed } = this.#charts;
    const test = { name: 'test', color: '--two' };
    loss.lines([
      { options: { name: 'each step', color: '--one', opacity: 0.3, width: 1 }, history: this.#loss.raw },
      { options: { name: 'smoothed', color: '--one' }, history: this.#loss.smooth },
      { options: test, history: this.#testLoss },
    ]);
    accuracy.lines([
      { options: { name: 'each step', color: '--one', opacity: 0.3, width: 1 }, history: this.#accuracy.raw },
      { options: { name: 'smoothed', color: '--one' }, history: this.#accuracy.smooth },
      { options: test, history: this.#accuracy.test },
    ]);
    rate.lines([{ options: { name: 'rate', color: '--one' }, history: this.#rate }]);
    speed.lines([{ options: { name: 'steps/s', color: '--one' }, history: this.#speed }]);
    this.#charts.norms.lines([]);
  }

  clear(): void {
    const { raw, smooth, test } = this.#accuracy;
    const kept = [this.#loss.raw, this.#loss.smooth, this.#testLoss, raw, smooth, test];
    for (const history of [...kept, this.#rate, this.#speed]) history.clear();
    this.#loss.at = this.#accuracy.at = NaN;
    this.#norms = {};
    this.#charts.norms.lines([]);
    this.draw();
  }

  taken({ step, losses, accuracies, rates, milliseconds }: Taken): void {
    const first = step - losses.length + 1;
    losses.forEach((loss, at) => {
      this.#loss.at = smoothed(this.#loss.at, loss);
      this.#accuracy.at = smoothed(this.#accuracy.at, accuracies[at]);
      this.#loss.raw.push(first + at, loss);
      this.#loss.smooth.push(first + at, this.#loss.at);
      this.#accuracy.raw.push(first + at, accuracies[at]);
      this.#accuracy.smooth.push(first + at, this.#accuracy.at);
      this.#rate.push(first + at, rates[at]);
    });
    this.#speed.push(step, (1000 * losses.length) / milliseconds);
    this.#soon();
  }

  probe({ examination: { step, accuracy, loss }, gradientNorms }: Probe): void {
    this.#accuracy.test.push(step, accuracy);
    this.#testLoss.push(step, loss);
    const names = Object.keys(gradientNorms);
    if (names.join() !== Object.keys(this.#norms).join()) {
      this.#norms = Object.fromEntries(names.map((name) => [name, new History()]));
      const lines = names.map((name, at) => ({
        options: { name: `layer ${at + 1}`, color: colorOf(at, names.length) },
        history: this.#norms[name],
      }));
      this.#charts.norms.lines(lines);
    }
    for (const [name, norm] of Object.entries(gradientNorms)) this.#norms[name].push(step, norm);
    this.#soon();
  }

  /** The loss and the accuracy of training, without the noise of single batches. */
  get smooth(): { readonly loss: number; readonly accuracy: number } {
    return { loss: this.#loss.at, accuracy: this.#accuracy.at };
  }

  /** At most so often, and not while the page has something else to paint. */
  #soon(): void {
    if (this.#waiting) return;
    this.#waiting = true;
    const wait = Math.max(0, REDRAW_MS - (performance.now() - this.#drawn));
    setTimeout(() => requestAnimationFrame(() => this.draw()), wait);
  }

  draw(): void {
    this.#waiting = false;
    this.#drawn = performance.now();
    for (const chart of Object.values(this.#charts)) chart.draw();
  }

  /** In the colours that the page has now. */
  remake(): void {
    for (const chart of Object.values(this.#charts)) chart.remake();
  }
}

const smoothed = (before: number, value: number): number =>
  Number.isNaN(before) ? value : SMOOTHING * before + (1 - SMOOTHING) * value;

const colorOf = (at: number, count: number): string =>
  LAYER_COLORS[count > 1 ? Math.round((at * (LAYER_COLORS.length - 1)) / (count - 1)) : 0];
