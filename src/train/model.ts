import { ShapeError } from '../core/errors.ts';
import { layOut, type Page, type Range } from '../core/layout.ts';
import { sizeOf, spec } from '../core/shape.ts';
import { isValue, storageOf, type Graph, type Purpose, type State, type Value } from '../graph/graph.ts';
import { isLeaf, read } from '../graph/leaf.ts';
import type { Mode, Module, Values } from '../nn/layer.ts';
import type { Loss, Measures } from '../nn/losses.ts';
import { inputOf, type BatchValues, type Roles } from '../nn/roles.ts';
import { described, requireKind } from '../core/given.ts';
import { Registry, requireGiven, traced, Tracer, type Home } from '../nn/tracer.ts';
import { matches, SCHEDULE_ROWS, scheduleSize, type Optimizer } from '../optim/optimizer.ts';
import { mul } from '../ops/pointwise/arithmetic.ts';
import { controlState } from '../ops/training/control.ts';
import { ledgerState } from '../ops/training/ledger.ts';
import { record, type LossCells, type Recorded } from '../ops/training/record.ts';
import { recordNumbers } from '../ops/training/recordNumbers.ts';
import { nextOrder, sampleOrder } from '../ops/data/samples.ts';
import { pack } from '../ops/shaping/pack.ts';
import { part } from '../ops/shaping/views.ts';
import { average, addShare } from '../optim/accumulate.ts';
import { wholeNorm } from '../optim/norms.ts';
import { differentiate } from '../transform/differentiate.ts';
import { simplify } from '../transform/simplify.ts';
import { streamOf, takenBatch, uploadedBatch, type Feed } from './batches.ts';
import { columnsOf, placed, type Columns } from './columns.ts';
import { figureOf, meanTally, measured, type Figure, type Measured } from './figures.ts';
import { inspected, type InspectionGraph } from './inspect.ts';
import { arenaOf, packed, trainedPages, trainedRanges, updatedPages, type TrainedPage } from './pages.ts';
import { partLoss, totalsOf } from './partLoss.ts';
import type { Fields, Source } from './source.ts';

/** A model as the trainer takes it: from a value, or several by name, to a value, or several. */
// oxlint-disable-next-line typescript/no-explicit-any -- a model's own input type meets the batch only when it is traced
export type Model<O = any> = Module<any, O>;

/** One loss with its optimizer, and the parameters that it may change. */
// oxlint-disable-next-line typescript/no-explicit-any -- as in Loss
export interface Phase<O = any, F extends string = any> {
  /** In front of its metrics: `discriminator.loss`. */
  readonly name: string;
  readonly loss: Loss<O, F>;
  readonly optimizer: Optimizer;
  /** Layers, or names of parameters or of what they lie below; all parameters if left out. */
  readonly trains?: readonly (object | string)[];
}

/** Rows of the metrics' ring: as many steps may pass before it is read. */
export const RING_ROWS = 1024;

/** Samples that one program predicts at most. */
export const LARGEST_PREDICTION = 1024;

/** What steps report beside a phase's own metrics. */
const OWN_METRICS = ['gradientNorm', 'learningRate'];

/** The states of one phase's optimizer. */
interface PhaseStates {
  readonly phase: Phase;
  /** Of its states' names. */
  readonly prefix: string;
  /** Those of which it trains something. */
  readonly pages: readonly TrainedPage[];
  readonly schedule: State;
  /** What it measures of a step of `batchSize` samples, and where that is recorded. */
  readonly figures: readonly Measured[];
  readonly columns: Columns;
}

/** A metric that is a parameter itself is copied before the update changes it. */
const detached = (value: Value): Value => (isLeaf(storageOf(value).root.node) ? mul(value, 1) : value);

const stateOf = (
  name: string,
  like: Float32Array | Uint32Array,
  shape: readonly number[] = [like.length],
  purpose: Purpose = 'other',
): State => ({
  name,
  purpose,
  spec: spec(shape, like instanceof Uint32Array ? 'u32' : 'f32'),
  initial: () => like,
});

/** The figures that are recorded as means. */
const meansOf = (figures: readonly Measured[]): Value[] => figures.flatMap(({ mean }) => (mean ? detached(mean) : []));

/** One graph of a step. */
export interface StepGraph {
  readonly graph: Graph;
  /** The loss that it records, and of which share of the step's samples; null if it records none. */
  readonly loss: { readonly figure: Figure; readonly share: number } | null;
}

/** What a phase's part of a step works with. */
interface PhaseStep {
  readonly states: PhaseStates;
  readonly feed: Feed;
  readonly ring: State;
  /** The first of its columns there. */
  readonly column: number;
  readonly loss: Figure;
  /** Samples of the step. */
  readonly n: number;
  readonly isLast: boolean;
}

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
  /** Whether steps are sound; see ops/training/ledger.ts. */
  readonly ledger: State;
  /** Which samples the next step takes, if it is taken as a whole. */
  readonly order: State;
  readonly evaluationControl: State;
  readonly evaluationLedger: State;
  readonly phases: readonly PhaseStates[];
  readonly fields: Fields;
  readonly #options: ModelOptions;
  readonly #totalsOf = new Map<Phase, State>();

  /** @throws ShapeError where layers do not fit each other or the fields; DeviceError for a parameter that fits no page */
  constructor(options: ModelOptions) {
    const { phases, fields, batchSize, seed, averageDecay, largestPage } = options;
    this.#options = options;
    this.fields = fields;
    this.registry = new Registry(seed);
    const batch = this.#uploadedBatch(batchSize);
    const tracer = new Tracer(this.registry, 'train', null);
    for (const phase of phases) this.#measure(phase, tracer, batch);

    const shapes = this.registry.parameters.map(({ name, definition: { shape } }) => ({ name, shape }));
    this.pages = layOut(shapes, largestPage);
    const arena = (name: string): State[] => arenaOf(name, this.pages, (page) => this.registry.initialValues(page));
    this.parameters = arena('parameters');
    this.averages = averageDecay === null ? null : arena('averages');
    this.control = controlState('control', seed);
    this.ledger = ledgerState('ledger');
    this.order = stateOf('order', new Uint32Array(batchSize));
    this.evaluationControl = controlState('evaluation control', seed);
    this.evaluationLedger = ledgerState('evaluation ledger');
    this.phases = phases.map((phase) => this.#statesOf(phase, phases.length > 1 ? `${phase.name}.` : ''));
  }

  #statesOf(phase: Phase, prefix: string): PhaseStates {
    const { registry } = this;
    const { optimizer } = phase;
    this.#requireTrained(phase);
    const decaying = new Map(registry.parameters.map(({ name, definition: { decays = true } }) => [name, decays]));
    const pages = trainedPages(optimizer, this.pages, this.parameters, prefix, (name) => ({
      trains: registry.isTrained(name) && this.#chosen(phase, name),
      decays: decaying.get(name)!,
    }));
    if (pages.length === 0) {
      throw new ShapeError(
        `[model] phase "${phase.name}" trains no parameter: look at \`trains\` and at what is frozen`,
      );
    }
    const schedule = new Float32Array(scheduleSize(optimizer));
    const { batchSize } = this.#options;
    const measures = this.#measure(phase, this.#tracer('train'), this.#uploadedBatch(batchSize));
    const figures = this.#figures(phase, 'train', measures, batchSize);
    return {
      figures,
      columns: columnsOf(figures, this.#ownMetrics.length, this.parts(batchSize).length),
      phase,
      prefix,
      pages,
      schedule: stateOf(`${prefix}schedule`, schedule, [schedule.length / 4, 4], 'optimizer'),
    };
  }

  #chosen({ trains }: Phase, name: string): boolean {
    return !trains || trains.some((choice) => this.#isOf(choice, name));
  }

  /** Whether a parameter belongs to what a phase names. */
  #isOf(choice: object | string, name: string): boolean {
    if (typeof choice === 'string') return matches(choice, name);
    const path = this.registry.knownPath(choice);
    return path !== undefined && (path === '' || matches(path, name));
  }

  /** @throws ShapeError if a phase names something that has no parameter here */
  #requireTrained({ name, trains = [] }: Phase): void {
    const names = this.registry.parameters.map((parameter) => parameter.name);
    const at = trains.findIndex((choice) => !names.some((own) => this.#isOf(choice, own)));
    if (at < 0) return;
    throw new ShapeError(
      `[model] trains[${at}] of phase "${name}" is ${described(trains[at])}, which has no parameter here: they are ${names.join(', ')}`,
    );
  }

  /** All parameters, in the order of their declaration. */
  get ranges(): readonly Range[] {
    return this.pages.flatMap(({ ranges }) => ranges);
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

  /** n samples that are given from outside. */
  #uploadedBatch(n: number): BatchValues {
    return uploadedBatch(this.fields, this.#options.roles, n);
  }

  #measure({ loss }: Phase, tracer: Tracer, batch: BatchValues): Measures {
    const { model } = this.#options;
    tracer.begin();
    const result = traced(batch, () => {
      const outputs = (model ? tracer.apply(model, inputOf(batch), '') : batch) as Values;
      for (const [name, output] of Object.entries(isValue(outputs) ? {} : outputs)) {
        requireKind('model', `output "${name}"`, output, isValue(output), 'a value');
      }
      return loss(outputs, batch, tracer);
    });
    requireGiven('what the loss gives', result);
    const measures: Measures = isValue(result) ? { loss: result } : result;
    requireGiven('`loss` of what the loss gives', measures.loss);
    for (const [name, given] of Object.entries(measures)) {
      const isFigure = isValue(given) || 'values' in Object(given);
      requireKind(
        'model',
        `metric "${name}"`,
        given,
        isFigure,
        'a value or a metric, as crossEntropy(outputs, batch).loss',
      );
      if (OWN_METRICS.includes(name)) {
        throw new ShapeError(`[model] a metric is called "${name}", as one that steps report by themselves: rename it`);
      }
      for (const { spec: of } of isValue(given) ? [given] : given.values) {
        if (of.dtype !== 'f32') throw new ShapeError(`[model] metric "${name}" is ${of.dtype}: cast it to f32`);
      }
    }
    if (!isValue(measures.loss)) {
      throw new ShapeError(
        '[model] the loss is a metric, which has no gradient: give a value, and the metric beside it',
      );
    }
    if (sizeOf(measures.loss.spec.shape) !== 1) {
      throw new ShapeError(
        `[model] the loss is f32[${measures.loss.spec.shape.join(', ')}] but must be one number: take its mean`,
      );
    }
    const { loss: first, ...others } = measures;
    return { loss: first, ...others };
  }

  #prefixed({ name }: Phase, metric: string): string {
    return this.phases.length > 1 ? `${name}.${metric}` : metric;
  }

  /** The graph of the whole batch's loss and metrics in both modes, for what it says of the fields: which, and in what range. */
  batchGraph(): Graph {
    const batch = this.#uploadedBatch(this.#options.batchSize);
    const uses = this.phases.flatMap(({ phase }) => (['train', 'evaluate'] as const).map((mode) => ({ phase, mode })));
    const outputs = uses.map(({ phase, mode }, at) => {
      const measures = this.#measure(phase, new Tracer(this.registry, mode, this.#home), batch);
      return Object.entries(measures).flatMap(([name, given]) =>
        (isValue(given) ? [given] : given.values).map((value, i) => [`${at}.${name}.${i}`, value] as const),
      );
    });
    return { outputs: Object.fromEntries(outputs.flat()), writes: [] };
  }

  /** Loss and metrics of a phase in a graph of n samples, as they are recorded. */
  #figures(phase: Phase, mode: Mode, measures: Measures, n: number): Measured[] {
    return measured(measures, (other) => this.#traced(phase, mode, other), n);
  }

  /** What a phase measures of n samples, not to be run; null if the model does not take as many. */
  #traced(phase: Phase, mode: Mode, n: number): Measures | null {
    try {
      return this.#measure(phase, this.#tracer(mode), this.#uploadedBatch(n));
    } catch {
      return null;
    }
  }

  #tracer(mode: Mode): Tracer {
    return new Tracer(this.registry, mode, mode === 'train' ? this.#home : this.#evaluationHome());
  }

  /** What a set is judged by, in batches of n samples. */
  evaluationFigures(n: number): Figure[] {
    const batch = this.#uploadedBatch(n);
    const tracer = this.#tracer('evaluate');
    const figures = this.phases.flatMap(({ phase }) => {
      const own = this.#figures(phase, 'evaluate', this.#measure(phase, tracer, batch), n);
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
    return this.#options.gradientNorm ? OWN_METRICS : ['learningRate'];
  }

  /** Samples of each part of a step of n. */
  parts(n: number): number[] {
    const most = this.#partRows;
    return Array.from({ length: Math.ceil(n / most) }, (_, at) => Math.min(most, n - at * most));
  }

  get #partRows(): number {
    const { batchSize, microBatches } = this.#options;
    return Math.ceil(batchSize / microBatches);
  }

  /**
   * The graphs of a training step of n samples, to be run in this order: forward, loss, backward, update and record of
   * each phase. A step in parts has a graph for each part, up to its gradients, which add up; and one that updates.
   */
  stepGraphs(n: number, ring: State, feed: Feed): StepGraph[] {
    let column = 0;
    return this.phases.flatMap((states, at) => {
      const [loss] = placed(states.figures, [], states.columns, column);
      const step = { states, feed, ring, column, loss, n, isLast: at === this.phases.length - 1 };
      column += states.columns.all;
      return this.#options.microBatches === 1
        ? [{ graph: this.#wholeGraph(step), loss: { figure: loss, share: 1 } }]
        : this.#partGraphs(step);
    });
  }

  /** The ring as the numbers of figures that are no means leave it. */
  #recorded({ states, ring, column }: PhaseStep, figures: readonly Measured[]): { left: Value } {
    const { apart, width } = states.columns;
    const values = figures.flatMap(({ values: of }) => of);
    return { left: recordNumbers(this.control, read(ring), values, { column: column + apart, width }) };
  }

  #wholeGraph(step: PhaseStep): Graph {
    const { states, feed, n } = step;
    const tracer = new Tracer(this.registry, 'train', this.#home);
    const batch = takenBatch(this.fields, this.#options.roles, part(read(this.order), [n], 0), feed.source);
    const measures = this.#measure(states.phase, tracer, batch);
    const figures = this.#figures(states.phase, 'train', measures, n);
    const gradients = this.#gradients(states, measures.loss, tracer, this.ledger);
    const updated = this.#update(step, gradients, meansOf(figures), this.#recorded(step, figures));
    return simplify({ outputs: {}, writes: [...updated, ...tracer.assignments()] });
  }

  #partGraphs(step: PhaseStep): StepGraph[] {
    const sizes = this.parts(step.n);
    // One graph for all parts of one size.
    const made = new Map<number, { readonly before: Graph | null; readonly graph: Graph }>();
    for (const rows of sizes) if (!made.has(rows)) made.set(rows, this.#partGraph(step, rows));
    const { pages, columns } = step.states;
    const gradients = pages.map((page) => read(page.gradients));
    const writes = this.#update({ ...step, column: step.column + columns.means }, gradients, []);
    const totals = sizes.flatMap((rows) => made.get(rows)!.before ?? []);
    if (totals.length > 0) {
      const again = this.#recordPart(step, 'restart').writes;
      totals.push(simplify({ outputs: {}, writes: again }));
    }
    return [
      ...totals.map((graph) => ({ graph, loss: null })),
      ...sizes.map((rows) => ({ graph: made.get(rows)!.graph, loss: { figure: step.loss, share: rows / step.n } })),
      { graph: simplify({ outputs: {}, writes }), loss: null },
    ];
  }

  /**
   * Forward, loss and backward of some of a step's samples; and before it, where the loss is no mean over the samples, what
   * they add to what must be known of the whole step.
   */
  #partGraph(step: PhaseStep, rows: number): { readonly before: Graph | null; readonly graph: Graph } {
    const { states, feed, ring, column, n } = step;
    const partRows = this.#partRows;
    const tracer = new Tracer(this.registry, 'train', { ...this.#home, rows: { own: rows, before: partRows } });
    const drawn = sampleOrder(read(this.control), { ...streamOf(feed), count: rows, partRows });
    const batch = takenBatch(this.fields, this.#options.roles, drawn, feed.source);
    const measures = this.#measure(states.phase, tracer, batch);
    const figures = this.#figures(states.phase, 'train', measures, rows);
    const own = figures[0].separated!;
    const { isMean } = own;
    const share = rows / n;
    const whole = own.counts ? figureOf('loss', (other) => this.#traced(states.phase, 'train', other), n) : own;
    const parted = { ...own, finish: (whole ?? own).finish, share, weights: this.#weights(states, tracer) };
    const totals = isMean ? null : totalsOf(parted);
    const state = totals && this.#totals(states.phase, totals.size);
    const loss = totals ? partLoss(parted, totals, state && read(state)) : measures.loss;
    const { writes: recorded, counted } = record(this.control, ring, meansOf(figures), {
      ...this.#recorded(step, figures),
      ledger: this.ledger,
      column,
      counts: 'part',
      share,
    });
    const gradients = this.#gradients(states, loss, tracer, this.ledger);
    const added = states.pages.map((page, at) => {
      return [page.gradients, addShare(read(page.gradients), gradients[at], counted, isMean ? share : 1)] as const;
    });
    const writes = [...added, ...tracer.assignments(), ...recorded];
    if (!totals || !state) return { before: null, graph: simplify({ outputs: {}, writes }) };
    const passed = this.#recordPart(step, 'part');
    const known = addShare(read(state), pack(totals.values, totals.offsets, totals.size), passed.counted, 1);
    const before = [[state, known] as const, ...passed.writes];
    return { before: simplify({ outputs: {}, writes: before }), graph: simplify({ outputs: {}, writes }) };
  }

  /** Lets the control count on where nothing is recorded. */
  #recordPart({ ring, column }: PhaseStep, counts: 'part' | 'restart'): Recorded {
    return record(this.control, ring, [], { ledger: this.ledger, column, counts });
  }

  /** Where the parts of a step add up what must be known of all of them; null if that is nothing. */
  #totals(phase: Phase, size: number): State | null {
    if (size === 0) return null;
    let state = this.#totalsOf.get(phase);
    if (!state) {
      state = stateOf(this.#prefixed(phase, 'totals'), new Float32Array(size));
      this.#totalsOf.set(phase, state);
    }
    return state;
  }

  /** What the parameters are to change by, page by page. @param ledger counts what is bad of it */
  #gradients(states: PhaseStates, loss: Value, tracer: Tracer, ledger?: State): Value[] {
    const chosen = trainedRanges(states.pages);
    const gradients = differentiate(loss, this.#weights(states, tracer)).flatMap((gradient, at) =>
      gradient ? [[chosen[at].name, gradient] as const] : [],
    );
    if (gradients.length === 0) {
      throw new ShapeError(
        `[model] no gradient of the loss of phase "${states.phase.name}" reaches what it trains: accuracy, argmax, casts and stopGradient give none; take a loss as crossEntropy`,
      );
    }
    return packed(states.pages, new Map(gradients), ledger);
  }

  /** What a phase trains. */
  #weights({ pages }: PhaseStates, tracer: Tracer): Value[] {
    return trainedRanges(pages).map(({ name, shape }) => tracer.parameter(name, shape));
  }

  /** What parameters and moments become, and the control behind it. @param control of the step whose update it is */
  #updated({ phase, pages, schedule }: PhaseStates, gradients: readonly Value[], control: Value) {
    return updatedPages(phase.optimizer, pages, gradients, schedule, control);
  }

  /** Where the ring has a step's loss. */
  #cellsOf({ column, stride, tally: { width } }: Figure, n: number): LossCells {
    if (stride === null) return { column, width: 1, stride: 0, parts: 1 };
    return { column, width, stride, parts: this.parts(n).length };
  }

  /**
   * Record and update; in the last phase the control counts the step, the averages follow, and the samples of the next step
   * are drawn.
   */
  #update(
    step: PhaseStep,
    gradients: readonly Value[],
    means: readonly Value[],
    ring: { readonly left?: Value } = {},
  ): (readonly [State, Value])[] {
    const { states, feed, column, n, isLast, loss } = step;
    const { gradientNorm, microBatches, averageDecay } = this.#options;
    const metrics = [...means, ...(gradientNorm ? [wholeNorm(gradients)] : [])];
    const between = microBatches > 1 ? 'restart' : 'nothing';
    const { writes, next, counted } = record(this.control, step.ring, metrics, {
      ...ring,
      ledger: this.ledger,
      loss: this.#cellsOf(loss, n),
      column,
      counts: isLast ? 'step' : between,
      taken: n,
      length: feed.source.length,
      // What a chain of optimizers has lies one behind the other, its first one's first.
      schedule: part(read(states.schedule), [SCHEDULE_ROWS, 4], 0),
    });
    const { changed, closed } = this.#updated(states, gradients, counted);
    const left = new Map(changed);
    const averaged = (isLast && this.averages ? this.averages : []).map((averages, at) => {
      const parameters = left.get(this.parameters[at]) ?? read(this.parameters[at]);
      return [averages, average(read(averages), parameters, closed, averageDecay!)] as const;
    });
    const drawn =
      isLast && microBatches === 1 ? [[this.order, nextOrder(next, read(this.order), streamOf(feed))] as const] : [];
    const recorded = writes.map(([state, value]) => [state, state === this.ledger ? closed : value] as const);
    return [...changed, ...averaged, ...recorded, ...drawn];
  }

  /** Totals of loss and metrics of n samples in evaluation, recorded in a ring of its own. */
  evaluationGraph(n: number, ring: State, source: Source): Graph {
    const tracer = new Tracer(this.registry, 'evaluate', this.#evaluationHome());
    const stream = { length: source.length, shuffle: false };
    const drawn = sampleOrder(read(this.evaluationControl), { ...stream, count: n, partRows: 0 });
    const batch = takenBatch(this.fields, this.#options.roles, drawn, source);
    const figures = this.phases.flatMap(({ phase }) =>
      this.#figures(phase, 'evaluate', this.#measure(phase, tracer, batch), n),
    );
    const means = figures.flatMap(({ mean }) => mean ?? []);
    const values = figures.flatMap(({ values: of }) => of);
    const left = recordNumbers(this.evaluationControl, read(ring), values, { column: means.length, width: 0 });
    const counting = { counts: 'step', taken: n, length: source.length, totals: true } as const;
    const ledger = this.evaluationLedger;
    const { writes } = record(this.evaluationControl, ring, means, { column: 0, left, ledger, ...counting });
    return simplify({ outputs: {}, writes });
  }

  /** The model's outputs for n samples, by name; a single one is called `output`. */
  predictionGraph(n: number): Graph {
    const { model } = this.#options;
    if (!model) throw new ShapeError('[predict] the trainer has phases only: give it a model to predict with');
    // What more samples draw follows on what these draw.
    const rows = { own: n, before: LARGEST_PREDICTION };
    const tracer = new Tracer(this.registry, 'evaluate', { ...this.#evaluationHome(), rows });
    const batch = this.#uploadedBatch(n);
    const result = traced(batch, () => tracer.apply(model, inputOf(batch), '')) as Values;
    const outputs = isValue(result) ? { output: result } : result;
    return simplify({ outputs, writes: [] });
  }

  /** Forward, loss and backward of n uploaded samples in the first phase; what each layer gives, and ∂loss by it, are outputs. */
  inspectionGraph(n: number): InspectionGraph {
    const [states] = this.phases;
    const { tracer, measures } = this.#uploaded(states, n);
    const layers = tracer.applied.flatMap(({ path, kind, output }) =>
      isValue(output) ? [{ path, kind, output }] : [],
    );
    const gradients = differentiate(
      measures.loss,
      layers.map(({ output }) => output),
    );
    const outputs = layers.flatMap(({ output }, at) => {
      const gradient = gradients[at];
      const named = [[inspected.output(at), output] as const];
      return gradient ? [...named, [inspected.gradient(at), gradient] as const] : named;
    });
    const whole = this.#gradients(states, measures.loss, tracer).map((gradient, at) => {
      return [inspected.gradientsOf(states.pages[at].parameters), gradient] as const;
    });
    const all = Object.fromEntries([[inspected.loss, measures.loss], ...whole, ...outputs]);
    return { graph: simplify({ outputs: all, writes: [] }), layers };
  }

  /** The first phase's update by n uploaded samples, which no step counts. */
  rehearsalGraph(n: number): Graph {
    const [states] = this.phases;
    const { tracer, measures } = this.#uploaded(states, n);
    return simplify({
      outputs: {},
      writes: this.#updated(states, this.#gradients(states, measures.loss, tracer), read(this.control)).changed,
    });
  }

  #uploaded({ phase }: PhaseStates, n: number): { readonly tracer: Tracer; readonly measures: Measures } {
    const tracer = new Tracer(this.registry, 'train', this.#home);
    return { tracer, measures: this.#measure(phase, tracer, this.#uploadedBatch(n)) };
  }

  /** A trace of the model, for its layers. */
  trace(): Tracer {
    const { model, batchSize } = this.#options;
    const tracer = new Tracer(this.registry, 'train', this.#home);
    const batch = this.#uploadedBatch(batchSize);
    for (const { phase } of this.phases.slice(0, model ? 1 : undefined)) this.#measure(phase, tracer, batch);
    return tracer;
  }
}
