/* A pair of tokens as one number, for maps. */

const TOKENS = 2 ** 26;

export const pairKey = (a: number, b: number): number => a * TOKENS + b;

export const pairOf = (key: number): readonly [number, number] => [Math.floor(key / TOKENS), key % TOKENS];
