import { flatGrid, output, type Launch, type Word } from '../../core/launch.ts';
import { grainOver, type WasmLaunch } from '../../core/wasmLaunch.ts';
import { sizeOf, type Dtype, type Numbers, type Shape } from '../../core/shape.ts';
import { collapse, eight, forEachOffset, offsetText, rankOf } from '../../core/strided.ts';
import type { Access, Node } from '../../graph/graph.ts';
import copyKernel from '../../../shaders/shaping/copy.wgsl?raw';

/* Copies of boxes of numbers, for ops that move numbers and compute none. */

/** What is copied as it is. */
export const wordDtypes: readonly Dtype[] = ['f32', 'i32', 'u32'];

/** A box of x written into a box of y. */
export interface Box {
  readonly shape: Shape;
  readonly xStart: number;
  readonly xStrides: readonly number[];
  readonly yStart: number;
  readonly yStrides: readonly number[];
}

export function copyBox(x: Numbers, y: Numbers, { shape, xStart, xStrides, yStart, yStrides }: Box): void {
  forEachOffset(collapse('copy', shape, xStrides, yStrides), (_, from, to) => (y[yStart + to] = x[xStart + from]!));
}

/** The same in WGSL, in a function of others. */
export function copyText(
  { shape, xStart, xStrides, yStart, yStrides }: Box,
  x: Access,
  store: (place: string, value: string) => string,
): string {
  const walk = collapse('copy', shape, xStrides, yStrides);
  const [from, to] = [offsetText(walk, 0, 'i'), offsetText(walk, 1, 'i')];
  const kept = store(`${yStart}u + ${to}`, x(`${xStart}u + ${from}`));
  return `for (var i = 0u; i < ${sizeOf(shape)}u; i++) {
    ${kept}
  }`;
}

export function copyLaunch(node: Node, inputIndex: number, { shape, xStart, xStrides, yStart, yStrides }: Box): Launch {
  const walk = collapse(node.op.name, shape, xStrides, yStrides);
  const type = node.outputs[0].spec.dtype;
  const count = sizeOf(shape);
  const sizes: Word[] = [
    count,
    xStart,
    yStart,
    0,
    ...eight(walk.shape),
    ...walk.strides.flatMap((strides) => eight(strides.map((stride) => stride >>> 0))),
  ];
  return {
    kernel: { name: node.op.name, source: copyKernel, constants: { X: type, Y: type, RANK: rankOf(walk) } },
    bindings: [inputIndex, output(0)],
    uniform: sizes,
    grid: flatGrid(count),
  };
}

/** The same in WebAssembly: lines of the last axis, or four at a time that change places with their columns. */
export function copyInWasm(
  node: Node,
  inputIndex: number,
  { shape, xStart, xStrides, yStart, yStrides }: Box,
): WasmLaunch {
  const walk = collapse(node.op.name, shape, xStrides, yStrides);
  const isOne = walk.shape.length === 0;
  const rank = isOne ? 1 : walk.shape.length;
  const [extents, [from, to]] = isOne ? [[1], [[1], [1]]] : [walk.shape, walk.strides];
  const lines = from.at(-2) === 1 && to.at(-1) === 1 ? 4 : 1;
  const before = lines === 1 ? extents.slice(0, -1) : [...extents.slice(0, -2), Math.ceil(extents.at(-2)! / lines)];
  return {
    kernel: 'copyBox',
    operands: [inputIndex, output(0)],
    words: [xStart, yStart, rank, lines, ...extents, ...from, ...to].map((word) => word >>> 0),
    items: sizeOf(before),
    grain: grainOver(lines * extents.at(-1)!),
  };
}

/** The whole of an input, row by row, into a range of the output. */
export const copyInto = (node: Node, inputIndex: number, start: number): Launch =>
  copyLaunch(node, inputIndex, wholeInto(node, inputIndex, start));

export function wholeInto(node: Node, inputIndex: number, start: number): Box {
  const size = sizeOf(node.inputs[inputIndex].spec.shape);
  return { shape: [size], xStart: 0, xStrides: [1], yStart: start, yStrides: [1] };
}
