import { sizeOf } from '../core/shape.ts';
import { tableOf, thousands } from '../core/textFormat.ts';
import { forecastsOf, likeliest, type Dataset, type SeriesForm } from '../data/index.ts';
import { formatPictures, inGrey, picturesPerLine } from './pictures/terminalPictures.ts';
import { percent, type Terminal } from './terminal.ts';

/** What a model said of labelled samples. */
export interface Classified {
  readonly classes: readonly string[];
  readonly labels: ArrayLike<number>;
  /** The likeliest class of each sample. */
  readonly answers: readonly number[];
  /** How sure the model was of it, 0 … 1. */
  readonly certainty: readonly number[];
}

/** More classes than these make a table that nobody reads. */
const MOST_CLASSES = 30;

/** The likeliest class of each row of logits, and its probability. */
export function answersTo(logits: ArrayLike<number>, classes: number): { answers: number[]; certainty: number[] } {
  const answers = likeliest(logits, classes);
  const certainty = answers.map((best, row) => {
    const base = row * classes;
    let total = 0;
    for (let at = 0; at < classes; at++) total += Math.exp(logits[base + at] - logits[base + best]);
    return 1 / total;
  });
  return { answers, certainty };
}

const share = (part: number, whole: number): string => (whole === 0 ? '-' : percent(part / whole, 1));

/** How many samples of each class (rows) are taken for each (columns): `[classes, classes]`. */
export function confusionOf({ classes, labels, answers }: Classified): Uint32Array {
  const counts = new Uint32Array(classes.length ** 2);
  answers.forEach((answer, at) => counts[labels[at] * classes.length + answer]++);
  return counts;
}

/** By class: samples, the share found, the share of its answers that are right, and what it is taken for. */
export function formatClasses(said: Classified): string | null {
  const { classes } = said;
  const n = classes.length;
  if (n > MOST_CLASSES) return null;
  const confusion = confusionOf(said);
  const sum = (count: (at: number) => number): number => classes.reduce((total, _, at) => total + count(at), 0);
  const rows = classes.map((name, label) => {
    const right = confusion[label * n + label];
    const samples = sum((at) => confusion[label * n + at]);
    const answered = sum((at) => confusion[at * n + label]);
    return [name, thousands(samples), share(right, samples), share(right, answered), mistakenFor(label)];
  });
  return tableOf(['class', 'samples', 'recall', 'precision', 'mistaken for'], rows, new Set([1, 2, 3]));

  /** The class that takes most of this one's samples. */
  function mistakenFor(label: number): string {
    let worst = -1;
    for (let at = 0; at < n; at++) {
      if (at !== label && confusion[label * n + at] > (worst < 0 ? 0 : confusion[label * n + worst])) worst = at;
    }
    return worst < 0 ? '' : `${classes[worst]} (${confusion[label * n + worst]})`;
  }
}

/** The images of which the model was surest and wrong, side by side. */
export function formatMistakes({ fields }: Dataset, said: Classified, terminal: Terminal): string | null {
  const { data, shape } = fields['image'];
  const [height, width] = shape;
  const size = sizeOf(shape);
  const wrong = said.answers.map((_, at) => at).filter((at) => said.answers[at] !== said.labels[at]);
  if (wrong.length === 0) return null;
  const worst = wrong.sort((a, b) => said.certainty[b] - said.certainty[a]).slice(0, picturesPerLine(width, terminal));
  const pictures = worst.map((at) => ({
    caption: `${said.classes[said.labels[at]]} read as ${said.classes[said.answers[at]]}`,
    pixels: inGrey(data.subarray(at * size, (at + 1) * size), size / (height * width)),
    height,
    width,
  }));
  return formatPictures(pictures, terminal);
}

/** What a model said of numbers. */
export interface Regressed {
  readonly name: string;
  /** Root of the mean squared error, in the target's unit. */
  readonly rmse: number;
  /** Mean absolute error, in the target's unit. */
  readonly meanAbsoluteError: number;
  /** The share of the variance that is told: 1 − Σ(t − y)² / Σ(t − mean t)²; null where the targets do not vary. */
  readonly r2: number | null;
  /** The mean of the errors as shares of the targets, without signs; null where a target is 0. */
  readonly percentage: number | null;
}

/** What a series says if its last season before each window repeats itself, in the target's own unit. */
export function repeatedOf({ fields, length }: Dataset, series: SeriesForm, season: number): number[] {
  const { columns, target, horizon } = series;
  const place = columns.findIndex(({ name }) => name === target);
  const repeated = Array.from({ length: length * horizon }, (_, at) => {
    const [window, step] = [Math.floor(at / horizon), at % horizon];
    const seen = series.length - season + (step % season);
    return fields['x'].data[(window * series.length + seen) * columns.length + place];
  });
  return forecastsOf(series, repeated);
}

/** Errors of answers, both in the target's unit. */
export function judgeNumbers(name: string, answers: readonly number[], targets: readonly number[]): Regressed {
  const n = targets.length;
  const mean = targets.reduce((sum, target) => sum + target, 0) / n;
  let [squares, absolutes, shares, variance] = [0, 0, 0, 0];
  targets.forEach((target, at) => {
    squares += (answers[at] - target) ** 2;
    absolutes += Math.abs(answers[at] - target);
    shares += Math.abs((answers[at] - target) / target);
    variance += (target - mean) ** 2;
  });
  return {
    name,
    rmse: Math.sqrt(squares / n),
    meanAbsoluteError: absolutes / n,
    r2: variance > 0 ? 1 - squares / variance : null,
    percentage: targets.includes(0) ? null : shares / n,
  };
}
