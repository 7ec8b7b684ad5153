import type { Graph } from '../../graph/graph.ts';
import type { Backend, Executable } from '../../scheduler/backend.ts';
import type { StepGraph } from '../graphs/stepUpdate.ts';
import { statesIn, type Source } from '../samples/sampleSource.ts';

/** One program of a step. */
export interface StepProgram extends Pick<StepGraph, 'loss'> {
  readonly program: Executable;
}

/** A source with the programs that read it. */
export class SourcePrograms {
  readonly source: Source;
  /** Runs and evaluations that use it now. */
  users = 0;
  readonly #programs = new Map<string, Promise<readonly StepProgram[]>>();
  readonly made: Executable[] = [];
  /** Lets go of what its states hold at first, once they do. */
  readonly settle: () => void;
  readonly #backend: Backend;

  constructor(backend: Backend, source: Source, settle = (): void => {}) {
    this.#backend = backend;
    this.source = source;
    this.settle = settle;
  }

  /**
   * The programs of some graphs, some of which may be the same. Two who ask at once share them; a failure is forgotten.
   * @param what they do, in words
   */
  programs(what: string, graphs: () => readonly StepGraph[], plainly = false): Promise<readonly StepProgram[]> {
    let programs = this.#programs.get(what);
    if (!programs) {
      programs = this.#compile(what, graphs(), plainly);
      this.#programs.set(what, programs);
      programs.catch(() => this.#programs.delete(what));
    }
    return programs;
  }

  async #compile(what: string, graphs: readonly StepGraph[], plainly: boolean): Promise<readonly StepProgram[]> {
    const compiled = new Map<Graph, Executable>();
    const all = new Set(graphs.map(({ graph }) => graph));
    // A step may have several programs: none is made unless there is room for all.
    this.#backend.requireRoom(what, { graphs: () => [...all], plainly });
    for (const graph of all) {
      const program = await this.#backend.compile(graph, plainly);
      compiled.set(graph, program);
      this.made.push(program);
    }
    return graphs.map(({ graph, loss }) => ({ program: compiled.get(graph)!, loss }));
  }

  destroy(): void {
    for (const program of this.made.splice(0)) program.destroy();
    this.#backend.release(statesIn(this.source));
  }
}
