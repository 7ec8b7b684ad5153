import type { State } from '../../graph/graph.ts';
import type { Backend } from '../../scheduler/backend.ts';

/** Does work that changes states, and puts them back as they were, whatever becomes of the work. */
export async function rehearse<T>(backend: Backend, states: Iterable<State>, work: () => Promise<T>): Promise<T> {
  const all = [...new Set(states)];
  const before = await backend.readStates(all);
  try {
    return await work();
  } finally {
    all.forEach((state, at) => backend.writeState(state, before[at]));
  }
}
