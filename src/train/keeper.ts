import type { State } from '../graph/graph.ts';
import type { Backend } from '../scheduler/backend.ts';
import type { TracedModel } from './model.ts';

/** A copy, on the GPU, of what a model has learned: its parameters, their averages, what its layers keep. */
export class Keeper {
  readonly #backend: Backend;
  readonly #pairs: readonly (readonly [State, State])[];
  readonly #copies: ReadonlyMap<State, State>;
  /** Whether there is a copy. */
  holds = false;

  constructor(backend: Backend, { parameters, averages, registry }: TracedModel) {
    this.#backend = backend;
    const learned = [...parameters, ...(averages ?? []), ...registry.states.values()];
    this.#pairs = learned.map((state) => [state, { ...state, name: `best ${state.name}` }]);
    this.#copies = new Map(this.#pairs);
  }

  /** Where the copy of a state is. */
  readonly copyOf = (state: State): State => this.#copies.get(state)!;

  /** Makes room for the copy. @param holds whether it is there already @throws DeviceError if there is no room */
  async prepare(holds: boolean): Promise<void> {
    this.holds = holds;
    await this.#backend.hold(
      'a copy of the best weights',
      this.#pairs.map(([, copy]) => copy),
    );
  }

  /** Copies what the last submitted step leaves. */
  keep(): void {
    this.#backend.copyStates(this.#pairs);
    this.holds = true;
  }

  /** Puts the copy back, if one was made. */
  restore(): void {
    if (this.holds) this.#backend.copyStates(this.#pairs.map(([state, copy]) => [copy, state]));
  }
}
