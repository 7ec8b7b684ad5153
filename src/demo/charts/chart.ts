import { uPlot } from '../uplot.ts';
import type { History } from './history.ts';

export interface LineOptions {
  readonly name: string;
  /** A custom property with red, green and blue. */
  readonly color: string;
  /** 1 if left out. */
  readonly opacity?: number;
  readonly width?: number;
}

export interface ChartOptions {
  readonly title: string;
  /** What the numbers are, for who hears the page. */
  readonly text: string;
  readonly logarithmic?: boolean;
  /** The lowest and the highest number that there can be. */
  readonly range?: readonly [number, number];
  readonly format: (value: number) => string;
}

const HEIGHT = 190;
const FONT = '12px system-ui, sans-serif';

/** Curves by step in one picture, in the colours of the page. */
export class Chart {
  readonly #box = document.createElement('div');
  readonly #options: ChartOptions;
  readonly #says = document.createElement('span');
  #lines: readonly { readonly options: LineOptions; readonly history: History }[] = [];
  #plot: uPlot | undefined;

  constructor(host: HTMLElement, options: ChartOptions) {
    this.#options = options;
    const figure = document.createElement('figure');
    const caption = document.createElement('figcaption');
    this.#says.className = 'spoken';
    caption.append(options.title, this.#says);
    this.#box.className = 'chart';
    this.#box.setAttribute('role', 'img');
    this.#box.setAttribute('aria-label', options.text);
    figure.append(caption, this.#box);
    host.append(figure);
  }

  /** Other curves, in place of those before. */
  lines(lines: readonly { readonly options: LineOptions; readonly history: History }[]): void {
    this.#lines = lines;
    this.remake();
  }

  /** Anew, in the colours that the page has now. */
  remake(): void {
    this.#plot?.destroy();
    this.#plot = new uPlot(this.#optionsOf(), this.#data(), this.#box);
  }

  #optionsOf(): uPlot.Options {
    const { logarithmic = false, range, format } = this.#options;
    const style = getComputedStyle(this.#box);
    const color = (name: string): string => style.getPropertyValue(name).trim();
    const axis = {
      stroke: color('--soft'),
      font: FONT,
      grid: { stroke: color('--line'), width: 1 },
      ticks: { show: false },
    };
    return {
      width: this.#box.clientWidth,
      height: HEIGHT,
      cursor: { y: false, drag: { setScale: false } },
      legend: { live: false, markers: { width: 2 } },
      scales: {
        x: { time: false },
        y: logarithmic ? { distr: 3, clamp: 1e-12 } : range ? { range: [range[0], range[1]] } : { range: fromZero },
      },
      axes: [
        { ...axis, values: (_, splits) => splits.map((step) => (Number.isInteger(step) ? thousands(step) : '')) },
        { ...axis, size: 52, values: (_, splits) => splits.map((value) => (value === null ? '' : format(value))) },
      ],
      series: [
        {},
        ...this.#lines.map(({ options: { name, color: property, opacity = 1, width = 2 } }) => ({
          label: name,
          stroke: `rgb(${color(property)} / ${opacity})`,
          width,
          spanGaps: true,
          points: { show: false },
        })),
      ],
    };
  }

  #data(): uPlot.AlignedData {
    if (this.#lines.length === 0) return [[]];
    const tables = this.#lines.map(({ history: { steps, values } }): uPlot.AlignedData => [[...steps], [...values]]);
    return uPlot.join(tables);
  }

  draw(): void {
    const width = this.#box.clientWidth;
    if (!this.#plot || width === 0) return;
    if (width !== this.#plot.width) this.#plot.setSize({ width, height: HEIGHT });
    this.#plot.setData(this.#data());
    const last = this.#lines.flatMap(({ options: { name }, history: { values } }) => {
      const value = values.at(-1);
      return value === undefined ? [] : [`${name} ${this.#options.format(value)}`];
    });
    this.#says.textContent = last.length > 0 ? `: ${last.join(', ')}` : '';
  }
}

const thousands = (step: number): string => step.toLocaleString('en');

/** A scale from 0 to a little above the highest. */
const fromZero: uPlot.Range.Function = (_, __, highest) => [0, highest > 0 ? 1.05 * highest : 1];
