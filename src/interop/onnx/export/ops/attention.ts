import { spec } from '../../../../core/shape.ts';
import type { Node, Value } from '../../../../graph/graph.ts';
import { input } from '../../../../graph/leaf.ts';
import { attention } from '../../../../ops/attention/attention.ts';
import { FORWARD_INPUTS, optionalOf, type Attrs } from '../../../../ops/attention/attentionNode.ts';
import { rotary, type Attrs as RotaryAttrs } from '../../../../ops/attention/rotary.ts';
import { reshaped } from '../batchShapes.ts';
import type { Definition, Definitions } from '../definition.ts';
import { float, type Tensor } from '../onnxNodes.ts';
import type { Elements, OnnxWriter } from '../onnxWriter.ts';
import type { Extent } from '../sampledGraph.ts';

/* Attention, as one operator where there is one, else as products around a softmax; and positions by turning. */

// Legend: q `[N, T, H, D]`, k and v `[N, S, K, D]`; G = H / K heads share keys.

const ATTENTION_SINCE = 23;

const heads = (): Value => input('x', spec([1, 2, 1, 2]));

/** An operand with all of its heads side by side, `[N, steps, heads · D]`. */
function operandOf(node: Node<Attrs>, to: OnnxWriter, name: 'q' | 'k' | 'v'): Tensor {
  const { extents, from } = node.attrs;
  const whole = node.inputs[['q', 'k', 'v'].indexOf(name)];
  const { first, stride } = from[name];
  const [samples] = to.extentsOf(node.outputs[0]);
  const steps = name === 'q' ? extents.T : extents.S;
  const width = (name === 'q' ? extents.H : extents.keyHeads) * extents.D;
  const { tensor, extents: own } = to.elementsOf(whole);
  const all = reshaped(to, tensor, own, [samples, steps, stride]);
  if (width === stride) return all;
  return to.emit('Slice', [all, to.ints([first]), to.ints([first + width]), to.ints([2])]);
}

/** Who sees whom, BOOL, and its extents, `[N, H, T, S]`, where 1 stands for all. */
interface Sight {
  readonly tensor: Tensor;
  readonly extents: readonly Extent[];
}

/** What follows from the places of queries and keys. */
function sightByPlace(to: OnnxWriter, { extents: { T, S }, left, right }: Attrs): Sight | undefined {
  if (left >= T && right >= S) return undefined;
  const numbers = () =>
    Uint8Array.from({ length: T * S }, (_, at) => {
      const [t, j] = [Math.floor(at / S), at % S];
      return Number(j >= t - left && j <= t + right);
    });
  const tensor = to.once(`sight ${T} ${S} ${left} ${right}`, () => ({
    hint: 'sight',
    stored: { type: 'BOOL', shape: [1, 1, T, S], numbers },
  }));
  return { tensor, extents: [1, 1, T, S] };
}

/** The keys that each sample has. */
function sightByLength(to: OnnxWriter, lengths: Value, S: number): Sight {
  const [samples] = to.extentsOf(lengths);
  const places = to.once(`places of ${S}`, () => ({
    hint: 'places',
    stored: {
      type: 'INT64',
      shape: [1, 1, 1, S],
      numbers: () => BigInt64Array.from({ length: S }, (_, j) => BigInt(j)),
    },
  }));
  const ends = reshaped(to, to.read(lengths, { type: 'INT64' }), [samples], [samples, 1, 1, 1]);
  return { tensor: to.emit('Less', [places, ends]), extents: [samples, 1, 1, S] };
}

function sightsOf({ inputs, attrs }: Node<Attrs>, to: OnnxWriter, isCausal: boolean): Sight[] {
  const { lengths, mask } = optionalOf(inputs, attrs, FORWARD_INPUTS);
  const byPlace = isCausal ? undefined : sightByPlace(to, attrs);
  return [
    ...(byPlace ? [byPlace] : []),
    ...(lengths ? [sightByLength(to, lengths, attrs.extents.S)] : []),
    ...(mask ? [{ tensor: to.read(mask, { type: 'BOOL' }), extents: to.extentsOf(mask) }] : []),
  ];
}

/** What all of them let through; the extents of two are broadcast. */
const together = (to: OnnxWriter, sights: readonly Sight[]): Sight =>
  sights.reduce((a, b) => ({
    tensor: to.emit('And', [a.tensor, b.tensor]),
    extents: a.extents.map((extent, axis) => (extent === 1 ? b.extents[axis] : extent)),
  }));

/** Whether a query may see no key at all. */
function mayBeBlind({ extents: { T, S }, left, right, lengths, mask }: Attrs): boolean {
  const sees = (t: number): boolean => Math.max(0, t - left) <= Math.min(S - 1, t + right);
  return lengths || mask !== null || !Array.from({ length: T }, (_, t) => t).every(sees);
}

/** As the operator, which takes heads side by side. */
function asOne(node: Node<Attrs>, to: OnnxWriter): Elements {
  const { attrs } = node;
  const { T, S, H, keyHeads } = attrs.extents;
  const isCausal = T === S && attrs.left >= T && attrs.right === 0;
  const sights = sightsOf(node, to, isCausal);
  const sight = sights.length > 0 ? forEachQuery(to, together(to, sights), T) : undefined;
  const operands = (['q', 'k', 'v'] as const).map((name) => operandOf(node, to, name));
  const told = {
    q_num_heads: H,
    kv_num_heads: keyHeads,
    scale: float(attrs.scale),
    ...(isCausal && { is_causal: 1 }),
  };
  const found = to.emit('Attention', [...operands, ...(sight ? [sight] : [])], told);
  const extents = to.extentsOf(node.outputs[0]);
  const [samples] = extents;
  const own = [samples, T, H * attrs.extents.D];
  if (!sight || !mayBeBlind(attrs)) return { tensor: found, extents: own, type: 'FLOAT' };
  return { tensor: whereSeen(to, sight, reshaped(to, found, own, extents)), extents, type: 'FLOAT' };
}

/** A row for each query, as onnxruntime wants it. */
const forEachQuery = (to: OnnxWriter, { tensor, extents }: Sight, T: number): Tensor =>
  extents[2] === T ? tensor : to.emit('Expand', [tensor, to.ints([1, 1, T, 1])]);

/** 0 where a query sees no key. */
function whereSeen(to: OnnxWriter, sight: Tensor, result: Tensor): Tensor {
  const counts = to.emit('ReduceSum', [to.cast(sight, 'FLOAT'), to.ints([3])], { keepdims: 1 });
  const byTime = to.emit('Transpose', [to.emit('Greater', [counts, to.scalar(0)])], { perm: [0, 2, 1, 3] });
  return to.emit('Where', [byTime, result, to.scalar(0)]);
}

/** Lower than any score: of those that are seen nothing is left beside it. */
const UNSEEN = -3.4028234663852886e38;

/** Products and softmax, `[N, K, G, T, S]`, without G where no heads share keys. */
function inParts(node: Node<Attrs>, to: OnnxWriter): Elements {
  const { attrs } = node;
  const { T, S, H, keyHeads, D } = attrs.extents;
  const isShared = keyHeads !== H;
  const [samples] = to.extentsOf(node.outputs[0]);
  const queryHeads = isShared ? [keyHeads, H / keyHeads] : [H];
  const seenHeads = isShared ? [keyHeads, 1] : [H];
  const split = (name: 'q' | 'k' | 'v', steps: number, all: readonly number[], perm: readonly number[]): Tensor => {
    const apart = reshaped(to, operandOf(node, to, name), [samples, steps, -1], [samples, steps, ...all, D]);
    return to.emit('Transpose', [apart], { perm });
  };
  const [byTime, byChannel] = isShared
    ? [
        [0, 2, 3, 1, 4],
        [0, 2, 3, 4, 1],
      ]
    : [
        [0, 2, 1, 3],
        [0, 2, 3, 1],
      ];
  const products = to.emit('MatMul', [split('q', T, queryHeads, byTime), split('k', S, seenHeads, byChannel)]);
  let scores = to.emit('Mul', [products, to.scalar(attrs.scale)]);
  const sights = sightsOf(node, to, false).map(({ tensor, extents }) => {
    const [n, h, ...others] = extents;
    const apart = isShared ? [n, ...(h === 1 ? [1, 1] : queryHeads), ...others] : extents;
    return { tensor: reshaped(to, tensor, extents, apart), extents: apart };
  });
  const sight = sights.length > 0 ? together(to, sights).tensor : undefined;
  if (sight) scores = to.emit('Where', [sight, scores, to.scalar(UNSEEN)]);
  let shares = to.emit('Softmax', [scores], { axis: -1 });
  if (sight && mayBeBlind(attrs)) shares = to.emit('Where', [sight, shares, to.scalar(0)]);
  const found = to.emit('MatMul', [shares, split('v', S, seenHeads, byTime)]);
  const back = to.emit('Transpose', [found], { perm: isShared ? [0, 3, 1, 2, 4] : [0, 2, 1, 3] });
  const sideBySide = [samples, T, H * D];
  const joined = reshaped(to, back, [samples, T, ...queryHeads, D], sideBySide);
  return { tensor: joined, extents: sideBySide, type: 'FLOAT' };
}

const attentionDefinition: Definition<Attrs> = {
  use: () => attention(heads(), heads(), heads()),
  operators: ['Attention', 'MatMul', 'Softmax', 'Mul', 'Less', 'And', 'Where', 'Expand', 'ReduceSum', 'Greater'],
  varies: () => ['extents.N'],
  write(node, to) {
    to.writeElements(node.outputs[0], to.opset >= ATTENTION_SINCE ? asOne(node, to) : inParts(node, to));
  },
};

/** Cosine or sine of each pair's angle, `[T, 1, D / 2, 1]`. */
function turnOf(to: OnnxWriter, angles: Value, at: 0 | 1, sign: number): Tensor {
  const [steps, pairs] = angles.spec.shape;
  const shape = [steps, 1, pairs, 1];
  const known = to.known(angles);
  const factor = at === 1 ? sign : 1;
  if (known) {
    const numbers = () => Float32Array.from({ length: steps * pairs }, (_, i) => factor * known.numbers[2 * i + at]);
    return to.made(known, `turn ${at} ${sign}`, shape, numbers);
  }
  const own = to.emit('Slice', [to.read(angles), to.ints([at]), to.ints([at + 1]), to.ints([2])]);
  const turn = to.emit('Reshape', [own, to.ints(shape)]);
  return factor === 1 ? turn : to.emit('Neg', [turn]);
}

const rotaryDefinition: Definition<RotaryAttrs> = {
  use: () => rotary(heads()),
  operators: ['Slice', 'Mul', 'Sub', 'Add', 'Concat', 'Neg'],
  write({ inputs: [x, angles], outputs: [y], attrs: { turned, sign } }, to) {
    const [samples, steps, all, width] = to.extentsOf(x);
    const part = (tensor: Tensor, axis: number, start: number, end: number): Tensor =>
      to.emit('Slice', [tensor, to.ints([start]), to.ints([end]), to.ints([axis])]);
    const given = to.read(x);
    const own = turned === all ? given : part(given, 2, 0, turned);
    const ownExtents = [samples, steps, turned, width];
    const pairs = [samples, steps, turned, (width as number) / 2, 2];
    const apart = reshaped(to, own, ownExtents, pairs);
    const [a, b] = [part(apart, 4, 0, 1), part(apart, 4, 1, 2)];
    const [cosine, sine] = [turnOf(to, angles, 0, sign), turnOf(to, angles, 1, sign)];
    const product = (left: Tensor, right: Tensor): Tensor => to.emit('Mul', [left, right]);
    const first = to.emit('Sub', [product(a, cosine), product(b, sine)]);
    const second = to.emit('Add', [product(a, sine), product(b, cosine)]);
    const joined = reshaped(to, to.emit('Concat', [first, second], { axis: 4 }), pairs, ownExtents);
    const rest = turned === all ? [] : [part(given, 2, turned, all as number)];
    to.write(y, rest.length > 0 ? to.emit('Concat', [joined, ...rest], { axis: 2 }) : joined);
  },
};

export const attentionOps: Definitions = { attention: attentionDefinition, rotary: rotaryDefinition };
