import type { Numbers } from '../core/shape.ts';
import type { State } from '../graph/graph.ts';
import type { Backend } from '../scheduler/backend.ts';

/** Does work that changes states, and puts them back as they were, whatever becomes of the work. */
export async function rehearse<T>(backend: Backend, states: Iterable<State>, work: () => Promise<T>): Promise<T> {
  const before = new Map<State, Numbers>();
  for (const state of states) if (!before.has(state)) before.set(state, await backend.readState(state));
  try {
    return await work();
  } finally {
    for (const [state, numbers] of before) backend.writeState(state, numbers);
  }
}
