/** Mean and deviation of a column. */
export interface Statistics {
  readonly mean: number;
  /** Over N, not N − 1; exactly 0 if all numbers are equal. */
  readonly deviation: number;
}

/** Of the numbers that are not NaN; a mean of NaN where there is none. */
export function meanAndDeviation(numbers: readonly number[]): Statistics {
  const present = numbers.filter((number) => !Number.isNaN(number));
  const mean = present.reduce((total, number) => total + number, 0) / present.length;
  // Rounding of the mean would make a constant column look as if it had a deviation.
  if (present.every((number) => number === present[0])) return { mean: present[0] ?? NaN, deviation: 0 };
  const squares = present.reduce((total, number) => total + (number - mean) ** 2, 0);
  return { mean, deviation: Math.sqrt(squares / present.length) };
}
