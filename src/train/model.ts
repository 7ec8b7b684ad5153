import { ShapeError } from '../core/errors.ts';
import { layOut, type Layout } from '../core/layout.ts';
import { sizeOf, spec } from '../core/shape.ts';
import { storageOf, type Graph, type State, type Value } from '../graph/graph.ts';
import { input, isLeaf, read } from '../graph/leaf.ts';
import type { Mode, Module, Values } from '../nn/layer.ts';
import { targetField, type BatchValues, type Loss, type Measures } from '../nn/losses.ts';
import { Registry, Tracer, type Home } from '../nn/tracer.ts';
import { groupTable, matches, SCHEDULE_ROWS, scheduleSize, type Optimizer } from '../optim/optimizer.ts';
import { mul } from '../ops/arithmetic.ts';
import { cast } from '../ops/cast.ts';
import { controlState } from '../ops/control.ts';
import { record } from '../ops/record.ts';
import { sampleOrder, takeSamples } from '../ops/samples.ts';
import { pack, part } from '../ops/window.ts';
import { average, addShare } from '../optim/accumulate.ts';
import { wholeNorm } from '../optim/norms.ts';
import { differentiate } from '../transform/differentiate.ts';
import { simplify } from '../transform/simplify.ts';
import { inspected, type InspectionGraph } from './inspect.ts';
import type { Fields, Source } from './source.ts';

/** A model as the trainer takes it: from a value, or several by name, to a value, or several. */
// oxlint-disable-next-line typescript/no-explicit-any -- a model's own input type meets the batch only when it is traced
export type Model = Module<any, any>;

/** One loss with its optimizer, and the parameters that it may change. */
export interface Phase {
  /** In front of its metrics: `discriminator.loss`. */
  readonly name: string;
  readonly loss: Loss;
  readonly optimizer: Optimizer;
  /** Layers, or names of parameters or of what they lie below; all parameters if left out. */
  readonly trains?: readonly (object | string)[];
}

/** Rows of the metrics' ring: as many steps may pass before it is read. */
export const RING_ROWS = 1024;

/** What steps report beside a phase's own metrics. */
const OWN_METRICS = ['gradientNorm', 'learningRate'];

/** Which samples a graph takes, and from where. */
export interface Feed {
  readonly source: Source;
  readonly shuffle: boolean;
}

const isValue = (given: unknown): given is Value =>
  typeof given === 'object' && given !== null && 'node' in given && 'spec' in given;

/** The fields of a batch of n samples as values, uploaded by name: packed bytes become what the model sees. */
function uploadedBatch(fields: Fields, n: number): BatchValues {
  const entries = Object.entries(fields).map(([name, { shape, dtype, scale }]) => {
    const raw = input(name, { shape: [n, ...shape], dtype });
    return [name, scale ? cast(raw, 'f32', scale) : raw] as const;
  });
  return Object.fromEntries(entries);
}

/** The same, taken from where the control stands in the source. */
function takenBatch(
  fields: Fields,
  count: number,
  { source, shuffle }: Feed,
  control: State,
  partRows: number,
): BatchValues {
  const rows = sampleOrder(read(control), { count, length: source.length, partRows, shuffle });
  const entries = Object.entries(source.fields).map(([name, { states, held }]) => {
    const parts = states.map(read);
    return [name, takeSamples(rows, parts, { label: name, held, ...fields[name] })] as const;
  });
  // A field that nobody reads is not in the source, but decides, as the others do, what the model is given.
  return { ...uploadedBatch(fields, count), ...Object.fromEntries(entries) };
}

/** What goes into the model: all fields but the one that it is judged by; a single one goes in as it is. */
export function modelInput(batch: BatchValues): Values {
  const names = Object.keys(batch);
  const target = targetField(names);
  const inputs = names.length > 1 ? names.filter((name) => name !== target) : names;
  return inputs.length === 1 ? batch[inputs[0]] : Object.fromEntries(inputs.map((name) => [name, batch[name]]));
}

/** The states of one phase's optimizer. */
interface PhaseStates {
  readonly phase: Phase;
  readonly trains: readonly boolean[];
  readonly moments: readonly State[];
  readonly groups: State;
  readonly schedule: State;
  /** Where the parts of a step add up their gradients. */
  readonly gradients: State;
}

/** A metric that is a parameter itself is copied before the update changes it. */
const detached = (value: Value): Value => (isLeaf(storageOf(value).root.node) ? mul(value, 1) : value);

const stateOf = (name: string, like: Float32Array | Uint32Array, shape: readonly number[] = [like.length]): State => ({
  name,
  spec: spec(shape, like instanceof Uint32Array ? 'u32' : 'f32'),
  initial: () => like,
});

/** One graph of a step, and the share of its samples whose loss it has; 0 if it has none. */
export interface StepGraph {
  readonly graph: Graph;
  readonly share: number;
}

/** What a phase's part of a step works with. */
interface PhaseStep {
  readonly states: PhaseStates;
  readonly feed: Feed;
  readonly ring: State;
  /** The first of its columns there. */
  readonly column: number;
  /** Samples of the step. */
  readonly n: number;
  readonly isLast: boolean;
}

export interface ModelOptions {
  readonly model: Model | undefined;
  readonly phases: readonly Phase[];
  readonly fields: Fields;
  readonly batchSize: number;
  readonly seed: number;
  /** Parts in which a step's samples are taken. */
  readonly microBatches: number;
  /** Of the moving average of the parameters; null to keep none. */
  readonly averageDecay: number | null;
  /** Whether each phase reports ‖gradients‖. */
  readonly gradientNorm: boolean;
}

/** A model with its phases, traced: its parameters have offsets, and every graph of it can be had. */
export class TracedModel {
  readonly registry: Registry;
  readonly layout: Layout;
  readonly parameters: State;
  /** The exponential moving average of the parameters, if one is kept. */
  readonly averages: State | null;
  readonly control: State;
  readonly evaluationControl: State;
  readonly phases: readonly PhaseStates[];
  readonly fields: Fields;
  readonly #options: ModelOptions;

  /** @throws ShapeError where layers do not fit each other or the fields */
  constructor(options: ModelOptions) {
    const { phases, fields, batchSize, seed, averageDecay } = options;
    this.#options = options;
    this.fields = fields;
    this.registry = new Registry(seed);
    const batch = uploadedBatch(fields, batchSize);
    for (const phase of phases) this.#measure(phase, new Tracer(this.registry, 'train', null), batch);

    this.layout = layOut(this.registry.parameters.map(({ name, definition: { shape } }) => ({ name, shape })));
    const { ranges, size } = this.layout;
    this.parameters = {
      name: 'parameters',
      spec: spec([size]),
      initial: () => this.registry.initialValues(ranges, size),
    };
    this.averages = averageDecay === null ? null : { ...this.parameters, name: 'averages' };
    this.control = controlState('control', seed);
    this.evaluationControl = controlState('evaluation control', seed);
    this.phases = phases.map((phase) => this.#statesOf(phase, phases.length > 1 ? `${phase.name}.` : ''));
  }

  #statesOf(phase: Phase, prefix: string): PhaseStates {
    const { layout, registry } = this;
    const { optimizer } = phase;
    const table = groupTable(
      optimizer,
      layout,
      registry.parameters.map(({ name, definition: { decays = true } }) => ({
        trains: this.#chosen(phase, name),
        decays,
      })),
    );
    if (!table.trains.some(Boolean)) {
      throw new ShapeError(
        `[model] phase "${phase.name}" trains no parameter: look at \`trains\` and at frozen groups`,
      );
    }
    const schedule = new Float32Array(scheduleSize(optimizer));
    return {
      phase,
      trains: table.trains,
      moments: Object.entries(optimizer.moments).map(([name, initial]) =>
        stateOf(`${prefix}${name}`, new Float32Array(layout.size).fill(initial)),
      ),
      groups: stateOf(`${prefix}groups`, table.groups, [table.groups.length / 4, 4]),
      schedule: stateOf(`${prefix}schedule`, schedule, [schedule.length / 4, 4]),
      gradients: {
        name: `${prefix}gradients`,
        spec: spec([layout.size]),
        initial: () => new Float32Array(layout.size),
      },
    };
  }

  #chosen({ trains }: Phase, name: string): boolean {
    if (!trains) return true;
    return trains.some((choice) => {
      if (typeof choice === 'string') return matches(choice, name);
      const path = this.registry.knownPath(choice);
      return path !== undefined && (path === '' || matches(path, name));
    });
  }

  get #home(): Home {
    return { arena: this.parameters, ranges: this.layout.ranges, control: this.control };
  }

  #evaluationHome(): Home {
    return { ...this.#home, arena: this.averages ?? this.parameters, control: this.evaluationControl };
  }

  #measure({ loss }: Phase, tracer: Tracer, batch: BatchValues): Measures {
    const { model } = this.#options;
    const outputs = (model ? tracer.apply(model, modelInput(batch)) : batch) as Values;
    const result = loss(outputs, batch, tracer);
    const measures: Measures = isValue(result) ? { loss: result } : result;
    for (const [name, { spec: given }] of Object.entries(measures)) {
      if (OWN_METRICS.includes(name)) {
        throw new ShapeError(`[model] a metric is called "${name}", as one that steps report by themselves: rename it`);
      }
      if (given.dtype !== 'f32') throw new ShapeError(`[model] metric "${name}" is ${given.dtype}: cast it to f32`);
    }
    if (sizeOf(measures.loss.spec.shape) !== 1) {
      throw new ShapeError(
        `[model] the loss is f32[${measures.loss.spec.shape.join(', ')}] but must be one number: take its mean`,
      );
    }
    const { loss: first, ...others } = measures;
    return { loss: first, ...others };
  }

  #prefixed({ name }: Phase, metrics: readonly string[]): string[] {
    return this.phases.length > 1 ? metrics.map((metric) => `${name}.${metric}`) : [...metrics];
  }

  /** The graph of the whole batch's loss and metrics in both modes, for what it says of the fields: which, and in what range. */
  batchGraph(): Graph {
    const batch = uploadedBatch(this.fields, this.#options.batchSize);
    const uses = this.phases.flatMap(({ phase }) => (['train', 'evaluate'] as const).map((mode) => ({ phase, mode })));
    const outputs = uses.map(({ phase, mode }, at) => {
      const measures = this.#measure(phase, new Tracer(this.registry, mode, this.#home), batch);
      return Object.entries(measures).map(([name, value]) => [`${at}.${name}`, value] as const);
    });
    return { outputs: Object.fromEntries(outputs.flat()), writes: [] };
  }

  /** The names under which a set is judged, in the evaluation ring's order. */
  evaluationMetrics(): string[] {
    return this.phases.flatMap(({ phase }) => this.#prefixed(phase, this.#measured(phase, 'evaluate')));
  }

  /** The names under which a step reports, in the ring's order: of each phase, what it measures, then its update. */
  trainingMetrics(): string[] {
    const ofUpdate = [...(this.#options.gradientNorm ? ['gradientNorm'] : []), 'learningRate'];
    return this.phases.flatMap(({ phase }) => this.#prefixed(phase, [...this.#measured(phase), ...ofUpdate]));
  }

  #measured(phase: Phase, mode: Mode = 'train'): string[] {
    const batch = uploadedBatch(this.fields, this.#options.batchSize);
    return Object.keys(this.#measure(phase, new Tracer(this.registry, mode, this.#home), batch));
  }

  /**
   * The graphs of a training step of n samples, to be run in this order: forward, loss, backward, update and record of
   * each phase. A step in parts has a graph for each part, up to its gradients, which add up; and one that updates.
   */
  stepGraphs(n: number, ring: State, feed: Feed): StepGraph[] {
    const { batchSize, microBatches } = this.#options;
    const partRows = Math.ceil(batchSize / microBatches);
    let column = 0;
    return this.phases.flatMap((states, at) => {
      const step = { states, feed, ring, column, n, isLast: at === this.phases.length - 1 };
      column += this.#measured(states.phase).length + (this.#options.gradientNorm ? 2 : 1);
      return microBatches === 1 ? [{ graph: this.#wholeGraph(step), share: 1 }] : this.#partGraphs(step, partRows);
    });
  }

  #wholeGraph(step: PhaseStep): Graph {
    const { states, feed, n } = step;
    const tracer = new Tracer(this.registry, 'train', this.#home);
    const measures = this.#measure(states.phase, tracer, takenBatch(this.fields, n, feed, this.control, 0));
    const gradients = this.#gradients(states, measures.loss, tracer);
    const writes = [...this.#update(step, gradients, Object.values(measures).map(detached)), ...tracer.assignments()];
    return simplify({ outputs: {}, writes });
  }

  #partGraphs(step: PhaseStep, partRows: number): StepGraph[] {
    const parts: StepGraph[] = [];
    for (let first = 0; first < step.n; first += partRows) {
      const rows = Math.min(partRows, step.n - first);
      // One graph for all parts of one size.
      const graph = rows === partRows && parts[0] ? parts[0].graph : this.#partGraph(step, rows, partRows);
      parts.push({ graph, share: rows / step.n });
    }
    const { gradients, phase } = step.states;
    const column = step.column + this.#measured(phase).length;
    const writes = this.#update({ ...step, column }, read(gradients), []);
    return [...parts, { graph: simplify({ outputs: {}, writes }), share: 0 }];
  }

  /** Forward, loss and backward of some of a step's samples. */
  #partGraph({ states, feed, ring, column, n }: PhaseStep, rows: number, partRows: number): Graph {
    const tracer = new Tracer(this.registry, 'train', { ...this.#home, rows: { own: rows, before: partRows } });
    const measures = this.#measure(states.phase, tracer, takenBatch(this.fields, rows, feed, this.control, partRows));
    const gradients = this.#gradients(states, measures.loss, tracer);
    const share = rows / n;
    const total = addShare(read(states.gradients), gradients, read(this.control), share);
    const metrics = Object.values(measures).map(detached);
    const recorded = record(this.control, ring, metrics, { column, counts: 'part', share });
    const writes = [[states.gradients, total] as const, ...tracer.assignments(), ...recorded];
    return simplify({ outputs: {}, writes });
  }

  /** What the parameters are to change by, at their offsets. */
  #gradients(states: PhaseStates, loss: Value, tracer: Tracer): Value {
    const { ranges, size } = this.layout;
    const chosen = ranges.filter((_, at) => states.trains[at]);
    const weights = chosen.map(({ name, shape }) => tracer.parameter(name, shape));
    const reached = differentiate(loss, weights).flatMap((gradient, at) =>
      gradient ? [{ gradient, offset: chosen[at].offset }] : [],
    );
    return pack(
      reached.map(({ gradient }) => gradient),
      reached.map(({ offset }) => offset),
      size,
    );
  }

  /** What parameters and moments become. */
  #updated(states: PhaseStates, gradients: Value): (readonly [State, Value])[] {
    const updated = states.phase.optimizer.update({
      parameters: read(this.parameters),
      gradients,
      moments: states.moments.map(read),
      groups: read(states.groups),
      schedule: read(states.schedule),
      control: read(this.control),
      ranges: this.layout.ranges.map((range, at) => ({ ...range, trains: states.trains[at] })),
    });
    return [this.parameters, ...states.moments].map((state, at) => [state, updated[at]] as const);
  }

  /** Update and record; after the last phase, the averages too, and the control counts the step. */
  #update(step: PhaseStep, gradients: Value, measured: readonly Value[]): (readonly [State, Value])[] {
    const { states, feed, ring, column, n, isLast } = step;
    const { gradientNorm, microBatches, averageDecay } = this.#options;
    const changed = this.#updated(states, gradients);
    const [[, parameters]] = changed;
    const averaged =
      this.averages && isLast
        ? [[this.averages, average(read(this.averages), parameters, read(this.control), averageDecay!)] as const]
        : [];
    const metrics = [...measured, ...(gradientNorm ? [wholeNorm(gradients)] : [])];
    const between = microBatches > 1 ? 'restart' : 'nothing';
    const recorded = record(this.control, ring, metrics, {
      column,
      counts: isLast ? 'step' : between,
      taken: n,
      length: feed.source.length,
      // What a chain of optimizers has lies one behind the other, its first one's first.
      schedule: part(read(states.schedule), [SCHEDULE_ROWS, 4], 0),
    });
    return [...changed, ...averaged, ...recorded];
  }

  /** Totals of loss and metrics of n samples in evaluation, recorded in a ring of its own. */
  evaluationGraph(n: number, ring: State, source: Source): Graph {
    const tracer = new Tracer(this.registry, 'evaluate', this.#evaluationHome());
    const batch = takenBatch(this.fields, n, { source, shuffle: false }, this.evaluationControl, 0);
    const metrics = this.phases.flatMap(({ phase }) => Object.values(this.#measure(phase, tracer, batch)));
    const counting = { counts: 'step', taken: n, length: source.length, totals: true } as const;
    const writes = record(this.evaluationControl, ring, metrics, { column: 0, ...counting });
    return simplify({ outputs: {}, writes });
  }

  /** How many numbers each metric of n samples has, of which the evaluation ring holds the totals. */
  evaluationSizes(n: number): number[] {
    const batch = uploadedBatch(this.fields, n);
    const tracer = new Tracer(this.registry, 'evaluate', this.#evaluationHome());
    const measures = this.phases.flatMap(({ phase }) => Object.values(this.#measure(phase, tracer, batch)));
    return measures.map(({ spec: { shape } }) => sizeOf(shape));
  }

  /** The model's outputs for n samples, by name; a single one is called `output`. */
  predictionGraph(n: number): Graph {
    const { model } = this.#options;
    if (!model) throw new ShapeError('[predict] the trainer has phases only: give it a model to predict with');
    const tracer = new Tracer(this.registry, 'evaluate', this.#evaluationHome());
    const result = tracer.apply(model, modelInput(uploadedBatch(this.fields, n))) as Values;
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
    const whole = {
      [inspected.loss]: measures.loss,
      [inspected.gradients]: this.#gradients(states, measures.loss, tracer),
    };
    return { graph: simplify({ outputs: { ...whole, ...Object.fromEntries(outputs) }, writes: [] }), layers };
  }

  /** The first phase's update by n uploaded samples, which no step counts. */
  rehearsalGraph(n: number): Graph {
    const [states] = this.phases;
    const { tracer, measures } = this.#uploaded(states, n);
    return simplify({ outputs: {}, writes: this.#updated(states, this.#gradients(states, measures.loss, tracer)) });
  }

  #uploaded({ phase }: PhaseStates, n: number): { readonly tracer: Tracer; readonly measures: Measures } {
    const tracer = new Tracer(this.registry, 'train', this.#home);
    return { tracer, measures: this.#measure(phase, tracer, uploadedBatch(this.fields, n)) };
  }

  /** A trace of the model, for its layers. */
  trace(): Tracer {
    const { model, batchSize } = this.#options;
    const tracer = new Tracer(this.registry, 'train', this.#home);
    const batch = uploadedBatch(this.fields, batchSize);
    for (const { phase } of this.phases.slice(0, model ? 1 : undefined)) this.#measure(phase, tracer, batch);
    return tracer;
  }
}
