import { digestOf } from '../../core/digest.ts';
import { FormatError } from '../../core/errors.ts';
import type { Bytes } from '../../core/globalTypes.ts';
import { joined, type Numbers } from '../../core/shape.ts';
import { readStored } from '../../data/safetensors.ts';
import { EPOCH, POSITION, STEP } from '../../ops/training/control.ts';
import type { Backend } from '../../scheduler/backend.ts';
import type { Note } from '../../scheduler/recovery.ts';
import { checkpointFile, keptOf, progressIn, requireWholeFile, weightsOf, writesIn } from './checkpoint.ts';
import type { RunBefore } from '../runs/runParts.ts';
import type { StateCopy } from '../runs/stateCopy.ts';
import type { StepSubmitter } from '../runs/stepSubmitter.ts';
import { putLearned } from './learnedStates.ts';
import type { Loaded } from './loadResult.ts';
import type { Prepared } from '../graphs/preparedModel.ts';
import { formatSteps } from '../programs/formatSteps.ts';
import type { StepProgram } from '../programs/sourcePrograms.ts';
import type { Moment, StreamPlace } from './moment.ts';
import type { Progress } from './progress.ts';
import { fittingIn } from './weights.ts';

/** A trainer's parts, and what only it knows. */
interface SaverOptions {
  readonly backend: Backend;
  readonly prepared: Prepared;
  readonly submitter: StepSubmitter;
  readonly stateCopy: StateCopy;
  readonly single: readonly StepProgram[];
  readonly batchSize: number;
  readonly seed: number;
}

/** What a trainer is to go on with. */
export interface Resumed {
  readonly loaded: Loaded;
  readonly stream: StreamPlace | null;
  readonly run: RunBefore | null;
}

/** Puts where a trainer is into a file, and a trainer where a file says. */
export class Saver {
  readonly #options: SaverOptions;
  #digest: string | undefined;

  constructor(options: SaverOptions) {
    this.#options = options;
  }

  /** Of the step's graphs as they are printed: whatever training depends on is in them. */
  get #graph(): string {
    return (this.#digest ??= digestOf(new TextEncoder().encode(formatSteps(this.#options.single))));
  }

  /** What is to be kept at a moment. */
  #keptAt({ known: { run } }: Moment): ReturnType<typeof keptOf> {
    const { prepared, stateCopy } = this.#options;
    return keptOf(prepared.traced, run?.keeps ? stateCopy.copyOf : null);
  }

  /** What makes a file of a moment, once it is known what states held then. */
  fileOf(moment: Moment, rows: Numbers | null, metadata: Readonly<Record<string, string>>): Note['file'] {
    const { known, isEncoding } = moment;
    const kept = this.#keptAt(moment);
    const graph = this.#graph;
    return (numbersOf) => {
      const control = numbersOf(this.#options.prepared.traced.control);
      const there = isEncoding ? { epoch: control[EPOCH], position: control[POSITION] } : {};
      const stream = known.stream && { ...known.stream, ...there };
      const progress = { ...known, step: control[STEP], stream, graph };
      return checkpointFile(kept, numbersOf, progress, rows ?? joined([]), metadata);
    };
  }

  /** @param moment which is now */
  async save(moment: Moment, metadata: Readonly<Record<string, string>> = {}): Promise<Bytes> {
    const states = [...new Set(this.#keptAt(moment).map(({ state }) => state))];
    const [numbers, rows] = await Promise.all([this.#options.backend.readStates(states), moment.rows]);
    const held = new Map(states.map((state, at) => [state, numbers[at]]));
    return this.fileOf(moment, rows, metadata)((state) => held.get(state)!);
  }

  /** Why a checkpoint is of another training, and cannot go on in this one. */
  #strangeness({ graph, batchSize, seed }: Progress): string[] {
    const own = this.#options;
    return [
      ...(batchSize === own.batchSize ? [] : [`batchSize was ${batchSize} and is ${own.batchSize}`]),
      ...(seed === own.seed ? [] : [`seed was ${seed} and is ${own.seed}`]),
      ...(graph === this.#graph || batchSize !== own.batchSize
        ? []
        : ['the model, its loss, its optimizer or the fields of its data are others']),
    ];
  }

  /** Why the same training has other roundings here. */
  #roundings({ adapter, kernels }: Progress): string[] {
    const { backend } = this.#options;
    if (adapter !== backend.adapter) return [`it was saved on ${adapter}, and goes on on ${backend.adapter}`];
    const [then, now] = [kernels?.forms ?? {}, backend.kernels?.forms ?? {}];
    const differs = Object.keys(now).find((kind) => Object.hasOwn(then, kind) && then[kind] !== now[kind]);
    return differs === undefined
      ? []
      : [`${differs} had a kernel of another form: create the trainer with kernels as they are given here`];
  }

  /**
   * @param file its name, for messages
   * @throws FormatError, replacing nothing, if the file is broken; where `strict`, if it is no checkpoint of this training
   */
  async load(bytes: Uint8Array, file: string, strict: boolean): Promise<Resumed> {
    const { tensors, metadata } = readStored(file, bytes);
    const progress = progressIn(file, metadata);
    requireWholeFile(bytes, file, metadata);
    const strange = progress ? this.#strangeness(progress) : ['it holds weights alone'];
    if (progress && strange.length === 0) return this.#resume(progress, tensors, file);
    if (!strict) return this.#take(bytes, file, strange);
    throw new FormatError(
      `[checkpoint] ${file} cannot go on here: ${strange.join('; ')}: create the trainer as it was, or give strict: false to take the weights that fit`,
    );
  }

  async #resume(progress: Progress, tensors: Parameters<typeof writesIn>[2], file: string): Promise<Resumed> {
    const { backend, prepared, submitter, stateCopy } = this.#options;
    const { step, rateFactor, optimizersFrom = 0, stream, run } = progress;
    const kept = keptOf(prepared.traced, run?.keeps ? stateCopy.copyOf : null);
    const { writes, rows } = writesIn(kept, file, tensors);
    const { columns } = prepared.traced;
    if (rows.length !== (run?.unreported.length ?? 0) * columns) {
      throw new FormatError(
        `[checkpoint] ${file} has ${rows.length} numbers of ${run?.unreported.length ?? 0} unreported steps of ${columns} each: it was damaged; load another one`,
      );
    }
    if (run?.keeps) await stateCopy.prepare(true);
    for (const { state, numbers, offset } of writes) backend.writeState(state, numbers, offset);
    submitter.goOn(step, writes.find(({ state }) => state === prepared.traced.ledger)!.numbers);
    submitter.rateFactor = rateFactor;
    submitter.optimizersFrom = optimizersFrom;
    const why = this.#roundings(progress);
    const loaded = {
      exact: why.length === 0,
      why,
      kernels: progress.kernels,
      step,
      missing: [],
      leftOver: [],
      unfit: {},
    };
    const left = { samples: run?.unreported ?? [], rows: Promise.resolve(rows) };
    return { loaded, stream, run: run && { progress: run, left } };
  }

  /** The weights that fit, by name; all else stays. */
  #take(bytes: Uint8Array, file: string, why: readonly string[]): Resumed {
    const { backend, prepared, submitter } = this.#options;
    const { tensors, ...fitting } = fittingIn(weightsOf(prepared.traced), file, bytes);
    putLearned(backend, prepared.traced, tensors);
    return { loaded: { exact: false, why, kernels: null, step: submitter.step, ...fitting }, stream: null, run: null };
  }
}
