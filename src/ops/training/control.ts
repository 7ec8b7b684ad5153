import { seedKey, type Words2 } from '../../core/random.ts';
import { spec, type Numbers } from '../../core/shape.ts';
import type { State } from '../../graph/graph.ts';

/**
 * The words of the state that a program counts by, on the GPU from the start: the step, the part of the step (of a
 * batch that is taken in several), the two words of the seed, and where the step's first sample is in the endless stream.
 */
export const STEP = 0;
export const PART = 1;
export const SEED = 2;
export const EPOCH = 4;
export const POSITION = 5;
const WORDS = 6;

/** What a state of control holds. */
export const controlWords = (seed: number): Uint32Array => Uint32Array.of(0, 0, ...seedKey(seed), 0, 0);

export const controlState = (name: string, seed: number): State => ({
  name,
  spec: spec([WORDS], 'u32'),
  initial: () => controlWords(seed),
});

/** The seed's words, as the references read them. */
export const keyOf = (control: Numbers): Words2 => [control[SEED], control[SEED + 1]];
