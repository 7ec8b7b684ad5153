import type { Graph } from '../../graph/graph.ts';
import type { Backend, Executable } from '../../scheduler/backend.ts';
import type { Feed } from '../graphs/batchValues.ts';
import { evaluationGraph, predictionGraph } from '../graphs/evaluationGraphs.ts';
import type { Prepared } from '../graphs/preparedModel.ts';
import { stepGraphs } from '../graphs/stepGraphs.ts';
import type { StepGraph } from '../graphs/stepUpdate.ts';
import { tableSource, type Fields, type Source } from '../samples/sampleSource.ts';
import { ResidentSets } from './residentSets.ts';
import { SourcePrograms, type StepProgram } from './sourcePrograms.ts';

/** All programs of a trainer, each made when it is first needed, and the samples that they read. */
export class Programs {
  /** The data sets that they read. */
  readonly sets: ResidentSets;
  readonly #backend: Backend;
  readonly #prepared: Prepared;
  /** By the rows and the shapes that they have. */
  readonly #tables = new Map<string, SourcePrograms>();
  readonly #unfed: SourcePrograms;
  #destroyed = false;

  constructor(backend: Backend, prepared: Prepared) {
    this.#backend = backend;
    this.#prepared = prepared;
    this.sets = new ResidentSets(backend, prepared);
    this.#unfed = new SourcePrograms(backend, { length: 0, fields: {} });
  }

  get #readers(): SourcePrograms[] {
    return [...this.sets.readers, ...this.#tables.values(), this.#unfed];
  }

  /** Room for samples that are brought there step by step. @param fields of the shapes that they have there */
  table(rows: number, fields: Fields = this.#prepared.traced.fields): Source {
    const { names } = this.#prepared;
    const key = `${rows} of ${names.map((name) => `[${fields[name].shape.join()}]`).join()}`;
    let reader = this.#tables.get(key);
    if (!reader) {
      // The first is for single batches. The others are for runs, and only one runs at a time, with tables of one length.
      for (const [other, table] of [...this.#tables].slice(1)) {
        if (table.source.length === rows) continue;
        this.#tables.delete(other);
        table.destroy();
      }
      reader = new SourcePrograms(this.#backend, tableSource(fields, names, rows));
      this.#tables.set(key, reader);
    }
    return reader.source;
  }

  #readerOf(source: Source): SourcePrograms {
    const reader = this.#readers.find((other) => other.source === source);
    if (!reader) throw new Error('[programs] the source was released while it was in use');
    return reader;
  }

  async #programs(
    reader: SourcePrograms,
    what: string,
    graphs: () => readonly StepGraph[],
    plainly = false,
  ): Promise<readonly StepProgram[]> {
    const programs = await reader.programs(what, graphs, plainly);
    if (!this.#destroyed) return programs;
    reader.destroy();
    throw new Error('[programs] they were destroyed while they were made');
  }

  /** The graphs of a training step of n samples. */
  stepGraphs(n: number, feed: Feed): readonly StepGraph[] {
    return stepGraphs(this.#prepared.traced, n, this.#prepared.ring, feed);
  }

  /** Its programs. */
  step(n: number, feed: Feed): Promise<readonly StepProgram[]> {
    const graphs = () => this.stepGraphs(n, feed);
    const what = `a step of ${n} samples${feed.shuffle ? ', shuffled' : ''}`;
    return this.#programs(this.#readerOf(feed.source), what, graphs);
  }

  /** Loss and metrics of n samples from where the evaluation's control stands. */
  evaluationGraph(n: number, source: Source): Graph {
    return evaluationGraph(this.#prepared.traced, n, this.#prepared.evaluationRing, source);
  }

  /** Its program. */
  async evaluation(n: number, source: Source): Promise<Executable> {
    const graphs = () => [{ graph: this.evaluationGraph(n, source), loss: null }];
    return (await this.#programs(this.#readerOf(source), `an evaluation of ${n} samples`, graphs))[0].program;
  }

  /** The model's outputs for n uploaded samples, which follow on parts of so many. */
  async prediction(n: number, most: number): Promise<Executable> {
    const graphs = () => [{ graph: predictionGraph(this.#prepared.traced, n, most), loss: null }];
    return (await this.#programs(this.#unfed, `a prediction of ${n} samples`, graphs))[0].program;
  }

  /** The model's outputs for all samples of a source, as a host records them. */
  async encodedPrediction(source: Source, graph: Graph): Promise<Executable> {
    const graphs = () => [{ graph, loss: null }];
    return (await this.#programs(this.#readerOf(source), 'a prediction in an encoder', graphs))[0].program;
  }

  /** Of n uploaded samples: a step that is read, or one that is rehearsed. */
  async inspection(n: number, kind: 'reading' | 'rehearsal', graph: () => Graph): Promise<Executable> {
    const graphs = () => [{ graph: graph(), loss: null }];
    return (await this.#programs(this.#unfed, `the ${kind} of an inspection of ${n} samples`, graphs, true))[0].program;
  }

  /** One token of a text that is generated, whose contexts have so many at most. */
  async generation(capacity: number, graph: Graph): Promise<Executable> {
    const graphs = () => [{ graph, loss: null }];
    return (await this.#programs(this.#unfed, `a generation with contexts of ${capacity} tokens`, graphs))[0].program;
  }

  destroy(): void {
    this.#destroyed = true;
    for (const reader of this.#readers) reader.destroy();
    this.sets.clear();
    this.#tables.clear();
  }
}
