/** A share of 0 … 1 as `97 %`. Only a whole is 100 %. */
export const wholePercent = (share: number): string => `${share < 1 ? Math.min(99, Math.round(100 * share)) : 100} %`;
