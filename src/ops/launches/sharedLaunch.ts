import { flatGrid, type AdapterTraits, type Kernel, type Launch, type Word } from '../../core/launch.ts';
import { boundsOf, UNIT } from '../../graph/accuracy.ts';
import { bindingsOf, type Accuracy, type Node, type Op } from '../../graph/graph.ts';
import { workOf } from '../../graph/work.ts';
import aloneKernel from '../../../shaders/launches/alone.wgsl?raw';

/*
 * Little work is not worth a launch: it rides on another one, whose kernel calls `besides(i)` for i = 0, 1, …. Neither
 * needs what the other makes, and neither writes what the other reads. What rides is a text of shaders/riders, which finds
 * its words in `sizes.besides`; where no host is to be had, it has a launch of its own.
 */

/** A launch of what may ride on another's. */
export interface Rider extends Pick<Kernel, 'name' | 'reads' | 'writes' | 'watched'>, Pick<Launch, 'bindings'> {
  /** Texts of `besides(i)`, of the functions that it calls, and of `Besides`, the struct of its words. */
  readonly includes: readonly string[];
  readonly words: readonly Word[];
  /** For so many i. */
  readonly count: number;
}

const riding = { functions: { besides: '' }, constants: { BESIDES: 'Besides' } } as const;

/** The launch of a rider that found no host. */
export const alone = ({ bindings, words, count, ...rider }: Rider): Launch => ({
  kernel: { source: aloneKernel, ...riding, ...rider },
  ...(bindings && { bindings }),
  uniform: words,
  grid: flatGrid(count),
});

/** A host's launch, with room for a rider's words, which begin at a multiple of four. */
export function withRoom(launch: Launch): Launch {
  const { uniform: words = [] } = launch;
  return { ...launch, uniform: [...words, ...new Array<number>(-words.length & 3).fill(0), NOBODY] };
}

/** Where a rider's words would be. */
const NOBODY = 0;

/** What does a host's work and a rider's in one launch. */
interface SharedOp extends Op<null> {
  readonly host: Node;
  readonly rider: Node;
}

const isShared = (op: Op): op is Op & SharedOp => 'rider' in op;

/** A node as one of two that share a launch: which, and where its inputs and outputs begin. */
export interface Share {
  readonly node: Node;
  readonly inputs: number;
  readonly outputs: number;
}

/** The nodes that a launch does: one, or a host and its rider. */
export function sharesOf(launch: Node): Share[] {
  if (!isShared(launch.op)) return [{ node: launch, inputs: 0, outputs: 0 }];
  const { host, rider } = launch.op;
  return [
    { node: host, inputs: 0, outputs: 0 },
    { node: rider, inputs: host.inputs.length, outputs: host.outputs.length },
  ];
}

/** A launch without its rider, on the same values: to be timed, which a rider's effects would forbid. */
export function hostOf(launch: Node): Node {
  if (!isShared(launch.op)) return launch;
  const { host } = launch.op;
  const [inputs, outputs] = (['inputs', 'outputs'] as const).map((of) => launch[of].slice(0, host[of].length));
  return { ...host, inputs, outputs };
}

/** How many of its bindings, the last ones, only replaced functions write. */
const writesOf = ({ kernel: { writes = {} } }: Launch): number => Object.keys(writes).length;

/** The rider's bindings and words behind the host's. */
function together(host: Node, rider: Node, on: Launch, own: Launch): Launch {
  const { kernel } = on;
  const [ofHost, ofRider] = [bindingsOf(host, on), bindingsOf(rider, own)];
  const [first, second] = [ofHost.length - writesOf(on), ofRider.length - writesOf(own)];
  const moved = ofRider.map((at) => (at < 0 ? at - host.outputs.length : at + host.inputs.length));
  return {
    ...on,
    kernel: {
      ...kernel,
      name: `${kernel.name}+${own.kernel.name}`,
      functions: { ...kernel.functions, ...own.kernel.functions },
      constants: { ...kernel.constants, ...own.kernel.constants },
      includes: [...(kernel.includes ?? []), ...(own.kernel.includes ?? [])],
      reads: { ...kernel.reads, ...own.kernel.reads },
      writes: { ...kernel.writes, ...own.kernel.writes },
      ...(own.kernel.watched && { watched: own.kernel.watched }),
    },
    bindings: [...ofHost.slice(0, first), ...moved.slice(0, second), ...ofHost.slice(first), ...moved.slice(second)],
    uniform: [...on.uniform!.slice(0, -1), ...own.uniform!],
  };
}

/** The op that does both in one launch: its inputs and outputs are the host's, then the rider's. */
export function sharedOp(host: Node, rider: Node): SharedOp {
  const [inputs, outputs] = [host.inputs.length, host.outputs.length];
  const inPlace = [
    ...host.outputs.map((_, at) => host.op.inPlace?.[at] ?? null),
    ...rider.outputs.map((_, at) => {
      const from = rider.op.inPlace?.[at] ?? null;
      return from === null ? null : inputs + from;
    }),
  ];
  return {
    host,
    rider,
    name: `${host.op.name}+${rider.op.name}`,
    effect: true,
    inPlace,
    infer: () => [...host.outputs, ...rider.outputs].map(({ spec }) => spec),
    cpu(read, written) {
      host.op.cpu(read.slice(0, inputs), written.slice(0, outputs), host);
      rider.op.cpu(read.slice(inputs), written.slice(outputs), rider);
    },
    ...(host.op.forms && { forms: (_: Node<null>, adapter: AdapterTraits) => host.op.forms!(host, adapter) }),
    gpu(_, adapter, form) {
      const [on] = host.op.gpu(host, adapter, form);
      const [own] = rider.op.gpu(rider, adapter);
      return [together(host, rider, on, own)];
    },
    flops: () => workOf(host).flops + workOf(rider).flops,
    bytes: () => workOf(host).bytes + workOf(rider).bytes,
    accuracy: (): Accuracy => ({
      ulps: 1,
      magnitude(read, expected) {
        const ofHost = boundsOf(host, read.slice(0, inputs), expected.slice(0, outputs));
        const ofRider = boundsOf(rider, read.slice(inputs), expected.slice(outputs));
        return [...ofHost, ...ofRider].map((bound) => bound.map((b) => b / UNIT));
      },
    }),
  };
}
