import { uPlot } from '../uplot.ts';
import { element } from './elements.ts';

/** A line of a plot. */
export interface Line {
  readonly label: string;
  /** Of the style sheet: `--one`. */
  readonly color: string;
  readonly dash?: readonly number[];
}

export interface PlotOptions {
  /** What a reader who does not see it should know. */
  readonly label: string;
  readonly lines: readonly Line[];
  readonly height: number;
  readonly x: readonly [number, number];
  readonly y: readonly [number, number];
  readonly logarithmic?: boolean;
  readonly xLabel?: string;
}

const FONT = '12px system-ui, sans-serif';

const TICK_ROOM = { below: 26, left: 44 } as const;
const LABEL_ROOM = 18;

type Color = (name: string) => string;

/** Both axes. Colours are functions: a plot asks for them each time that it is drawn. */
function axesOf({ xLabel, y, logarithmic }: PlotOptions, color: Color): uPlot.Axis[] {
  const axis: uPlot.Axis = {
    stroke: () => color('--soft'),
    grid: { stroke: () => color('--line'), width: 1 },
    ticks: { show: false },
    font: FONT,
    labelFont: FONT,
    labelSize: LABEL_ROOM,
  };
  return [
    { ...axis, size: TICK_ROOM.below, ...(xLabel !== undefined && { label: xLabel }) },
    { ...axis, size: TICK_ROOM.left, ...(logarithmic && { splits: () => powersWithin(y) }) },
  ];
}

const seriesOf = ({ label, color: name, dash }: Line, color: Color): uPlot.Series => ({
  label,
  stroke: () => color(name),
  width: 2,
  points: { show: false },
  ...(dash && { dash: [...dash] }),
});

/** Lines over a range, in the colours of the scheme that is on. */
export class Plot {
  readonly element: HTMLElement;
  readonly #plot: uPlot;

  constructor(options: PlotOptions) {
    const { label, lines, height, x, y, logarithmic = false } = options;
    this.element = element('div', { class: 'plot', role: 'img', 'aria-label': label });
    const color = (name: string): string => {
      const value = getComputedStyle(this.element).getPropertyValue(name).trim();
      return /^\d/.test(value) ? `rgb(${value})` : value;
    };
    const scales = {
      x: { time: false, range: [...x] as uPlot.Range.MinMax },
      y: { range: [...y] as uPlot.Range.MinMax, ...(logarithmic && { distr: 3 as const }) },
    };
    const shown = { cursor: { show: false }, legend: { show: false }, axes: axesOf(options, color) };
    const series = [{}, ...lines.map((line) => seriesOf(line, color))];
    this.#plot = new uPlot({ width: 1, height, scales, series, ...shown }, [[], ...lines.map(() => [])], this.element);
    const resized = new ResizeObserver(([entry]) => {
      const width = Math.floor(entry.contentRect.width);
      if (width > 0) this.#plot.setSize({ width, height });
    });
    resized.observe(this.element);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.#plot.redraw(false, true));
  }

  /** @param x places   @param lines a list of values for each line; null where there is none */
  show(x: readonly number[], lines: readonly (readonly (number | null)[])[]): void {
    this.#plot.setData([[...x], ...lines.map((line) => [...line])]);
  }
}

/** The powers of ten in a range: a logarithmic axis has a line at each. */
function powersWithin([low, high]: readonly [number, number]): number[] {
  const first = Math.ceil(Math.log10(low));
  return Array.from({ length: Math.floor(Math.log10(high)) - first + 1 }, (_, i) => 10 ** (first + i));
}
