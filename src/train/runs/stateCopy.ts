import type { State } from '../../graph/graph.ts';
import type { Backend } from '../../scheduler/backend.ts';
import type { TracedModel } from '../graphs/tracedModel.ts';

/** A copy, on the GPU, of what a model has learned: its parameters, their averages, what its layers keep, and more. */
export class StateCopy {
  readonly #backend: Backend;
  readonly #pairs: readonly (readonly [State, State])[];
  readonly #copies: ReadonlyMap<State, State>;
  readonly #which: string;
  /** Whether there is a copy. */
  holds = false;

  /** @param which of the weights it is a copy of */
  constructor(backend: Backend, traced: TracedModel, which = 'best', more: readonly State[] = []) {
    const { parameters, averages, registry } = traced;
    this.#backend = backend;
    this.#which = which;
    const learned = [...parameters, ...(averages ?? []), ...registry.states.values(), ...more];
    this.#pairs = learned.map((state) => [state, { ...state, name: `${which} ${state.name}` }]);
    this.#copies = new Map(this.#pairs);
  }

  /** Where the copy of a state is. */
  readonly copyOf = (state: State): State => this.#copies.get(state)!;

  /** Makes room for the copy. @param holds whether it is there already @throws DeviceError if there is no room */
  async prepare(holds: boolean): Promise<void> {
    this.holds = holds;
    await this.#backend.hold(
      `a copy of the ${this.#which} weights`,
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
