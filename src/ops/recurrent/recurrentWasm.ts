import { output } from '../../core/launch.ts';
import { grainOver, THREAD_ROOM, type WasmLaunch, type WasmWork } from '../../core/wasmLaunch.ts';
import type { Node } from '../../graph/graph.ts';
import { COLUMNS, columnPanels, panelsOf, ROWS } from '../products/wasmProduct.ts';
import { cells } from './cells.ts';
import {
  extentsOf,
  gradExtentsOf,
  gradPlacesOf,
  placesOf,
  type Attrs,
  type Extents,
  type GradAttrs,
} from './recurrentNode.ts';

/* The loop over time and its way back in WebAssembly: see assembly/recurrent.ts. */

/** Samples of an item at most: what all weights are read for at each step. */
const MOST_ROWS = 32;
/** Items that keep threads busy. */
const MANY_ITEMS = 8;

/** Bytes that an item needs beside its samples'. */
const FEW = 256;

/** Samples of an item, as many as a thread has room for; or none. @param numbers of a unit, and of all of an item's together */
function rowsOf({ samples, units }: Extents, ofSample: number, ofItem: number): number | undefined {
  const wide = panelsOf(units) * COLUMNS;
  const wanted = Math.ceil(samples / MANY_ITEMS / ROWS) * ROWS;
  for (let rows = Math.min(MOST_ROWS, Math.max(ROWS, wanted)); rows > 0; rows -= ROWS) {
    if (4 * wide * (rows * ofSample + ofItem) + FEW <= THREAD_ROOM) return rows;
  }
  return undefined;
}

const addressOf = (at: number | undefined): number | 'nothing' => at ?? 'nothing';

const bytesOf = (node: Node, at: number | undefined): number =>
  at !== undefined && node.inputs[at].spec.dtype === 'u8' ? 1 : 4;

/** What both loops are told, and their items: so many samples each. */
function loopOver(
  node: Node<Attrs | GradAttrs>,
  { samples, steps, units }: Extents,
  lengths: number | undefined,
  rows: number,
): Pick<WasmLaunch, 'words' | 'items' | 'grain'> {
  const { cell, reverse } = node.attrs;
  const { gates, tape } = cells[cell];
  const extents = [gates, tape, samples, steps, units, Number(reverse)];
  return {
    words: [{ named: `Cell.${cell}` }, ...extents, bytesOf(node, lengths), rows],
    items: Math.ceil(samples / rows),
    grain: 1,
  };
}

export function forwardWork(node: Node<Attrs>): WasmWork | undefined {
  const { attrs } = node;
  const { gates, carried } = cells[attrs.cell];
  const extents = extentsOf(node);
  const { units } = extents;
  const places = placesOf(attrs);
  const rows = rowsOf(extents, gates + 3, gates);
  if (rows === undefined) return undefined;
  const loop: WasmLaunch = {
    kernel: 'recurrentForward',
    operands: [
      0,
      'room',
      ...['bias', 'lengths', 'initial'].map((name) => addressOf(places[name])),
      ...[0, 1, 2].map(output),
      carried > 1 ? output(3) : 'nothing',
    ],
    ...loopOver(node, extents, places['lengths'], rows),
  };
  // Each gate's columns in panels of their own, so that a gate's sums of neighbouring units lie side by side.
  const strides = { line: gates, term: gates * units, matrix: 1 };
  return {
    room: 4 * gates * panelsOf(units) * COLUMNS * units,
    launches: [columnPanels(1, { columns: units, terms: units, matrices: gates }, strides), loop],
  };
}

export function backwardWork(node: Node<GradAttrs>): WasmWork | undefined {
  const { attrs } = node;
  const { gates, apart } = cells[attrs.cell];
  const extents = gradExtentsOf(node);
  const { units } = extents;
  const places = gradPlacesOf(attrs);
  const rows = rowsOf(extents, 3 + 2 * gates, 0);
  if (attrs.transposed || rows === undefined) return undefined;
  const loop: WasmLaunch = {
    kernel: 'recurrentBackward',
    operands: [
      'room',
      1,
      ...['lengths', 'y', 'hidden', 'c'].map((name) => addressOf(places[name])),
      output(0),
      apart ? output(1) : 'nothing',
      output(apart ? 2 : 1),
    ],
    ...loopOver(node, extents, places['lengths'], rows),
  };
  const terms = units * gates;
  return {
    room: 4 * panelsOf(units) * COLUMNS * terms,
    launches: [columnPanels(0, { columns: units, terms, matrices: 1 }, { line: terms, term: 1, matrix: 0 }), loop],
  };
}

export function previousWork(node: Node<Pick<Attrs, 'reverse' | 'lengths' | 'initial'>>): WasmWork {
  const { inputs, attrs } = node;
  const [samples, steps, units] = inputs[0].spec.shape;
  const lengths = attrs.lengths ? 1 : undefined;
  return {
    launches: [
      {
        kernel: 'previousHidden',
        operands: [0, addressOf(lengths), attrs.initial ? inputs.length - 1 : 'nothing', output(0)],
        words: [steps, units, Number(attrs.reverse), bytesOf(node, lengths)],
        items: samples,
        grain: grainOver(steps * units),
      },
    ],
  };
}
