import type { NodeKey } from '../../src/flower/index.ts';
import { calls, SuperLink } from '../../src/flower/superLink.ts';

/** What says that a node has left, signed beforehand: a tab that is closed waits for no signature. */
export interface Farewell {
  readonly address: string;
  readonly request: RequestInit;
}

/** A SuperLink takes it for five minutes. */
export async function farewellOf(superlink: string, node: string, key: NodeKey): Promise<Farewell> {
  const link = new SuperLink(superlink, key, new AbortController().signal);
  const request = await link.prepared(calls.deactivate, { nodeId: BigInt(node) });
  return { address: superlink + calls.deactivate.path, request };
}
