import type { Word } from './launch.ts';

/** A word, or one of the module's own constants, by the name by which it exports it. */
export type WasmWord = Word | { readonly named: string };

/**
 * One run of a kernel of `src/wasm/assembly`. Its items need nothing of each other, so threads share them; launches come one
 * behind the other. A kernel is handed its operands' addresses, then the words: its class of arguments declares both.
 */
export interface WasmLaunch {
  /** The name by which `assembly/index.ts` exports it. */
  readonly kernel: string;
  /** Input i is i, output i is −1 − i, `room` is the node's own, `nothing` an address of 0. */
  readonly operands: readonly (number | 'room' | 'nothing')[];
  readonly words: readonly WasmWord[];
  readonly items: number;
  /** Items that a thread takes at once: work of ten microseconds or more. */
  readonly grain: number;
}

/** What a node does in WebAssembly. */
export interface WasmWork {
  readonly launches: readonly WasmLaunch[];
  /** Bytes that its launches hand each other; 0 if left out. */
  readonly room?: number;
}

/** Bytes of each thread's own: what a kernel lays out for itself must fit. */
export const THREAD_ROOM = 2 ** 20;

/** Numbers of a pointwise loop that are worth a thread's turn. */
const GRAIN = 16_384;

/** Items that are worth a thread's turn, of so many numbers each. @param cost of a number, where a copy's is 1 */
export const grainOver = (numbers: number, cost = 1): number => Math.ceil(GRAIN / Math.max(1, numbers * cost));

/** A launch over so many numbers, each on its own. */
export const overNumbers = (
  kernel: string,
  operands: WasmLaunch['operands'],
  count: number,
  words: readonly WasmWord[] = [],
): WasmLaunch => ({ kernel, operands, words, items: count, grain: GRAIN });
