import { output, type Word } from '../../core/launch.ts';
import { THREAD_ROOM, type WasmLaunch, type WasmWork } from '../../core/wasmLaunch.ts';
import type { Node } from '../../graph/graph.ts';
import { COLUMNS, grainOf, panelsOf } from '../products/wasmProduct.ts';
import {
  BACKWARD_INPUTS,
  FORWARD_INPUTS,
  optionalOf,
  type Attrs,
  type GradAttrs,
  type Place,
  type Places,
} from './attentionNode.ts';
import { thresholdOf } from './attentionReference.ts';

/* Attention and its way back in WebAssembly: see assembly/attention.ts. */

/** As assembly/attention.ts has them. */
const QUERIES = 32;
const KEYS = 64;

/** Bytes for squares of scores, and what is needed by query. */
const SCORES = 4 * 4 * QUERIES * KEYS;

/** Whether a thread has room for so many rows of a head's channels. */
const fits = (D: number, rows: number): boolean => 4 * panelsOf(D) * COLUMNS * rows + SCORES <= THREAD_ROOM;

const wordsOf = ({ first, stride }: Place): Word[] => [first, stride];

/** What both kernels are told. @param to where slopes go */
function wordsOfNode({ inputs, attrs }: Node<Attrs>, to: Places, behind: number): Word[] {
  const { extents, from, left, right, scale, mask, dropout } = attrs;
  const { T, S, H, keyHeads, D } = extents;
  const given = optionalOf(inputs, attrs, behind);
  const bytes = [given.lengths, given.mask].map((value) => (value?.spec.dtype === 'u8' ? 1 : 4));
  return [
    T,
    S,
    H,
    H / keyHeads,
    D,
    left,
    right,
    { f32: scale },
    ...bytes,
    ...(mask ?? [0, 0, 0]),
    ...(dropout ? [thresholdOf(dropout.rate), dropout.stream, dropout.partCount] : [0, 0, 0]),
    { f32: dropout ? 1 / (1 - dropout.rate) : 1 },
    ...[from.q, from.k, from.v, to.q, to.k, to.v].flatMap(wordsOf),
  ];
}

/** Lengths, mask and control, as far as they are given. */
function optionalInputs(attrs: Attrs, behind: number): WasmLaunch['operands'] {
  const count = Number(attrs.lengths) + Number(attrs.mask !== null) + Number(attrs.dropout !== null);
  const at = Array.from({ length: behind + count }, (_, input) => input);
  const { lengths, mask, control } = optionalOf(at, attrs, behind);
  return [lengths, mask, control].map((input) => input ?? 'nothing');
}

/** Keys that a query sees at most. */
const seenBy = ({ extents: { S }, left, right }: Attrs): number => Math.min(S, left + right + 1);

export function forwardWork(node: Node<Attrs>): WasmWork | undefined {
  const { attrs } = node;
  const { N, T, H, D } = attrs.extents;
  if (!fits(D, 2 * QUERIES + KEYS)) return undefined;
  return {
    launches: [
      {
        kernel: 'attentionForward',
        operands: [
          0,
          1,
          2,
          output(0),
          output(1),
          'nothing',
          ...optionalInputs(attrs, FORWARD_INPUTS),
          'nothing',
          'nothing',
        ],
        words: wordsOfNode(node, attrs.from, FORWARD_INPUTS),
        items: N * H * Math.ceil(T / QUERIES),
        grain: grainOf(2 * Math.min(T, QUERIES) * seenBy(attrs) * D),
      },
    ],
  };
}

export function backwardWork(node: Node<GradAttrs>): WasmWork | undefined {
  const { attrs } = node;
  const { N, T, H, keyHeads, D } = attrs.extents;
  if (!fits(D, 4 * QUERIES + 5 * KEYS)) return undefined;
  return {
    launches: [
      {
        kernel: 'attentionBackward',
        operands: [0, 1, 2, 3, 4, 5, ...optionalInputs(attrs, BACKWARD_INPUTS), output(0), output(1)],
        words: wordsOfNode(node, attrs.to, BACKWARD_INPUTS),
        items: N * keyHeads,
        grain: grainOf((5 * T * H * seenBy(attrs) * D) / keyHeads),
      },
    ],
  };
}
