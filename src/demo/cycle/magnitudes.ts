// How large many numbers are, and how one number is written: what the views of the network share.

/** The mean; 0 of none. */
export function meanOf(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i];
  return values.length > 0 ? sum / values.length : 0;
}

/** The largest magnitude; NaN if there is one, 0 of none. */
export function largestOf(values: ArrayLike<number>): number {
  let largest = 0;
  for (let i = 0; i < values.length; i++) largest = Math.max(largest, Math.abs(values[i]));
  return largest;
}

/** The Euclidean length: the root of the sum of squares. */
export function normOf(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i] * values[i];
  return Math.sqrt(sum);
}

/** Where the largest number is, the first of equals. */
export function largestAt(values: ArrayLike<number>): number {
  let at = 0;
  for (let i = 1; i < values.length; i++) if (values[i] > values[at]) at = i;
  return at;
}

/** Below it, zeros behind the point would be longer than a power of ten. */
const SMALL = 1e-4;

/** With so many significant digits, unless it is whole: `0.12345`, `−1.2345e−7`. */
export function formatNumber(value: number, digits = 5): string {
  const magnitude = Math.abs(value);
  const isWhole = Number.isInteger(value) && magnitude < 10 ** digits;
  const text = isWhole
    ? String(value)
    : magnitude < SMALL
      ? value.toExponential(digits - 1)
      : value.toPrecision(digits);
  return text.replaceAll('-', '−').replace('e+', 'e');
}

const NEARLY_ALL = 0.999;
const NEARLY_NONE = 0.001;

/** A probability for people: `8.7 %`, and no `100 %` that is not one. */
export function formatPercent(share: number): string {
  if (share > NEARLY_ALL && share < 1) return 'more than 99.9 %';
  if (share < NEARLY_NONE && share > 0) return 'less than 0.1 %';
  return `${Number((100 * share).toFixed(share < 0.1 || share > 0.99 ? 1 : 0))} %`;
}

/** The whole powers of ten that enclose all magnitudes above 0: exponents, at least so many apart. */
export function decadesOf(magnitudes: readonly number[], least = 3): readonly [low: number, high: number] {
  const exponents = magnitudes.filter((value) => value > 0 && Number.isFinite(value)).map(Math.log10);
  if (exponents.length === 0) return [-least, 0];
  // Not −0, which Math.ceil makes of what is just below 1.
  const high = Math.ceil(Math.max(...exponents)) + 0;
  return [Math.min(Math.floor(Math.min(...exponents)), high - least), high];
}
