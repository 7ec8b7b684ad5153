import { ShapeError } from '../../core/errors.ts';
import { layOut, type Page, type Range } from '../../core/parameterLayout.ts';
import { sizeOf } from '../../core/shape.ts';
import { isValue, type Graph, type State, type Value } from '../../graph/graph.ts';
import type { KeptValues } from '../../nn/generation.ts';
import type { Mode } from '../../nn/layer.ts';
import type { Measures } from '../../nn/losses.ts';
import type { BatchValues, Roles } from '../../nn/fieldRoles.ts';
import { Registry } from '../../nn/registry.ts';
import { Tracer, type Home } from '../../nn/tracer.ts';
import { isFrozenBy, scheduleSize } from '../../optim/optimizer.ts';
import { controlState } from '../../ops/training/control.ts';
import { ledgerState } from '../../ops/training/badStepLedger.ts';
import { takenBatch, uploadedBatch } from './batchValues.ts';
import { meanTally, measured, type Figure, type Measured } from './recordedMetrics.ts';
import type { Model, Phase } from '../model.ts';
import { Exposed, type Exposes } from './exposed.ts';
import { arenaOf, trainedPages } from './parameterPages.ts';
import { measuresOf, outputsOf, OWN_METRICS } from './phaseMeasures.ts';
import { mayTrain, requireTrained, stateOf, type PhaseStates } from './phaseStates.ts';
import { columnsOf, placed } from './metricsRing.ts';
import { fieldsIn, type Source, type Fields } from '../samples/sampleSource.ts';

export interface ModelOptions {
  readonly model: Model | undefined;
  readonly phases: readonly Phase[];
  readonly fields: Fields;
  readonly roles: Roles;
  readonly batchSize: number;
  readonly seed: number;
  /** Parts in which a step's samples are taken. */
  readonly microBatches: number;
  /** Of the moving average of the parameters; null to keep none. */
  readonly averageDecay: number | null;
  /** Whether each phase reports ‖gradients‖. */
  readonly gradientNorm: boolean;
  /** What steps leave beside. */
  readonly exposes: Required<Exposes>;
  /** Bytes of a page of parameters at most. */
  readonly largestPage: number;
}

/** A model with its phases, traced: its parameters have offsets, and every graph of it can be had. */
export class TracedModel {
  readonly registry: Registry;
  readonly pages: readonly Page[];
  /** Of each page its own, as of all arenas. */
  readonly parameters: readonly State[];
  /** The exponential moving average of the parameters, if one is kept. */
  readonly averages: readonly State[] | null;
  readonly control: State;
  /** Whether steps are sound; see ops/training/badStepLedger.ts. */
  readonly ledger: State;
  /** Which samples the next step takes, if it is taken as a whole. */
  readonly order: State;
  readonly evaluationControl: State;
  readonly evaluationLedger: State;
  readonly hostedControl: State;
  readonly exposed: Exposed;
  readonly phases: readonly PhaseStates[];
  readonly fields: Fields;
  readonly options: ModelOptions;
  readonly #totalsOf = new Map<Phase, State>();

  /** @throws ShapeError where layers do not fit each other or the fields; DeviceError for a parameter that fits no page */
  constructor(options: ModelOptions) {
    const { phases, fields, batchSize, seed, averageDecay, largestPage } = options;
    this.options = options;
    this.fields = fields;
    this.registry = new Registry(seed);
    const batch = this.uploadedBatch(batchSize);
    const tracer = new Tracer(this.registry, 'train', null);
    for (const phase of phases) this.measure(phase, tracer, batch);
    // Nothing is trained: the model is asked only.
    if (phases.length === 0) outputsOf(options.model!, new Tracer(this.registry, 'evaluate', null), batch);

    this.pages = this.#laidOut(phases, largestPage);
    const arena = (name: string): State[] => arenaOf(name, this.pages, (page) => this.registry.initialValues(page));
    this.parameters = arena('parameters');
    this.averages = averageDecay === null ? null : arena('averages');
    this.control = controlState('control', seed);
    this.ledger = ledgerState('ledger');
    this.order = stateOf('order', new Uint32Array(batchSize));
    this.evaluationControl = controlState('evaluation control', seed);
    this.evaluationLedger = ledgerState('evaluation ledger');
    this.hostedControl = controlState('hosted control', seed);
    this.exposed = new Exposed(options.exposes, batchSize);
    this.phases = phases.map((phase) => this.#statesOf(phase, phases.length > 1 ? `${phase.name}.` : ''));
  }

  #statesOf(phase: Phase, prefix: string): PhaseStates {
    const { registry } = this;
    const { optimizer } = phase;
    requireTrained(phase, registry);
    const decaying = new Map(registry.parameters.map(({ name, definition: { decays = true } }) => [name, decays]));
    const pages = trainedPages(optimizer, this.pages, this.parameters, prefix, (name) => ({
      trains: registry.isTrained(name) && mayTrain(phase, registry, name),
      decays: decaying.get(name)!,
    }));
    if (pages.length === 0) {
      throw new ShapeError(
        `[model] phase "${phase.name}" trains no parameter: look at \`trains\` and at what is frozen`,
      );
    }
    const schedule = new Float32Array(scheduleSize(optimizer));
    const { batchSize } = this.options;
    const measures = this.measure(phase, this.tracer('train'), this.uploadedBatch(batchSize));
    const figures = this.figuresOf(phase, 'train', measures, batchSize);
    return {
      figures,
      columns: columnsOf(figures, this.#ownMetrics.length, this.parts(batchSize).length),
      phase,
      prefix,
      pages,
      schedule: stateOf(`${prefix}schedule`, schedule, [schedule.length / 4, 4], 'optimizer'),
    };
  }

  /** What nobody trains has pages of its own, so that there are no gradients and no moments of it. */
  #laidOut(phases: readonly Phase[], largestPage: number): readonly Page[] {
    const { registry } = this;
    const entries = registry.parameters.map(({ name, definition: { shape } }) => ({ name, shape }));
    const isTrained = ({ name, shape }: (typeof entries)[number]): boolean => {
      const range = { name, shape, offset: 0, size: sizeOf(shape) };
      const byPhase = phases.some((phase) => mayTrain(phase, registry, name) && !isFrozenBy(phase.optimizer, range));
      return byPhase && registry.isTrained(name);
    };
    const still = entries.filter((entry) => !isTrained(entry));
    const trained = layOut(entries.filter(isTrained), largestPage);
    return still.length > 0 ? [...trained, ...layOut(still, largestPage)] : trained;
  }

  /** All parameters, in the order of their declaration. */
  get ranges(): readonly Range[] {
    const order = new Map(this.registry.parameters.map(({ name }, at) => [name, at]));
    return this.pages.flatMap(({ ranges }) => ranges).sort((a, b) => order.get(a.name)! - order.get(b.name)!);
  }

  #homeIn(arena: readonly State[], control: State): Home {
    const places = this.pages.flatMap(({ ranges }, at) =>
      ranges.map(({ name, offset }) => [name, { page: arena[at], offset }] as const),
    );
    return { places: new Map(places), control };
  }

  get #home(): Home {
    return this.#homeIn(this.parameters, this.control);
  }

  #evaluationHome(): Home {
    return this.#homeIn(this.averages ?? this.parameters, this.evaluationControl);
  }

  /** n samples that are given from outside. @param fields of other shapes than the model was traced with */
  uploadedBatch(n: number, fields = this.fields): BatchValues {
    return uploadedBatch(fields, this.options.roles, n);
  }

  /** The same, the samples of a source that `rows` names. */
  takenBatch(rows: Value, source: Source): BatchValues {
    return takenBatch(this.fields, this.options.roles, rows, source);
  }

  /** What a phase measures of a batch. */
  measure(phase: Phase, tracer: Tracer, batch: BatchValues): Measures {
    return measuresOf(this.options.model, phase, tracer, batch);
  }

  #prefixed({ name }: Phase, metric: string): string {
    return this.phases.length > 1 ? `${name}.${metric}` : metric;
  }

  /** The graph of the whole batch's loss and metrics in both modes, for what it says of the fields: which, and in what range. */
  batchGraph(fields = this.fields): Graph {
    const batch = this.uploadedBatch(this.options.batchSize, fields);
    const uses = this.phases.flatMap(({ phase }) => (['train', 'evaluate'] as const).map((mode) => ({ phase, mode })));
    const outputs = uses.map(({ phase, mode }, at) => {
      const measures = this.measure(phase, new Tracer(this.registry, mode, this.#home), batch);
      return Object.entries(measures).flatMap(([name, given]) =>
        (isValue(given) ? [given] : given.values).map((value, i) => [`${at}.${name}.${i}`, value] as const),
      );
    });
    return { outputs: Object.fromEntries(outputs.flat()), writes: [] };
  }

  /** Loss and metrics of a phase in a graph of n samples, of a source's shapes, as they are recorded. */
  figuresOf(phase: Phase, mode: Mode, measures: Measures, n: number, source?: Source): Measured[] {
    return measured(measures, (other) => this.measuresAt(phase, mode, other, source), n);
  }

  /** What a phase measures of n samples, not to be run; null if the model does not take as many. */
  measuresAt(phase: Phase, mode: Mode, n: number, source?: Source): Measures | null {
    const fields = source ? fieldsIn(source, this.fields) : this.fields;
    try {
      return this.measure(phase, this.tracer(mode), this.uploadedBatch(n, fields));
    } catch {
      return null;
    }
  }

  /** @param rows of a batch that is taken in parts */
  tracer(mode: Mode, rows?: Home['rows']): Tracer {
    const home = mode === 'train' ? this.#home : this.#evaluationHome();
    return new Tracer(this.registry, mode, rows ? { ...home, rows } : home);
  }

  /** A trace of the model as it is judged, of a text that is generated. */
  generationTracer(control: State, keeps: KeptValues): Tracer {
    return new Tracer(this.registry, 'generate', { ...this.#evaluationHome(), control, keeps });
  }

  /** A trace of the model as it is judged, by an encoder of a host's: what it draws depends on nothing else. */
  hostedTracer(): Tracer {
    return new Tracer(this.registry, 'evaluate', { ...this.#evaluationHome(), control: this.hostedControl });
  }

  /** What a set is judged by, in batches of n samples. */
  evaluationFigures(n: number): Figure[] {
    const batch = this.uploadedBatch(n);
    const tracer = this.tracer('evaluate');
    const figures = this.phases.flatMap(({ phase }) => {
      const own = this.figuresOf(phase, 'evaluate', this.measure(phase, tracer, batch), n);
      return own.map((figure) => ({ ...figure, name: this.#prefixed(phase, figure.name) }));
    });
    const places = placed(figures, [], columnsOf(figures, 0, 1), 0);
    return places.map((figure, at) => {
      const { mean } = figures[at];
      // Totals are recorded, not means.
      return mean ? { ...figure, tally: meanTally(sizeOf(mean.spec.shape)) } : figure;
    });
  }

  /** What a step reports: of each phase, what it measures, then what its update does. */
  trainingFigures(): Figure[] {
    let first = 0;
    return this.phases.flatMap((states) => {
      const { figures, columns } = states;
      const places = placed(figures, this.#ownMetrics, columns, first);
      first += columns.all;
      return places.map((figure) => ({ ...figure, name: this.#prefixed(states.phase, figure.name) }));
    });
  }

  /** Columns of the training ring. */
  get columns(): number {
    return this.phases.reduce((total, { columns }) => total + columns.all, 0);
  }

  get #ownMetrics(): readonly string[] {
    return this.options.gradientNorm ? OWN_METRICS : ['learningRate'];
  }

  /** Samples of each part of a step of n. */
  parts(n: number): number[] {
    const most = this.partRows;
    return Array.from({ length: Math.ceil(n / most) }, (_, at) => Math.min(most, n - at * most));
  }

  /** Samples of each but the last. */
  get partRows(): number {
    const { batchSize, microBatches } = this.options;
    return Math.ceil(batchSize / microBatches);
  }

  /** Where the parts of a step add up what must be known of all of them; null if that is nothing. */
  totals(phase: Phase, size: number): State | null {
    if (size === 0) return null;
    let state = this.#totalsOf.get(phase);
    if (!state) {
      state = stateOf(this.#prefixed(phase, 'totals'), new Float32Array(size));
      this.#totalsOf.set(phase, state);
    }
    return state;
  }

  /** @throws ShapeError unless steps have all that is to be exposed */
  requireExposed(): void {
    this.exposed.requireAll(this.trace());
  }

  /** A trace of the model, for its layers. */
  trace(): Tracer {
    const { model, batchSize } = this.options;
    const tracer = this.tracer('train');
    const batch = this.uploadedBatch(batchSize);
    for (const { phase } of this.phases.slice(0, model ? 1 : undefined)) this.measure(phase, tracer, batch);
    return tracer;
  }
}
