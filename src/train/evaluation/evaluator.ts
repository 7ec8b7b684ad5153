import { DeviceError, ShapeError } from '../../core/errors.ts';
import { allocate, byteLength, formatSpec, sizeOf, type Numbers, type Spec } from '../../core/shape.ts';
import type { Dataset, Field } from '../../data/dataset.ts';
import { orderOf } from '../../graph/executionOrder.ts';
import type { Graph } from '../../graph/graph.ts';
import { asUseOf, inputOp } from '../../graph/leaf.ts';
import { statesOf } from '../../graph/states.ts';
import { PART, POSITION } from '../../ops/training/control.ts';
import { uploadBatch, type Backend, type Executable, type Fed } from '../../scheduler/backend.ts';
import { largestPrediction, predictionGraph } from '../graphs/evaluationGraphs.ts';
import {
  amountIn,
  namesOfNothing,
  nothingCounts,
  together,
  type Amount,
  type Figure,
} from '../graphs/recordedMetrics.ts';
import type { Given } from '../samples/givenData.ts';
import type { Evaluation, Prediction, Warn } from '../options.ts';
import { byName, KeptOutputs, type GpuPrediction } from './gpuPrediction.ts';
import { SubmitLength } from '../runs/submitLength.ts';
import { rowsOf, withLoss, type Prepared } from '../graphs/preparedModel.ts';
import type { Programs } from '../programs/programs.ts';
import type { Source } from '../samples/sampleSource.ts';

/** Reads a trainer's states and leaves them alone. */
export class Evaluator {
  readonly #backend: Backend;
  readonly #prepared: Prepared;
  readonly #programs: Programs;
  readonly #batchSize: number;
  readonly #predicts: number | undefined;
  readonly #warn: Warn;
  /** Sets of which it was said that nothing counts there. */
  readonly #told = new WeakSet<Dataset>();
  #example: Graph | undefined;
  readonly #kept: KeptOutputs;

  /** @param predicts samples that are predicted at once, where the model takes no other number */
  constructor(
    backend: Backend,
    prepared: Prepared,
    programs: Programs,
    batchSize: number,
    warn: Warn,
    predicts?: number,
  ) {
    this.#predicts = predicts;
    this.#backend = backend;
    this.#prepared = prepared;
    this.#programs = programs;
    this.#batchSize = batchSize;
    this.#warn = warn;
    this.#kept = new KeptOutputs(backend);
  }

  /** Loss and metrics over a whole set, in batches of at most `batchSize`; what is left has a program of its own size. */
  evaluate(given: Given): Promise<Evaluation> {
    const data = given.set;
    const work = async (source: Source): Promise<Evaluation> => {
      const figures = this.#prepared.evaluationFigures;
      const batches = await this.#batchesOf(data.length, source);
      let amounts: readonly Amount[] | undefined;
      for await (const { batch, row } of this.#rows(batches)) {
        amounts = together(
          figures,
          amounts,
          batch.figures.map((figure) => amountIn(figure, row, [batch.n])),
        );
      }
      this.#tellOfNothing(data, amounts!);
      return withLoss(this.#prepared, figures, amounts!);
    };
    return this.#programs.sets.withResident(given, work, this.#graphsOf(data.length));
  }

  /** Compiles what `evaluate` needs. */
  async prepare(given: Given): Promise<void> {
    const { length } = given.set;
    await this.#programs.sets.withResident(given, (source) => this.#batchesOf(length, source), this.#graphsOf(length));
  }

  /** Keeps a set where `evaluate` will need it. */
  reside(given: Given): Promise<{ release(): void }> {
    return this.#programs.sets.reside(given, this.#graphsOf(given.set.length));
  }

  /** What `evaluate` will run. */
  #graphsOf(length: number): (source: Source) => readonly Graph[] {
    const size = Math.min(this.#batchSize, length);
    const sizes = [size, ...(length % size > 0 ? [length % size] : [])];
    return (source) => sizes.map((n) => this.#programs.evaluationGraph(n, source));
  }

  /** What a set is cut into, the last with what is left. */
  async #batchesOf(length: number, source: Source): Promise<readonly Batch[]> {
    const size = Math.min(this.#batchSize, length);
    const batchOf = async (n: number): Promise<Batch> => {
      const figures = this.#prepared.traced.evaluationFigures(n);
      return { n, program: await this.#programs.evaluation(n, source), figures };
    };
    const whole = await batchOf(size);
    const batches = Array.from({ length: Math.floor(length / size) }, () => whole);
    return length % size > 0 ? [...batches, await batchOf(length % size)] : batches;
  }

  /** Once for each set. */
  #tellOfNothing(data: Dataset, amounts: readonly Amount[]): void {
    const names = namesOfNothing(this.#prepared.evaluationFigures, amounts);
    if (names.length === 0 || this.#told.has(data)) return;
    this.#told.add(data);
    this.#warn(`[evaluate] ${nothingCounts(names)} of the ${data.length} samples counts`);
  }

  /** What each batch left in the ring, several batches a submit. */
  async *#rows(batches: readonly Batch[]): AsyncGenerator<{ batch: Batch; row: Numbers }> {
    const { evaluationRing, traced } = this.#prepared;
    const columns = evaluationRing.spec.shape[1];
    const submitLength = SubmitLength.on(this.#backend.kind, 'auto');
    for (let start = 0; start < batches.length;) {
      const some = batches.slice(start, start + submitLength.steps);
      const control = traced.evaluationControl.initial();
      control[POSITION] = start * batches[0].n;
      const begun = performance.now();
      this.#backend.writeState(traced.evaluationControl, control);
      const rows = await this.#backend.runAndRead(
        some.map(({ program }) => program),
        evaluationRing,
        rowsOf(evaluationRing, 0, some.length),
      );
      submitLength.took(some.length, (performance.now() - begun) / 1000);
      for (const [at, batch] of some.entries()) yield { batch, row: rows.subarray(at * columns, (at + 1) * columns) };
      start += some.length;
    }
  }

  /** The fields that a prediction reads. */
  get inputs(): readonly string[] {
    return fieldNames(this.#traced);
  }

  /** A prediction for a batch, not compiled: its fields, and its outputs' shapes for one sample. */
  get #traced(): Graph {
    return (this.#example ??= predictionGraph(this.#prepared.traced, this.#batchSize, this.#batchSize));
  }

  /** Samples that one program predicts at most. */
  get #most(): number {
    return this.#predicts ?? largestPrediction(this.#traced, this.#batchSize, this.#backend.largestBinding);
  }

  /** Compiles what a prediction of so many samples needs. */
  async preparePrediction(length: number): Promise<void> {
    const most = this.#most;
    const sizes = [...(length > most ? [most] : []), length % most];
    for (const size of sizes) if (size > 0) await this.#programs.prediction(this.#predicts ?? paddedSize(size), most);
  }

  /**
   * The model's outputs for every sample of a set, in programs of a power of two: what is missing to one is filled with
   * other samples, which a model that mixes its samples would notice.
   */
  async predict<O>(data: Dataset): Promise<Prediction<O>> {
    const outputs = this.#outputsOf(data.length).map((output) => ({ ...output, data: allocate(output) }));
    for await (const { program, start, count, states, batch } of this.#partsOf(data)) {
      for (const [state, numbers] of states) this.#backend.writeState(state, numbers);
      uploadBatch(program, batch);
      this.#backend.run([program]);
      const numbers = await this.#backend.readOutputs(program);
      for (const { name, shape, data: into } of outputs) {
        const size = sizeOf(shape.slice(1));
        into.set(numbers[name].subarray(0, count * size), start * size);
      }
    }
    return byName(outputs) as Prediction<O>;
  }

  /** The same, left on the device, one call behind the other. @throws DeviceError on the CPU */
  async predictOnGpu<O>(data: Dataset): Promise<GpuPrediction<O>> {
    if (this.#backend.kind !== 'webgpu') {
      throw new DeviceError(
        '[predictOnGpu] it runs on the CPU, where there are no GPU buffers: ask predict, or take WebGPU',
      );
    }
    return this.#kept.inTurn(async () => {
      const outputs = this.#outputsOf(data.length);
      const stateOf = await this.#kept.roomFor(outputs);
      for await (const { program, start, count, ...given } of this.#partsOf(data)) {
        const kept = outputs.map(({ name, shape }) => {
          const size = sizeOf(shape.slice(1));
          return { output: name, count: count * size, state: stateOf(name), at: start * size };
        });
        await this.#backend.runAndKeep(program, given, kept);
      }
      const ranges = outputs.map((output) => {
        return { ...output, ...this.#backend.regionOf(stateOf(output.name)), size: byteLength(output) };
      });
      return byName(ranges) as GpuPrediction<O>;
    });
  }

  /** What so many samples come to. @throws ShapeError unless each has its own share of each output */
  #outputsOf(length: number): readonly ({ readonly name: string } & Spec)[] {
    return Object.entries(this.#traced.outputs).map(([name, { spec }]) => {
      if (spec.shape[0] === this.#batchSize)
        return { name, dtype: spec.dtype, shape: [length, ...spec.shape.slice(1)] };
      throw new ShapeError(
        `[predict] output "${name}" is ${formatSpec(spec)} for ${this.#batchSize} samples: its first axis must be the samples`,
      );
    });
  }

  /** The parts in which samples are predicted. */
  async *#partsOf({ length, fields }: Dataset): AsyncGenerator<Part> {
    const control = this.#prepared.traced.evaluationControl;
    const most = this.#most;
    for (let start = 0; start < length; start += most) {
      const count = Math.min(most, length - start);
      const n = this.#predicts ?? paddedSize(count);
      const program = await this.#programs.prediction(n, most);
      const words = control.initial();
      words[PART] = start / most;
      const states = statesOf(program.graph).has(control) ? [[control, words] as const] : [];
      const rows = [...program.fields.keys()].map((name) => [name, rowsFrom(fields[name], start, count, n)] as const);
      yield { program, start, count, states, batch: Object.fromEntries(rows) };
    }
  }
}

/** Samples of a prediction's program: a power of two, so that a few programs serve every number of samples. */
const paddedSize = (samples: number): number => 2 ** Math.ceil(Math.log2(samples));

/** Some of the samples of a prediction, and what its program is given for them. */
interface Part extends Fed {
  readonly program: Executable;
  readonly start: number;
  readonly count: number;
}

/** A batch of n samples, and what it records. */
interface Batch {
  readonly n: number;
  readonly program: Executable;
  readonly figures: readonly Figure[];
}

/** `count` samples from `start` on, and the first of them again and again where `n` are needed. */
function rowsFrom({ data, shape, dtype }: Field, start: number, count: number, n: number): Numbers {
  const size = sizeOf(shape);
  const rows = data.subarray(start * size, (start + count) * size);
  if (count === n) return rows;
  const padded = allocate({ shape: [n, ...shape], dtype });
  for (let row = 0; row < n; row += count) padded.set(rows.subarray(0, Math.min(count, n - row) * size), row * size);
  return padded;
}

const fieldNames = (graph: Graph): string[] => orderOf(graph).flatMap((node) => asUseOf(inputOp, node)?.label ?? []);
