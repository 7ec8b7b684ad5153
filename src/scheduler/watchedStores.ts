import type { Launch } from '../core/launch.ts';
import { bindingsOf, type Node, type State, type Value } from '../graph/graph.ts';
import lookAt from '../../shaders/functions/lookAt.wgsl?raw';

/** What a launch binds: an input, an output, or the ledger that counts what is bad of what it stores. */
export type Binding = number | State;

/** Bindings that only replaced functions use. */
export const extraCount = ({ kernel: { reads = {}, writes = {} } }: Launch): number =>
  Object.keys(reads).length + Object.keys(writes).length;

/** A launch with what it binds; it looks at what it stores into outputs that are watched. */
export function watching(
  node: Node,
  launch: Launch,
  watched: ReadonlyMap<Value, State>,
): { readonly launch: Launch; readonly bindings: readonly Binding[] } {
  const bindings = bindingsOf(node, launch);
  const own = bindings.length - extraCount(launch);
  const numberOf = (at: number): number => (launch.uniform && at >= own ? at + 1 : at);
  const ledgerAt = (binding: number): State | undefined =>
    binding < 0 ? watched.get(node.outputs[-1 - binding]) : undefined;
  const stored = bindings.flatMap((binding, at) => (ledgerAt(binding) ? numberOf(at) : []));
  if (stored.length === 0) return { launch, bindings };
  const { kernel } = launch;
  const [ledger] = bindings.flatMap((binding) => ledgerAt(binding) ?? []);
  // A record that rides on the launch has bound it.
  const isBound = kernel.writes !== undefined && 'ledger' in kernel.writes;
  return {
    launch: {
      ...launch,
      kernel: {
        ...kernel,
        includes: [...(kernel.includes ?? []), lookAt],
        writes: { ...kernel.writes, ledger: 'atomic<u32>' },
        watched: stored,
      },
    },
    bindings: isBound ? bindings : [...bindings, ledger],
  };
}
