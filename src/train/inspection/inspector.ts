import type { Dataset } from '../../data/dataset.ts';
import { uploadBatch, type Backend, type Executable } from '../../scheduler/backend.ts';
import { inspectionGraph, rehearsalGraph } from '../graphs/inspectionGraphs.ts';
import type { Prepared } from '../graphs/preparedModel.ts';
import type { Programs } from '../programs/programs.ts';
import { inspectStep, type Inspection, type InspectionGraph } from './inspect.ts';

/** What reads a step on some samples, and what rehearses its update. */
interface Inspecting {
  readonly inspection: InspectionGraph;
  readonly reader: Executable;
  readonly updater: Executable | null;
}

/** Looks at steps from within, by programs of its own. */
export class Inspector {
  readonly #backend: Backend;
  readonly #prepared: Prepared;
  readonly #programs: Programs;
  /** By number of samples. */
  readonly #inspections: Record<number, InspectionGraph> = {};

  constructor(backend: Backend, prepared: Prepared, programs: Programs) {
    this.#backend = backend;
    this.#prepared = prepared;
    this.#programs = programs;
  }

  /** Compiles what an inspection of so many samples needs. @param update whether it rehearses the update */
  async prepare(length: number, update: boolean): Promise<Inspecting> {
    const { traced } = this.#prepared;
    const inspection = (this.#inspections[length] ??= inspectionGraph(traced, length));
    const reader = await this.#programs.inspection(length, 'reading', () => inspection.graph);
    const updater = update
      ? await this.#programs.inspection(length, 'rehearsal', () => rehearsalGraph(traced, length))
      : null;
    return { inspection, reader, updater };
  }

  /** One step on samples that are sound. */
  inspect({ fields }: Dataset, { inspection, reader, updater }: Inspecting): Promise<Inspection> {
    const { traced, names } = this.#prepared;
    const batch = Object.fromEntries(names.map((name) => [name, fields[name].data]));
    for (const program of updater ? [reader, updater] : [reader]) uploadBatch(program, batch);
    return inspectStep(this.#backend, traced, inspection, reader, updater);
  }
}
