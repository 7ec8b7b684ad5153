import { ShapeError } from '../core/errors.ts';
import { allocate, formatSpec, sizeOf, type Numbers } from '../core/shape.ts';
import type { Dataset } from '../data/dataset.ts';
import { orderOf, type Graph } from '../graph/graph.ts';
import { asUseOf, inputOp } from '../graph/leaf.ts';
import { SampleStream } from '../data/order.ts';
import type { Backend, Executable } from '../scheduler/backend.ts';
import { Feed } from './feed.ts';
import { RING_ROWS } from './model.ts';
import type { Evaluation, Prediction } from './options.ts';
import { withLoss, type Prepared } from './prepared.ts';

/** Samples that one program predicts at most. */
const LARGEST_PREDICTION = 1024;

/** Programs that read a trainer's states and leave them alone, one for each number of samples that is needed. */
export class Evaluator {
  readonly #backend: Backend;
  readonly #prepared: Prepared;
  readonly #batchSize: number;
  readonly #evaluations = new Map<number, Promise<Executable>>();
  readonly #predictions = new Map<number, Promise<Executable>>();
  readonly programs: Executable[] = [];
  #traced: Graph | undefined;

  constructor(backend: Backend, prepared: Prepared, batchSize: number) {
    this.#batchSize = batchSize;
    this.#backend = backend;
    this.#prepared = prepared;
  }

  /** Loss and metrics over a whole set, in batches of at most `batchSize`. */
  async evaluate(data: Dataset): Promise<Evaluation> {
    const { metrics, evaluationRing, traced } = this.#prepared;
    const size = Math.min(this.#batchSize, data.length);
    const totals = metrics.map(() => 0);
    const { evaluationControl } = traced;
    // The CPU works as it is called, and lets others have a turn only where something is read.
    const rowsAtOnce = this.#backend.kind === 'cpu' ? 1 : RING_ROWS;
    const stream = new SampleStream(data.length, 0, false);
    const run = async (n: number, firstRow: number, batches: number): Promise<void> => {
      const program = await this.#evaluation(n);
      const feed = new Feed(data, [...program.fields.keys()], stream, n, firstRow);
      for (let start = 0; start < batches; start += rowsAtOnce) {
        const count = Math.min(rowsAtOnce, batches - start);
        this.#backend.writeState(evaluationControl, evaluationControl.initial());
        let ring: Promise<Numbers> | undefined;
        for (let at = 0; at < count; at++) {
          feed.load(start + at, [program]);
          if (at < count - 1) this.#backend.run([program]);
          else ring = this.#backend.runAndRead([program], evaluationRing);
        }
        const rows = await ring!;
        for (let row = 0; row < count; row++) {
          totals.forEach((_, j) => (totals[j] += rows[row * totals.length + j] * n));
        }
      }
    };
    const whole = Math.floor(data.length / size);
    await run(size, 0, whole);
    const rest = data.length - whole * size;
    if (rest > 0) await run(rest, whole * size, 1);
    const means = totals.map((total) => total / data.length);
    return withLoss(metrics, means);
  }

  async #compile(graph: Graph): Promise<Executable> {
    const program = await this.#backend.compile(graph);
    this.programs.push(program);
    return program;
  }

  #evaluation(n: number): Promise<Executable> {
    const { traced, evaluationRing } = this.#prepared;
    return cached(this.#evaluations, n, () => this.#compile(traced.evaluationGraph(n, evaluationRing)));
  }

  /** The fields that a prediction reads. */
  get inputs(): readonly string[] {
    return fieldNames(this.#example);
  }

  /** A prediction for a batch, not compiled: its fields, and its outputs' shapes for one sample. */
  get #example(): Graph {
    return (this.#traced ??= this.#prepared.traced.predictionGraph(this.#batchSize));
  }

  /**
   * The model's outputs for every sample of a set, in programs of a power of two: what is missing to one is filled with
   * other samples, which a model that mixes its samples would notice.
   */
  async predict(data: Dataset): Promise<Prediction> {
    const example = this.#example;
    const names = fieldNames(example);
    const outputs = Object.entries(example.outputs).map(([name, value]) => {
      if (value.spec.shape[0] !== this.#batchSize) {
        throw new ShapeError(
          `[predict] output "${name}" is ${formatSpec(value.spec)} for ${this.#batchSize} samples: its first axis must be the samples`,
        );
      }
      const shape = [data.length, ...value.spec.shape.slice(1)];
      return { name, shape, data: allocate({ shape, dtype: value.spec.dtype }) };
    });
    const stream = new SampleStream(data.length, 0, false);
    for (let start = 0; start < data.length;) {
      const left = Math.min(LARGEST_PREDICTION, data.length - start);
      // Padded up to a power of two, so that a few programs serve every number of samples.
      const n = 2 ** Math.ceil(Math.log2(left));
      const program = await this.#prediction(n);
      new Feed(data, names, stream, n, start).load(0, [program]);
      this.#backend.run([program]);
      const rows = left;
      const first = start;
      // All copies are submitted before anything is awaited, so that another prediction cannot come in between.
      const copies = outputs.map(async ({ name, shape, data: into }) => {
        const size = sizeOf(shape.slice(1));
        const numbers = await this.#backend.readOutput(program, name);
        into.set(numbers.subarray(0, rows * size), first * size);
      });
      await Promise.all(copies);
      start += left;
    }
    const byName = Object.fromEntries(outputs.map(({ name, ...output }) => [name, output]));
    return { ...byName[outputs[0].name], outputs: byName };
  }

  #prediction(n: number): Promise<Executable> {
    const { traced } = this.#prepared;
    return cached(this.#predictions, n, () => this.#compile(traced.predictionGraph(n)));
  }
}

const fieldNames = (graph: Graph): string[] => orderOf(graph).flatMap((node) => asUseOf(inputOp, node)?.label ?? []);

/** The promise is kept, so that two who ask at once share one program; a failure is forgotten. */
function cached(
  programs: Map<number, Promise<Executable>>,
  n: number,
  make: () => Promise<Executable>,
): Promise<Executable> {
  let program = programs.get(n);
  if (!program) {
    program = make();
    programs.set(n, program);
    program.catch(() => programs.delete(n));
  }
  return program;
}
