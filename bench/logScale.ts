/** An axis on which equal distances are equal factors, from one power of ten to another. */
export interface LogScale {
  readonly from: number;
  readonly to: number;
}

/** A bar that is shorter than this part of a decade cannot be told from none. */
const LEAST_BAR = 0.25;

/** The whole decades around numbers above 0, with room for the smallest one's bar. */
export function logScale(numbers: readonly number[]): LogScale {
  const exponents = numbers.map(Math.log10);
  const from = Math.floor(Math.min(...exponents) - LEAST_BAR);
  return { from, to: Math.max(Math.ceil(Math.max(...exponents)), from + 1) };
}

/** Where on the axis a number lies: 0 at its beginning, 1 at its end. */
export const placeOn = ({ from, to }: LogScale, x: number): number => (Math.log10(x) - from) / (to - from);

/** A power of ten on an axis of seconds. */
export interface Tick {
  readonly place: number;
  /** Empty where a label would run into the next one. */
  readonly label: string;
}

const units = ['ns', 'µs', 'ms', 's'];
const SMALLEST_UNIT = -9;

/** A power of ten in the unit that people use for it: 10⁻⁵ is 10 µs. */
function labelOf(exponent: number): string {
  const at = Math.min(Math.max(Math.floor((exponent - SMALLEST_UNIT) / 3), 0), units.length - 1);
  return `${Number(`1e${exponent - SMALLEST_UNIT - 3 * at}`)} ${units[at]}`;
}

/** The powers of ten on an axis of seconds. @param most of the labels that fit beside each other */
export function ticksOf(scale: LogScale, most: number): Tick[] {
  const decades = scale.to - scale.from;
  const every = Math.ceil((decades + 1) / most);
  return Array.from({ length: decades + 1 }, (_, i) => ({
    place: i / decades,
    label: i % every === 0 ? labelOf(scale.from + i) : '',
  }));
}
