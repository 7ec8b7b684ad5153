import { flatGrid, output, type AdapterTraits, type Launch, type Word } from '../../core/launch.ts';
import type { Node } from '../../graph/graph.ts';
import { guarded } from '../pointwise/nanSafeFunctions.ts';
import rowsText from '../../../shaders/attention/rows.wgsl?raw';
import { formOf } from './attentionForms.ts';
import {
  BACKWARD_INPUTS,
  FORWARD_INPUTS,
  type Attrs,
  type GradAttrs,
  type Place,
  type Places,
} from './attentionNode.ts';
import { thresholdOf } from './attentionReference.ts';
import { accessTo, handed, isWhole, optionalIn } from './attentionTexts.ts';

const wordsOf = ({ first, stride }: Place): Word[] => [first, stride, 0, 0];

/** The words of the uniform, for so many tiles of each head. */
function uniformOf(attrs: Attrs, to: Places, tiles: number, heads: number): Word[] {
  const { extents, from, left, right, scale, mask, dropout } = attrs;
  const { N, T, S, H, keyHeads, D } = extents;
  return [
    T,
    S,
    H,
    H / keyHeads,
    D,
    left,
    right,
    tiles,
    N * heads * tiles,
    ...[scale, scale * Math.LOG2E, -Infinity].map((f32) => ({ f32 })),
    ...[from.q, from.k, from.v, to.q, to.k, to.v].flatMap(wordsOf),
    ...(mask ?? [0, 0, 0]),
    ...(dropout ? [dropout.stream, thresholdOf(dropout.rate)] : [0, 0]),
    { f32: dropout ? 1 / (1 - dropout.rate) : 1 },
    dropout?.partCount ?? 0,
    1,
  ];
}

/** Of several functions, those that a text declares. */
const declaredIn = (source: string, functions: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(functions).filter(([name]) => source.includes(`fn ${name}(`)));

const ofKeysAndValues = (['k', 'v'] as const).map((operand) => ({
  name: `eight_of_${operand}`,
  parameters: 'first: u32, at: u32, left: u32',
  load: `${operand}_four(at + min(first + lane, sizes.keys - 1u) * sizes.${operand}.stride, left)`,
}));

export function forwardLaunches(node: Node<Attrs>, adapter: AdapterTraits, name?: string): Launch[] {
  const { attrs } = node;
  const { N, T, H } = attrs.extents;
  const form = formOf(node, adapter, name);
  const access = accessTo(['q', 'k', 'v', 'y'], 'y', isWhole(attrs, attrs.from));
  const own = optionalIn(node, FORWARD_INPUTS);
  const lanes = handed(adapter, ofKeysAndValues);
  const kernel = guarded(node.op.name, form.forward);
  const functions = declaredIn(form.forward, { ...access.functions, ...own.functions, ...lanes.functions });
  const tiles = Math.ceil(T / form.rows);
  return [
    {
      kernel: {
        ...kernel,
        functions: { ...kernel.functions, ...functions },
        constants: { ...form.constants, ...access.constants },
        includes: [...(kernel.includes ?? []), ...own.includes],
        enables: form.handsOver ? lanes.enables : [],
        reads: own.reads,
      },
      bindings: [0, 1, 2, output(0), output(1), ...own.bindings],
      uniform: uniformOf(attrs, attrs.from, tiles, H),
      grid: flatGrid(N * H * tiles, 1),
    },
  ];
}

export function backwardLaunches(node: Node<GradAttrs>, adapter: AdapterTraits, name?: string): Launch[] {
  const { N, T, H, D } = node.attrs.extents;
  const rows: Launch = {
    kernel: { name: `${node.op.name} rows`, source: rowsText, ...accessTo(['y', 'dy'], undefined, D % 4 === 0) },
    bindings: [3, 4, 5, output(1)],
    uniform: [N * H * T, T, H, D],
    grid: flatGrid(N * H * T),
  };
  return [rows, ...[false, true].map((ofKeys) => slopesLaunch(node, adapter, ofKeys, name))];
}

const ofOthers = [
  ...['first', 'second'].map((which) => ({
    name: `eight_${which}`,
    parameters: 'at: u32, stride: u32, first: u32, last: u32, left: u32',
    load: `${which}_other(at + min(first + lane, last) * stride, left)`,
  })),
  {
    name: 'eight_rows',
    parameters: 'at: u32, first: u32, last: u32',
    load: 'rows[at + min(first + lane, last)]',
    type: 'vec2f',
  },
];

/** The slopes of q, or of k and v. */
function slopesLaunch(node: Node<GradAttrs>, adapter: AdapterTraits, ofKeys: boolean, name?: string): Launch {
  const { attrs } = node;
  const { N, T, S, H, keyHeads } = attrs.extents;
  const form = formOf(node, adapter, name);
  const access = accessTo(['q', 'k', 'v', 'dy', 'slopes'], 'slopes', isWhole(attrs, attrs.from, attrs.to));
  const own = optionalIn(node, BACKWARD_INPUTS);
  const lanes = handed(adapter, ofOthers);
  const tiles = Math.ceil((ofKeys ? S : T) / form.rows);
  const heads = ofKeys ? keyHeads : H;
  return {
    kernel: {
      name: `${node.op.name} ${ofKeys ? 'keys' : 'queries'}`,
      source: form.backward,
      functions: declaredIn(form.backward, { ...access.functions, ...own.functions, ...lanes.functions }),
      constants: { ...form.constants, ...access.constants, OF_KEYS: String(ofKeys) },
      includes: own.includes,
      enables: form.handsOver ? lanes.enables : [],
      reads: own.reads,
    },
    bindings: [0, 1, 2, 5, output(1), output(0), ...own.bindings],
    uniform: uniformOf(attrs, attrs.to, tiles, heads),
    grid: flatGrid(N * heads * tiles, 1),
  };
}
