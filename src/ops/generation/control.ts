import { spec, type Numbers } from '../../core/shape.ts';
import type { State } from '../../graph/graph.ts';
import { controlWords, POSITION, STEP } from '../training/control.ts';

/**
 * The words by which a generation counts, on the GPU from the start. The first ones are those of training's control, so
 * that a model draws from both alike: the step is the place of the token that is read, in the text from its first token on, the
 * position its place in the context. Then: how many tokens of the text are known, how many a context has at most, 0 for any
 * number; and how the next token is drawn.
 */
const FIRST = controlWords(0).length;
export const KNOWN = FIRST;
export const CONTEXT = FIRST + 1;
/** 1 / temperature, the bits of an f32. */
export const INVERSE_TEMPERATURE = FIRST + 2;
/** How many of the likeliest classes may be drawn; 0 for all. */
export const TOP_K = FIRST + 3;
/** What the likeliest classes must have together, in units of 2⁻³²; 0 for all. */
export const TOP_P = FIRST + 4;
const WORDS = FIRST + 5;

/** A temperature below this one has a reciprocal that f32 does not hold: the likeliest is sure. */
const SUREST = 1e-30;

/** How tokens are drawn. */
export interface Sampling {
  /** By which the logits are divided; 0 takes the likeliest. */
  readonly temperature: number;
  readonly topK: number | undefined;
  readonly topP: number | undefined;
  readonly seed: number;
}

/** A text of so many known tokens, of which none is read. */
export function generationWords(known: number, context: number, sampling: Sampling): Uint32Array {
  const { temperature, topK = 0, topP = 1, seed } = sampling;
  const isSure = temperature < SUREST;
  const words = new Uint32Array(WORDS);
  words.set(controlWords(seed));
  words[KNOWN] = known;
  words[CONTEXT] = context;
  new Float32Array(words.buffer)[INVERSE_TEMPERATURE] = isSure ? 1 : 1 / temperature;
  words[TOP_K] = isSure ? 1 : topK;
  words[TOP_P] = topP < 1 ? Math.max(1, Math.floor(topP * 2 ** 32)) : 0;
  return words;
}

export const generationControl = (): State => ({
  name: 'generation control',
  spec: spec([WORDS], 'u32'),
  initial: () => new Uint32Array(WORDS),
});

/** Whether the token that is read is the last one that is known, so that the next is drawn. */
export const drawsNext = (control: Numbers): boolean => control[STEP] + 1 === control[KNOWN];

/** Counts on behind a token; a context that is full begins anew, with its last half. */
export function countOn(control: Numbers): void {
  if (drawsNext(control)) control[KNOWN]++;
  control[STEP]++;
  control[POSITION]++;
  if (control[CONTEXT] === 0 || control[POSITION] < control[CONTEXT]) return;
  control[POSITION] = 0;
  control[STEP] = control[KNOWN] - Math.max(1, control[CONTEXT] >>> 1);
}
