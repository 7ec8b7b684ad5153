/* The logistic function and SiLU, as references. */

export const logistic = (x: number): number => 1 / (1 + Math.exp(-x));

/** An x past which the tails are 0, in place of −∞ or ∞, whose product with a 0 would be NaN. */
export const bounded = (x: number): number => Math.min(Math.max(x, -1e3), 1e3);

export const siluOf = (x: number): number => (x < 0 ? bounded(x) : x) * logistic(x);

export const siluSlope = (x: number): number => logistic(x) * (1 + bounded(x) * logistic(-x));

/** The slope is a difference that may cancel: the sum of its terms' sizes. */
export const siluSlopeTerms = (x: number): number => logistic(x) * (1 + Math.abs(bounded(x)) * logistic(-x));
