import { spec, type Dtype, type Shape } from '../../src/core/shape.ts';
import {
  embedding,
  gpt,
  translator,
  input,
  linear,
  lora,
  mergedLora,
  multiHeadAttention,
  positions,
  rotary,
  swiglu,
  tied,
  transformerWeights,
  type Module,
  type Value,
} from '../../src/index.ts';
import { Registry } from '../../src/nn/registry.ts';
import { Tracer } from '../../src/nn/tracer.ts';
import type { Case } from '../support/provoke.ts';

const x = (shape: Shape, dtype: Dtype = 'f32'): Value => input('x', spec(shape, dtype));

/** What a layer makes of what it is given. */
const traced = <I>(layer: Module<I>, given: I): unknown =>
  new Tracer(new Registry(1), 'train', null).apply(layer, given);

/** What the ops and layers of transformers refuse. */
export const transformers: readonly Case[] = [
  ['[<layer>] a table of', () => embedding(0, 3)],
  ['[tied] x is', () => traced(tied(embedding(5, 3)), x([2, 4]))],
  ['[<layer>] x is <spec> but must be f32 […, T', () => traced(positions(5, 3), x([2, 4], 'i32'))],
  ['[positions] x is', () => traced(positions(5, 3), x([2, 6, 3]))],
  ['[multiHeadAttention] <n> heads', () => multiHeadAttention(6, 4)],
  ['[multiHeadAttention] <n> heads', () => multiHeadAttention(6, 3, { keyHeads: 2 })],
  ['[<layer>] <name> is <spec> but must be f32 [<n>', () => traced(multiHeadAttention(4, 2), x([3, 4]))],
  [
    '[<layer>] <name> is <spec> but must be f32 [<n>',
    () => traced(multiHeadAttention(4, 2, { memoryWidth: 3 }), { x: x([2, 5, 4]), memory: x([3, 5, 3]) }),
  ],
  ['[lora] rank', () => lora(linear(3, 2), 0, 1)],
  ['[mergedLora] "<name>"', () => mergedLora({ weight: new Float32Array(6), loraA: new Float32Array(3) }, 4)],
  ['[translator] <name> is', () => translator({ vocabulary: 5, layers: 0 })],
  ['[gpt] <name> is', () => gpt({ vocabulary: 5, layers: 0 })],
  ['[transformerWeights] "<name>" is', () => transformerWeights({ 'lm_head.weight': { shape: [1], data: [1] } })],
  ['[transformerWeights] "<name>" has', () => transformerWeights({ 'norm1.weight': { shape: [2], data: [1] } })],
  ['[rotary] x is', () => rotary(x([1, 2, 3]))],
  ['[swiglu] x is', () => swiglu(x([2, 3]))],
];
