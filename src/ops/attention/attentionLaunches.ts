import { flatGrid, output, type AdapterTraits, type Launch, type Word } from '../../core/launch.ts';
import type { Node } from '../../graph/graph.ts';
import { guarded } from '../pointwise/nanSafeFunctions.ts';
import { LANES } from '../products/subgroupLanes.ts';
import attentionText from '../../../shaders/attention/attention.wgsl?raw';
import lanesText from '../../../shaders/attention/lanes.wgsl?raw';
import lanesGradText from '../../../shaders/attention/lanesGrad.wgsl?raw';
import rowsText from '../../../shaders/attention/rows.wgsl?raw';
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

/** Own rows of a lane; see shaders/attention/lanes.wgsl. */
const OWN = 2;
const TILE = LANES * OWN;

const wordsOf = ({ first, stride }: Place): Word[] => [first, stride];

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
  ];
}

export function forwardLaunches(node: Node<Attrs>, adapter: AdapterTraits): Launch[] {
  const { attrs } = node;
  const { N, T, H } = attrs.extents;
  const access = accessTo(['q', 'k', 'v', 'y'], 'y', isWhole(attrs, attrs.from));
  const own = optionalIn(node, FORWARD_INPUTS);
  const others = (['k', 'v'] as const).map((operand) => ({
    name: `eight_of_${operand}`,
    parameters: 'first: u32, at: u32, left: u32',
    load: `${operand}_four(at + min(first + lane, sizes.keys - 1u) * sizes.${operand}.stride, left)`,
  }));
  const lanes = handed(adapter, others);
  const tiles = Math.ceil(T / TILE);
  const kernel = guarded(node.op.name, `${attentionText}\n${lanesText}`);
  return [
    {
      kernel: {
        ...kernel,
        functions: { ...kernel.functions, ...access.functions, ...own.functions, ...lanes.functions },
        constants: access.constants,
        includes: [...(kernel.includes ?? []), ...own.includes],
        enables: lanes.enables,
        reads: own.reads,
      },
      bindings: [0, 1, 2, output(0), output(1), ...own.bindings],
      uniform: uniformOf(attrs, attrs.from, tiles, H),
      grid: flatGrid(N * H * tiles, 1),
    },
  ];
}

export function backwardLaunches(node: Node<GradAttrs>, adapter: AdapterTraits): Launch[] {
  const { attrs } = node;
  const { N, T, H, D } = attrs.extents;
  const whole = D % 4 === 0;
  const access = accessTo(['y', 'dy'], undefined, whole);
  const rows: Launch = {
    kernel: { name: `${node.op.name} rows`, source: rowsText, ...access },
    bindings: [3, 4, 5, output(1)],
    uniform: [N * H * T, T, H, D],
    grid: flatGrid(N * H * T),
  };
  return [rows, slopesLaunch(node, adapter, false), slopesLaunch(node, adapter, true)];
}

function slopesLaunch(node: Node<GradAttrs>, adapter: AdapterTraits, ofKeys: boolean): Launch {
  const { attrs } = node;
  const { N, T, S, H, keyHeads } = attrs.extents;
  const access = accessTo(['q', 'k', 'v', 'dy', 'slopes'], 'slopes', isWhole(attrs, attrs.from, attrs.to));
  const own = optionalIn(node, BACKWARD_INPUTS);
  const others = ['first', 'second'].map((which) => ({
    name: `eight_${which}`,
    parameters: 'at: u32, stride: u32, first: u32, last: u32, left: u32',
    load: `${which}_other(at + min(first + lane, last) * stride, left)`,
  }));
  const parameters = 'at: u32, first: u32, last: u32';
  const ofRows = { name: 'eight_rows', parameters, load: 'rows[at + min(first + lane, last)]', type: 'vec2f' };
  const lanes = handed(adapter, [...others, ofRows]);
  const tiles = Math.ceil((ofKeys ? S : T) / TILE);
  const heads = ofKeys ? keyHeads : H;
  return {
    kernel: {
      name: `${node.op.name} ${ofKeys ? 'keys' : 'queries'}`,
      source: `${attentionText}\n${lanesGradText}`,
      functions: { ...access.functions, ...own.functions, ...lanes.functions },
      constants: { ...access.constants, OF_KEYS: String(ofKeys) },
      includes: own.includes,
      enables: lanes.enables,
      reads: own.reads,
    },
    bindings: [0, 1, 2, 5, output(1), output(0), ...own.bindings],
    uniform: uniformOf(attrs, attrs.to, tiles, heads),
    grid: flatGrid(N * heads * tiles, 1),
  };
}
