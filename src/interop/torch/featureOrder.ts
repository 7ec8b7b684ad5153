import { FormatError } from '../../core/errors.ts';
import { sizeOf, type Shape } from '../../core/shape.ts';
import type { Tensor } from '../../data/safetensors.ts';
import { orderOf } from '../../graph/executionOrder.ts';
import type { Node, Value } from '../../graph/graph.ts';
import type { Forward } from '../../train/emission/forward.ts';

/*
 * Images that become rows of features. Here a pixel's channels lie side by side, [rows, columns, channels]; in PyTorch a
 * channel's pixels do, [channels, rows, columns]. So what stands behind `flatten`, a product's rows, a norm's factors, or in
 * front of a reshape to images, has its features in another order there. Which axes have the same features is found in the
 * graph: those of a value and of what is made of it element by element, those of a product's operands and result.
 */

/** Of each of PyTorch's features, which one it is here; undefined where the order is the same. */
export type Order = Int32Array | undefined;

/** An axis of a value, by a number of its own; axes that have the same features lead to the same one. */
class Axes {
  readonly #numbers = new Map<unknown, number>();
  readonly #above: number[] = [];

  /** @param what a value, or a tensor's name */
  of(what: unknown, axis: number): number {
    const first = this.#numbers.get(what) ?? this.#above.length;
    if (!this.#numbers.has(what)) {
      this.#numbers.set(what, first);
      for (let at = 0; at < MOST_AXES; at++) this.#above.push(first + at);
    }
    return this.root(first + axis);
  }

  /** The number that all axes of the same features lead to. */
  root(given: number): number {
    let at = given;
    while (this.#above[at] !== at) at = this.#above[at];
    for (let way = given; way !== at;) [way, this.#above[way]] = [this.#above[way], at];
    return at;
  }

  join(a: number, b: number): void {
    this.#above[this.root(a)] = this.root(b);
  }
}

const MOST_AXES = 16;

/** [rows, columns, channels] by channels first. */
function channelsFirst([rows, columns, channels]: Shape): Order {
  const places = rows * columns;
  if (places === 1 || channels === 1) return undefined;
  return Int32Array.from({ length: places * channels }, (_, at) => (at % places) * channels + Math.floor(at / places));
}

/** What makes each channel of images, or of sequences, of the same one. */
const channelwise = ['maxPool', 'averagePool', 'upsample', 'upsampleBilinear'];
/** What reads and gives such. */
const spatial = ['conv2d', 'convTranspose2d', ...channelwise];
/** Whose elements are each made of those at the same place, beside what `definePointwise` makes. */
const elementwise = ['batchNorm', 'groupNorm', 'dropout', 'stopGradient', 'behind', 'broadcast', 'where', 'cast'];

const isElementwise = ({ op, attrs }: Node): boolean =>
  elementwise.includes(op.name) || Array.isArray((Object(attrs) as { readonly constants?: unknown }).constants);

/** A product by a kernel of one pixel, which is a convolution. */
function isPixelwise({ op, inputs }: Node): boolean {
  if (op.name !== 'matmul') return false;
  for (let weight = inputs[1]; weight.node.op.name === 'reshape'; [weight] = weight.node.inputs) {
    if (weight.node.inputs[0].spec.shape.length === KERNEL_AXES) return true;
  }
  return false;
}

const KERNEL_AXES = 4;

/** Extents that became one axis, or come of one: its number, and that of the channels. */
interface Flat {
  readonly extents: Shape;
  readonly axis: number;
  readonly channels: number;
}

/** Values side by side along their last axis. */
interface Joined {
  readonly parts: readonly { readonly axis: number; readonly extent: number }[];
  readonly axis: number;
}

/** What a graph says of its axes. */
class Features {
  readonly axes = new Axes();
  readonly flat: Flat[] = [];
  readonly joined: Joined[] = [];
  /** Axes of channels. */
  readonly channels: number[] = [];
  readonly #leafOf: Forward['leafOf'];

  constructor({ leafOf }: Forward) {
    this.#leafOf = leafOf;
  }

  /** An axis from the end: 1 is the last. */
  axisOf(value: Value, fromEnd: number): number {
    const leaf = this.#leafOf(value);
    const axis = this.axes.of(leaf && 'tensor' in leaf ? leaf.tensor : value, value.spec.shape.length - fromEnd);
    if (leaf && 'field' in leaf && fromEnd === 1 && value.spec.shape.length === 4) this.channels.push(axis);
    return axis;
  }

  #join(a: Value, b: Value, fromEnd = 1, fromEndOfB = fromEnd): void {
    this.axes.join(this.axisOf(a, fromEnd), this.axisOf(b, fromEndOfB));
  }

  look(node: Node): void {
    const { op, inputs, outputs } = node;
    const [y] = outputs;
    if (spatial.includes(op.name) || isPixelwise(node))
      this.channels.push(this.axisOf(inputs[0], 1), this.axisOf(y, 1));
    if (channelwise.includes(op.name)) this.#join(inputs[0], y);
    if (op.name === 'reshape') this.#reshaped(inputs[0], y);
    else if (op.name === 'matmul') this.#product(node);
    else if (op.name === 'concat') this.#beside(node);
    else if (isElementwise(node)) for (const x of inputs) this.#alike(x, y);
  }

  #alike(x: Value, y: Value): void {
    const [a, b] = [x.spec.shape, y.spec.shape];
    for (let fromEnd = 1; fromEnd <= Math.min(a.length, b.length); fromEnd++) {
      if (a.at(-fromEnd) === b.at(-fromEnd)) this.#join(x, y, fromEnd);
    }
  }

  #product({ inputs: [a, b, bias], outputs: [y], attrs }: Node): void {
    const { transposeA, transposeB } = attrs as { readonly transposeA: boolean; readonly transposeB: boolean };
    if (transposeA || b.spec.shape.length !== 2) return;
    this.#join(a, b, 1, transposeB ? 1 : 2);
    this.#join(y, b, 1, transposeB ? 2 : 1);
    if (bias) this.#join(y, bias);
  }

  #reshaped(x: Value, y: Value): void {
    const [from, to] = [x.spec.shape, y.spec.shape];
    if (from.at(-1) === to.at(-1)) this.#join(x, y);
    else if (from[0] === to[0] && to.length === 2) this.#flattened(x, y);
    else if (from[0] === to[0] && from.length === 2) this.#flattened(y, x);
  }

  #flattened(images: Value, rows: Value): void {
    const { shape } = images.spec;
    if (shape.length !== 3 && shape.length !== 4) return;
    const extents = shape.length === 3 ? [1, ...shape.slice(1)] : shape.slice(1);
    this.flat.push({ extents, axis: this.axisOf(rows, 1), channels: this.axisOf(images, 1) });
  }

  #beside({ inputs, outputs: [y], attrs }: Node): void {
    if ((attrs as { readonly axis: number }).axis !== y.spec.shape.length - 1) return;
    const parts = inputs.map((x) => ({ axis: this.axisOf(x, 1), extent: x.spec.shape.at(-1)! }));
    this.joined.push({ parts, axis: this.axisOf(y, 1) });
  }
}

/** What is known of the order along each axis, by its number. @throws FormatError where one would have two */
function ordersIn(features: Features): ReadonlyMap<number, Order> {
  const { axes, flat, joined } = features;
  const orders = new Map<number, Order>();
  const channels = new Set(features.channels.map((axis) => axes.root(axis)));
  for (const { extents, axis, channels: own } of flat) {
    if (!channels.has(axes.root(own))) continue;
    const [order, before] = [channelsFirst(extents), orders.get(axes.root(axis))];
    if (before && before.join() !== order?.join()) {
      throw new FormatError(
        `[torch] ${before.length} features are images of several sizes, [${extents.join(', ')}] one of them, so that they have no single order in PyTorch: give each kind of image features of its own`,
      );
    }
    orders.set(axes.root(axis), order);
  }
  for (const { parts, axis } of joined) {
    const own = parts.map((part) => orders.get(axes.root(part.axis)));
    if (own.every((order) => order === undefined)) continue;
    let first = 0;
    const order = parts.flatMap(({ extent }, at) => {
      first += extent;
      return Array.from({ length: extent }, (_, feature) => first - extent + (own[at]?.[feature] ?? feature));
    });
    orders.set(axes.root(axis), Int32Array.from(order));
  }
  return orders;
}

/**
 * The tensors of a model whose features are in another order in PyTorch: by name, the order along each axis.
 * @throws FormatError for features of two orders
 */
export function featureOrders(forward: Forward): ReadonlyMap<string, readonly Order[]> {
  const features = new Features(forward);
  for (const node of orderOf(forward.graph(forward.samples))) features.look(node);
  const orders = ordersIn(features);
  const named = Object.entries(forward.tensors).map(([name, { shape }]) => {
    return [name, shape.map((_, axis) => orders.get(features.axes.of(name, axis)))] as const;
  });
  return new Map(named.filter(([, axes]) => axes.some((order) => order !== undefined)));
}

/**
 * A tensor with its features as PyTorch has them, or, taken back, as they are here.
 * @param orders along each axis
 */
export function reordered(tensor: Tensor, orders: readonly Order[], back = false): Tensor {
  return orders.reduce((current, order, axis) => (order ? along(current, order, axis, back) : current), tensor);
}

function along({ shape, data }: Tensor, order: Int32Array, axis: number, back: boolean): Tensor {
  const inner = sizeOf(shape.slice(axis + 1));
  const result = new Float32Array(data.length);
  for (let at = 0; at < data.length; at += inner) {
    const place = (at / inner) % order.length;
    const other = at + (order[place] - place) * inner;
    const [from, to] = back ? [at, other] : [other, at];
    result.set(data.subarray(from, from + inner), to);
  }
  return { shape, data: result };
}

/** A model's tensors, each with its features as PyTorch has them. */
export function inTheirOrder(
  tensors: Forward['tensors'],
  orders: ReturnType<typeof featureOrders>,
): Forward['tensors'] {
  const own = Object.entries(tensors).map(
    ([name, tensor]) => [name, reordered(tensor, orders.get(name) ?? [])] as const,
  );
  return Object.fromEntries(own);
}
