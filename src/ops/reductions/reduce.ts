import { optionsOf, type ContextLike } from '../../core/argumentChecks.ts';
import { ShapeError } from '../../core/errors.ts';
import type { AdapterTraits, Kernel, Launch, Word } from '../../core/launch.ts';
import { grainOver, type WasmWork } from '../../core/wasmLaunch.ts';
import { formatSpec, resolveAxis, sizeOf, stridesOf, type Shape } from '../../core/shape.ts';
import { collapse, eight, forEachOffset, offsetAt, type Walk } from '../../core/strided.ts';
import { applyOne, type Node, specOf, type Value } from '../../graph/graph.ts';
import { partOf, sharedBy, sharingOf } from './rowSharing.ts';

/* What reductions over axes have in common: how x is walked, and how many invocations and launches share its terms. */

export interface ReduceAttrs {
  /** From the front, ascending. */
  readonly axes: readonly number[];
  readonly keepDimensions: boolean;
  /** Into how many runs the terms are cut, each reduced by itself, along a new first axis; left out: all are one. */
  readonly parts?: number;
}

/** What `sum`, `mean`, `max` and `min` may be told. */
export interface ReduceOptions extends ContextLike {
  /** All axes if left out. */
  readonly axes?: number | readonly number[];
  /** Keeps the reduced axes, with extent 1. */
  readonly keepDimensions?: boolean;
}

export function reducedShape(shape: Shape, { axes, keepDimensions, parts }: ReduceAttrs): number[] {
  const kept = keepDimensions
    ? shape.map((extent, axis) => (axes.includes(axis) ? 1 : extent))
    : shape.filter((_, axis) => !axes.includes(axis));
  return parts === undefined ? kept : [parts, ...kept];
}

export function attrsOf(where: string, x: Value, options: ReduceOptions | undefined): ReduceAttrs {
  const given = specOf(where, 'x', x);
  const { axes, keepDimensions } = optionsOf(where, options, { axes: undefined, keepDimensions: false });
  const rank = given.shape.length;
  const list = axes === undefined ? Array.from({ length: rank }, (_, axis) => axis) : [axes].flat();
  const resolved = list.map((axis) => resolveAxis(where, axis, given)).sort((a, b) => a - b);
  if (new Set(resolved).size !== resolved.length) {
    throw new ShapeError(
      `[${where}] axes [${list.join(', ')}] name one axis of ${formatSpec(given)} twice: name each once`,
    );
  }
  return { axes: resolved, keepDimensions };
}

/** How x is read. */
interface Layout {
  /** The kept axes and the reduced ones of x, each walked with x's own strides. */
  readonly kept: Walk;
  readonly reduced: Walk;
  /** Outputs of one part; terms of all, and of one. */
  readonly count: number;
  readonly length: number;
  readonly part: number;
  /** Outputs whose terms lie side by side in x; 1 where those of one output do. */
  readonly run: number;
}

function layoutOf({ op, inputs, attrs: { axes, parts = 1 } }: Node<ReduceAttrs>): Layout {
  const { shape } = inputs[0].spec;
  const strides = stridesOf(shape);
  const pick = (isReduced: boolean): Walk => {
    const chosen = shape.map((_, axis) => axis).filter((axis) => axes.includes(axis) === isReduced);
    return collapse(
      op.name,
      chosen.map((axis) => shape[axis]),
      chosen.map((axis) => strides[axis]),
    );
  };
  const [kept, reduced] = [pick(false), pick(true)];
  const length = sizeOf(reduced.shape);
  const run = kept.strides[0].at(-1) === 1 ? kept.shape.at(-1)! : 1;
  return { kept, reduced, count: sizeOf(kept.shape), length, part: Math.ceil(length / parts), run };
}

/** Calls back for each element of the output, with a way to visit the places of x that belong to it. */
export function forEachOutput(
  node: Node<ReduceAttrs>,
  compute: (output: number, forEachTerm: (visit: (at: number) => void) => void) => void,
): void {
  const { kept, reduced, count, length, part } = layoutOf(node);
  const { parts = 1 } = node.attrs;
  for (let p = 0; p < parts; p++) {
    const end = Math.min((p + 1) * part, length);
    forEachOffset(kept, (output, base) => {
      compute(p * count + output, (visit) => {
        // A walk over all terms takes half as long as looking each of them up.
        if (parts === 1) forEachOffset(reduced, (_, offset) => visit(base + offset));
        else for (let r = p * part; r < end; r++) visit(base + offsetAt(reduced, r));
      });
    });
  }
}

/** @param words behind those that all such kernels have */
export function reduceLaunch(
  node: Node<ReduceAttrs>,
  kernel: Kernel,
  adapter: AdapterTraits,
  ...words: readonly Word[]
): Launch[] {
  const { kept, reduced, count, length, part, run } = layoutOf(node);
  const outputs = count * (node.attrs.parts ?? 1);
  const sharing = sharingOf(part, adapter, run);
  const uniform = [
    outputs,
    length,
    kept.shape.length,
    reduced.shape.length,
    count,
    part,
    sharing.shares,
    run > 1 ? 1 : 0,
    ...eight(kept.shape),
    ...eight(kept.strides[0]),
    ...eight(reduced.shape),
    ...eight(reduced.strides[0]),
    ...words,
  ];
  return [{ ...sharedBy(sharing, kernel, outputs), uniform }];
}

/** Over axes that are one, with others before and behind it: a kernel of assembly/sums.ts. */
export function reduceInWasm(node: Node<ReduceAttrs>, kernel: string, scale = 1): WasmWork | undefined {
  const { kept, reduced, count, length, run } = layoutOf(node);
  const isOne = reduced.shape.length <= 1 && kept.shape.length <= (run > 1 ? 2 : 1);
  const step = length > 1 ? reduced.strides[0][0] : run;
  if (!isOne || step !== run || length === 0 || node.attrs.parts !== undefined) return undefined;
  const items = run > 1 ? (count / run) * Math.ceil(run / 4) : count;
  const terms = length * Math.min(4, run);
  return {
    launches: [
      {
        kernel,
        operands: [0, -1],
        words: [length, run, { f32: scale }],
        items,
        grain: grainOver(terms),
      },
    ],
  };
}

/** Where few outputs have many terms: parts of each first, by `attrs`, and then what the parts make together. */
export function inParts<A extends ReduceAttrs>(node: Node<A>, attrs: A, adapter: AdapterTraits): [Value] | undefined {
  const { count, length, run } = layoutOf(node);
  const part = partOf(length, count, adapter, run);
  if (part === undefined) return undefined;
  const partial = applyOne(node.op, node.inputs, { ...attrs, parts: Math.ceil(length / part) });
  return [applyOne(node.op, [partial], { ...node.attrs, axes: [0], keepDimensions: false })];
}
