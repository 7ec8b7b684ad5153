import type { AdapterTraits, Kernel } from '../../core/launch.ts';
import type { Node, Value } from '../../graph/graph.ts';
import { integerReader } from '../data/integerReader.ts';
import { hasLanes, heldByLanes, LANES, laneOf } from '../products/subgroupLanes.ts';
import { randomWords } from '../random/random.ts';
import { optionalOf, type Attrs, type Places } from './attentionNode.ts';
import { DRAWS } from './attentionReference.ts';

/* The functions by which attention's kernels read and store what differs from node to node. */

type Linked = Required<Pick<Kernel, 'functions' | 'constants'>>;

/** Whether channels can be read by fours, wherever the operands lie. */
export const isWhole = ({ extents: { D } }: Attrs, ...places: readonly Places[]): boolean =>
  D % 4 === 0 && places.flatMap(({ q, k, v }) => [q, k, v]).every(({ first, stride }) => (first | stride) % 4 === 0);

/** Reads and stores by fours, or, where lines are no whole vectors, one by one. */
export function accessTo(reads: readonly string[], stored: string | undefined, whole: boolean): Linked {
  if (whole) return { functions: {}, constants: {} };
  return {
    functions: {
      ...Object.fromEntries(reads.map((name) => [`${name}_four`, singly(name)])),
      ...(stored && { [`store_${stored}`]: storedSingly(stored) }),
    },
    constants: { Element: 'f32' },
  };
}

function singly(name: string): string {
  const rest = [1, 2, 3].map((i) => `select(0.0, ${name}[at + ${i}u], left > ${i}u)`);
  return `fn ${name}_four(at: u32, left: u32) -> vec4f {\n  return vec4f(${[`${name}[at]`, ...rest].join(', ')});\n}`;
}

const storedSingly = (name: string): string => `fn store_${name}(at: u32, left: u32, value: vec4f) {
  var rest = value;
  for (var i = 0u; i < 0x7fffffffu; i++) {
    if (i >= min(left, 4u)) { break; }
    ${name}[at + i] = rest.x;
    rest = rest.yzww;
  }
}`;

const four = (each: (i: number) => string): string => [0, 1, 2, 3].map(each).join(', ');

const lengthText = ({ spec: { dtype } }: Value): string => `${integerReader('stored_length', 'lengths', dtype, 'u32')}

fn length_of(n: u32) -> u32 {
  return min(stored_length(n), sizes.keys);
}`;

/** A loop, so that there is one load in the text. What is past the last query, or key, no one sees. */
const maskLoop = (name: string, along: 't' | 'key', extent: string): string =>
  `fn ${name}(n: u32, h: u32, t: u32, key: u32, count: u32) -> u32 {
  let line = n * sizes.mask_sample + h * sizes.mask_head;
  let end = min(${along} + count, sizes.${extent});
  var bits = 0u;
  for (var i = 0u; i < 0x7fffffffu; i++) {
    if (${along} + i >= end) { break; }
    let query = min(t${along === 't' ? ' + i' : ''}, sizes.queries - 1u);
    let is_set = mask_at(line + query * sizes.mask_query + min(key${along === 'key' ? ' + i' : ''}, sizes.keys - 1u)) != 0u;
    bits |= select(0u, 1u << i, is_set);
  }
  return bits;
}`;

const maskTexts = ({ spec: { dtype } }: Value): Record<string, string> => ({
  unmasked: `${integerReader('mask_at', 'mask', dtype, 'u32')}\n\n${maskLoop('unmasked', 'key', 'keys')}`,
  unmasked_for: maskLoop('unmasked_for', 't', 'queries'),
});

const dropoutTexts: Readonly<Record<string, string>> = {
  kept_of: `${randomWords.functions.random_words}

fn drawn(row: u32, key: u32) -> vec4u {
  let counter = vec4u(control[1] * sizes.part_count + row, control[0], sizes.stream, ${DRAWS}u + ((key / 4u) << 8u));
  return random_words(counter, vec2u(control[2], control[3])) >> vec4u(8u);
}

fn kept_of(row: u32, key: u32) -> vec4f {
  return select(vec4f(), vec4f(sizes.kept), drawn(row, key) >= vec4u(sizes.threshold));
}`,
  kept_for: `fn kept_for(row: u32, key: u32) -> vec4f {
  let words = vec4u(${four((i) => `drawn(row + ${i}u, key)[key % 4u]`)});
  return select(vec4f(), vec4f(sizes.kept), words >= vec4u(sizes.threshold));
}`,
};

/** What lengths, a mask and dropout put into a kernel, and which inputs they are. */
export function optionalIn(node: Node<Attrs>, behind: number) {
  const { lengths, mask, control } = optionalOf(node.inputs, node.attrs, behind);
  const reads = {
    ...(lengths && { lengths: 'u32' }),
    ...(mask && { mask: 'u32' }),
    ...(control && { control: 'u32' }),
  };
  return {
    functions: {
      ...(lengths && { length_of: lengthText(lengths) }),
      ...(mask && maskTexts(mask)),
      ...(control && dropoutTexts),
    } as Record<string, string>,
    reads: reads as Record<string, string>,
    includes: control ? randomWords.includes : [],
    bindings: Object.keys(reads).map((_, at) => behind + at),
  };
}

/** Functions by which each lane loads one of eight and takes the others, if lanes can hand each other what they have. */
export function handed(
  adapter: AdapterTraits,
  texts: readonly Eight[],
): Required<Pick<Kernel, 'functions' | 'enables'>> {
  if (!hasLanes(adapter)) return { functions: {}, enables: [] };
  const functions = Object.fromEntries(texts.map((text) => [text.name, textOf(text)]));
  return { functions: { lane_of: laneOf, ...functions }, enables: ['subgroups'] };
}

/** A function that gives what eight lanes load. */
interface Eight {
  readonly name: string;
  readonly parameters: string;
  readonly load: string;
  readonly type?: string;
}

const textOf = ({ name, parameters, load, type = 'vec4f' }: Eight): string =>
  `fn ${name}(${parameters}, lane: u32) -> array<${type}, 8> {
  let own = ${load};
  return array(${heldByLanes('own', 0, LANES)});
}`;
