import { uPlot } from '../../src/demo/uplot.ts';
import { find, percent } from './page.ts';
import { onSchemeChange } from './sheet.ts';

/** One line of a chart. */
export interface Line {
  readonly label: string;
  /** Of its colour: red, green and blue. */
  readonly token: string;
  /** For what is no loss of this run, but to be compared with. */
  readonly dashed?: boolean;
}

/** Losses from 0 on; losses of several orders of magnitude, in powers of ten; or shares of one, by whole numbers, each a dot. */
type Kind = 'linear' | 'logarithmic' | 'shares';

const FONT = '12px system-ui, sans-serif';
const DASHES = [4, 4];
const AXIS_HEIGHT = 28;
const AXIS_WIDTH = 56;
/** A logarithm has no place for 0, and what is smaller than this is 0 to the eye. */
const LEAST = 1e-6;
/** Down to where an empty chart of powers of ten reaches. */
const LOW = 1e-3;
const DOT = 7;
const MARGIN = 0.02;
/** Rounds that a chart shows at least, and steps between two that are named: there is no half of one. */
const FEWEST = 5;
const WHOLE = [1, 10, 100, 1000, 10_000].flatMap((ten) => [ten, 2 * ten, 5 * ten]);

/** Losses by step, as lines. */
export class LossChart {
  readonly #chart: uPlot;
  readonly #least: number;
  #rows: (number | null)[][];

  /** @param id of the element that it fills */
  constructor(id: string, lines: readonly Line[], kind: Kind = 'linear') {
    const box = find(id, HTMLElement);
    const color = (token: string): string => getComputedStyle(box).getPropertyValue(token).trim();
    this.#least = kind === 'logarithmic' ? LEAST : 0;
    this.#rows = [[], ...lines.map(() => [])];
    const options: uPlot.Options = {
      ...sizeOf(box),
      scales: { x: { time: false, range: kind === 'shares' ? wholeRange : stepRange }, y: heights[kind] },
      axes: axesIn(color, kind),
      series: [{}, ...lines.map((line) => seriesOf(line, color, kind))],
      legend: { show: false },
      cursor: { show: false },
    };
    this.#chart = new uPlot(options, this.#rows as uPlot.AlignedData, box);
    new ResizeObserver(() => this.#chart.setSize(sizeOf(box))).observe(box);
    onSchemeChange(() => this.#chart.redraw());
  }

  clear(): void {
    this.#rows = this.#rows.map(() => []);
    this.paint();
  }

  /** @param losses one for each line; null where it is not known at this step */
  push(step: number, ...losses: readonly (number | null)[]): void {
    this.#rows[0].push(step);
    losses.forEach((loss, at) => this.#rows[at + 1].push(loss === null ? null : Math.max(loss, this.#least)));
  }

  paint(): void {
    this.#chart.setData(this.#rows as uPlot.AlignedData);
  }
}

const sizeOf = ({ clientWidth: width, clientHeight: height }: HTMLElement): { width: number; height: number } => ({
  width,
  height,
});

/** Of what a run has shown; without a run, none that was before it. */
const stepRange = (_: uPlot, first: number | null, last: number | null): [number, number] => [
  first ?? 0,
  last ?? FEWEST,
];

/** Of what was measured, or, where nothing was yet, of what a loss may well be. */
const tenfolds = (_: uPlot, lowest: number | null, highest: number | null): uPlot.Range.MinMax =>
  lowest === null || highest === null ? [LOW, 1] : uPlot.rangeLog(lowest, highest, 10, false);

const heights: Readonly<Record<Kind, uPlot.Scale>> = {
  linear: { range: (_, __, highest) => [0, highest || 1] },
  logarithmic: { distr: 3, range: tenfolds },
  shares: { range: [0, 1] },
};

/** From 0 on, wide enough for one dot to have a place, and with room for those at its ends. */
const wholeRange = (_: uPlot, __: number, last: number): [number, number] => {
  const end = Math.max(last || 0, FEWEST);
  return [-MARGIN * end, (1 + MARGIN) * end];
};

function axesIn(color: (token: string) => string, kind: Kind): uPlot.Axis[] {
  const grid = { stroke: () => color('--line'), width: 1 };
  const axis = { stroke: () => color('--soft'), grid, size: AXIS_HEIGHT, ticks: { show: false }, font: FONT };
  const steps = { ...axis, incrs: WHOLE };
  const upright = { ...axis, size: AXIS_WIDTH };
  if (kind === 'logarithmic') return [steps, { ...upright, grid: { ...grid, filter: powersOfTen }, values: shortly }];
  if (kind === 'shares') return [steps, { ...upright, values: inPercent }];
  return [steps, upright];
}

const seriesOf = (
  { label, token, dashed = false }: Line,
  color: (token: string) => string,
  kind: Kind,
): uPlot.Series => ({
  label,
  stroke: () => `rgb(${color(token)})`,
  width: dashed ? 1 : 2,
  dash: dashed ? DASHES : [],
  points: {
    // A line has two ends: what was measured once is a dot.
    show: ({ data: [steps] }) => !dashed && (kind === 'shares' || steps.length === 1),
    size: DOT,
    fill: () => `rgb(${color(token)})`,
  },
  spanGaps: true,
});

/** A line at each of them is enough. */
const powersOfTen = (_: uPlot, splits: number[]): (number | null)[] =>
  splits.map((split) => (Number.isInteger(Math.round(1e6 * Math.log10(split)) / 1e6) ? split : null));

/** `0.01`, or `1e-4`. */
const shortly = (_: uPlot, splits: (number | null)[]): string[] =>
  splits.map((split) =>
    split === null ? '' : split < 0.01 ? split.toExponential(0) : String(Number(split.toPrecision(1))),
  );

const inPercent = (_: uPlot, splits: number[]): string[] => splits.map((split) => percent(split, 0));
