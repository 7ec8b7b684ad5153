import { ShapeError } from '../../core/errors.ts';
import type { AdapterTraits } from '../../core/launch.ts';
import { hashName, philox } from '../../core/random.ts';
import { formatSpec, requireDtype, sizeOf, type Numbers } from '../../core/shape.ts';
import { apply, type Op, type State, type Value } from '../../graph/graph.ts';
import { read } from '../../graph/leaf.ts';
import { bytesOf, elementsOf } from '../../graph/work.ts';
import { keyOf } from '../training/control.ts';
import { countOn, drawsNext, INVERSE_TEMPERATURE, KNOWN, TOP_K, TOP_P } from './control.ts';
import exponentialText from '../../../shaders/functions/exponential.wgsl?raw';
import nanText from '../../../shaders/functions/nan.wgsl?raw';
import philoxText from '../../../shaders/functions/philox.wgsl?raw';
import sampleTokenKernel from '../../../shaders/generation/sampleToken.wgsl?raw';

/*
 * A class is drawn by where a number by chance lies in the sum of all weights, which are whole numbers: so sums are the same
 * in any order, and the same on every adapter, as far as exponentials are.
 */

/** What stands for a token where the logits are none of which one could be drawn: NaN, ∞, or −∞ in all of them. */
export const NO_TOKEN = 0xffffffff;

/** A weight of the likeliest class. */
const UNIT = 2 ** 30;
/** Classes whose weights add up within the words that the kernel has for them. */
const MOST_CLASSES = 2 ** 17 - 1;

const STREAM = hashName('generated token');

/** a · share / 2³², as whole numbers. */
const shareOf = (a: number, share: number): number => Number((BigInt(a) * BigInt(share)) >> 32n);

/** Of the likeliest classes the fewest whose weights are so much together; a share of 0 of it is the likeliest one. */
function fewest(likeliest: readonly number[], weights: ArrayLike<number>, wanted: number): number[] {
  let sum = 0;
  const last = likeliest.findIndex((i) => (sum += weights[i]) >= Math.max(1, wanted));
  return likeliest.slice(0, last + 1);
}

/** The class that is drawn for a place of the text, by the control's words. */
function drawn(logits: Numbers, control: Numbers): number {
  let highest = -Infinity;
  for (const x of logits) if (x > highest || Number.isNaN(x)) highest = x;
  if (!Number.isFinite(highest)) return NO_TOKEN;
  const [topK, topP] = [control[TOP_K], control[TOP_P]];
  if (topK === 1) return logits.indexOf(highest);
  const inverse = new Float32Array(Uint32Array.of(control[INVERSE_TEMPERATURE]).buffer)[0];
  const weights = logits.map((x) => Math.floor(Math.exp((x - highest) * inverse) * UNIT));
  const total = (classes: readonly number[]): number => classes.reduce((sum, i) => sum + weights[i], 0);
  let classes = Array.from(logits.keys());
  if (topK > 0 || topP > 0) classes.sort((a, b) => logits[b] - logits[a] || a - b);
  if (topK > 0) classes = classes.slice(0, topK);
  if (topP > 0) classes = fewest(classes, weights, shareOf(total(classes), topP));
  const [chance] = philox([control[KNOWN], 0, STREAM, 0], keyOf(control));
  let left = shareOf(total(classes), chance);
  return classes.sort((a, b) => a - b).find((i) => (left -= weights[i]) < 0)!;
}

const sampleTokenOp: Op<null, 'u32'> = {
  name: 'sampleToken',
  effect: true,
  inPlace: [0, 1],
  infer([control, tokens, logits]) {
    requireDtype('sampleToken', 'the logits', logits, 'f32');
    const classes = sizeOf(logits.shape);
    if (classes !== logits.shape.at(-1) || classes > MOST_CLASSES) {
      throw new ShapeError(
        `[generate] the model gives ${formatSpec(logits)} for one token but must give one row of logits, [1, 1, V] or [1, V], of 1 … ${MOST_CLASSES} classes: its input are tokens, [N, T]`,
      );
    }
    return [
      { shape: control.shape, dtype: 'u32' },
      { shape: tokens.shape, dtype: 'u32' },
    ];
  },
  cpu([control, tokens, logits], [nextControl, nextTokens]) {
    if (nextTokens !== tokens) nextTokens.set(tokens);
    if (drawsNext(control)) nextTokens[control[KNOWN] % tokens.length] = drawn(logits, control);
    if (nextControl !== control) nextControl.set(control);
    countOn(nextControl);
  },
  gpu({ inputs: [, tokens, logits] }, adapter) {
    return [
      {
        kernel: {
          name: 'sampleToken',
          source: sampleTokenKernel,
          constants: { WIDTH: `${widthOn(adapter)}u` },
          functions: { philox: '', multiply_high: '', exponential: '' },
          includes: [nanText, exponentialText, philoxText],
        },
        uniform: [sizeOf(logits.spec.shape), tokens.spec.shape[0], STREAM],
        grid: [1, 1, 1],
      },
    ];
  },
  flops: ({ inputs: [, , logits] }) => 4 * elementsOf([logits]),
  bytes: ({ inputs: [control, , logits] }) => bytesOf([control, control, logits]) + 4,
};

/** Where a CPU plays the GPU, the lanes of one vector, which need not wait for each other. */
const widthOn = ({ software, maxComputeInvocationsPerWorkgroup: most }: AdapterTraits): number =>
  software ? 8 : Math.min(256, most);

/**
 * Draws the next token where the last known one was read, and counts on.
 * @param control of `generationControl`   @param tokens u32, a ring of the text's last tokens
 * @param logits f32, V in all, of `[…, V]`   @returns what both states are to hold
 */
export function sampleToken(control: State, tokens: State, logits: Value): readonly (readonly [State, Value])[] {
  const [nextControl, nextTokens] = apply(sampleTokenOp, [read(control), read(tokens), logits], null);
  return [
    [control, nextControl],
    [tokens, nextTokens],
  ];
}
