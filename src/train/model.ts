import { ShapeError } from '../core/errors.ts';
import { layOut, type Layout } from '../core/layout.ts';
import { sizeOf, spec } from '../core/shape.ts';
import type { FieldSpec } from '../data/dataset.ts';
import { storageOf, type Graph, type State, type Value } from '../graph/graph.ts';
import { input, isLeaf, read } from '../graph/leaf.ts';
import type { Module, Values } from '../nn/layer.ts';
import { targetField, type BatchValues, type Loss, type Measures } from '../nn/losses.ts';
import { Registry, Tracer, type Home } from '../nn/tracer.ts';
import { groupTable, matches, scheduleFrom, SCHEDULE_ROWS, type Optimizer } from '../optim/optimizer.ts';
import { mul } from '../ops/arithmetic.ts';
import { cast } from '../ops/cast.ts';
import { CONTROL_WORDS } from '../ops/random.ts';
import { record } from '../ops/record.ts';
import { pack } from '../ops/window.ts';
import { seedKey } from '../core/random.ts';
import { differentiate } from '../transform/differentiate.ts';
import { simplify } from '../transform/simplify.ts';

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

export type Fields = Readonly<Record<string, FieldSpec>>;

/** The fields of a batch of n samples as values: packed bytes become what the model sees. */
function batchValues(fields: Fields, n: number): BatchValues {
  const entries = Object.entries(fields).map(([name, { shape, dtype, scale }]) => {
    const raw = input(name, { shape: [n, ...shape], dtype });
    return [name, scale ? cast(raw, 'f32', scale) : raw] as const;
  });
  return Object.fromEntries(entries);
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
}

/** A metric that is a parameter itself is copied before the update changes it. */
const detached = (value: Value): Value => (isLeaf(storageOf(value).root.node) ? mul(value, 1) : value);

const stateOf = (name: string, like: Float32Array | Uint32Array, shape: readonly number[] = [like.length]): State => ({
  name,
  spec: spec(shape, like instanceof Uint32Array ? 'u32' : 'f32'),
  initial: () => like,
});

/** A model with its phases, traced: its parameters have offsets, and every graph of it can be had. */
export class TracedModel {
  readonly registry: Registry;
  readonly layout: Layout;
  readonly parameters: State;
  readonly control: State;
  readonly evaluationControl: State;
  readonly phases: readonly PhaseStates[];
  readonly fields: Fields;
  readonly #model: Model | undefined;

  /** @throws ShapeError where layers do not fit each other or the fields */
  constructor(options: {
    readonly model: Model | undefined;
    readonly phases: readonly Phase[];
    readonly fields: Fields;
    readonly batchSize: number;
    readonly seed: number;
  }) {
    const { model, phases, fields, batchSize, seed } = options;
    this.#model = model;
    this.fields = fields;
    this.registry = new Registry(seed);
    for (const phase of phases) this.#measure(phase, new Tracer(this.registry, 'train', null), batchSize);

    this.layout = layOut(this.registry.parameters.map(({ name, definition: { shape } }) => ({ name, shape })));
    const { ranges, size } = this.layout;
    this.parameters = {
      name: 'parameters',
      spec: spec([size]),
      initial: () => this.registry.initialValues(ranges, size),
    };
    const control = Uint32Array.of(0, 0, ...seedKey(seed));
    if (control.length !== CONTROL_WORDS) throw new Error('[model] the control state has another length');
    this.control = stateOf('control', control);
    this.evaluationControl = stateOf('evaluation control', control);
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
    return {
      phase,
      trains: table.trains,
      moments: Object.entries(optimizer.moments).map(([name, initial]) =>
        stateOf(`${prefix}${name}`, new Float32Array(layout.size).fill(initial)),
      ),
      groups: stateOf(`${prefix}groups`, table.groups, [table.groups.length / 4, 4]),
      schedule: stateOf(`${prefix}schedule`, scheduleFrom(optimizer, 0), [SCHEDULE_ROWS, 4]),
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
    return { ...this.#home, control: this.evaluationControl };
  }

  #measure({ loss }: Phase, tracer: Tracer, n: number): Measures {
    const batch = batchValues(this.fields, n);
    const outputs = (this.#model ? tracer.apply(this.#model, modelInput(batch)) : batch) as Values;
    const result = loss(outputs, batch, tracer);
    const measures: Measures = 'node' in result && 'spec' in result ? { loss: result as Value } : result;
    for (const [name, { spec: given }] of Object.entries(measures)) {
      if (given.dtype !== 'f32') throw new ShapeError(`[model] metric "${name}" is ${given.dtype}: cast it to f32`);
    }
    if (sizeOf(measures.loss.spec.shape) !== 1) {
      throw new ShapeError(
        `[model] the loss is f32[${measures.loss.spec.shape.join(', ')}] but must be one number: take its mean`,
      );
    }
    return measures;
  }

  /** The names under which each phase reports, in the ring's order. */
  metricNames(n: number): string[] {
    return this.phases.flatMap(({ phase }) => {
      const measures = this.#measure(phase, new Tracer(this.registry, 'train', this.#home), n);
      return Object.keys(measures).map((name) => (this.phases.length > 1 ? `${phase.name}.${name}` : name));
    });
  }

  /** Forward, loss, backward, update and record of each phase: the graphs of a training step. */
  trainingGraphs(n: number, ring: State): Graph[] {
    let column = 0;
    return this.phases.map((states, at) => {
      const tracer = new Tracer(this.registry, 'train', this.#home);
      const measures = this.#measure(states.phase, tracer, n);
      const metrics = Object.values(measures).map(detached);
      const advance = at === this.phases.length - 1;
      const recorded = record(this.control, ring, metrics, { column, advance });
      column += metrics.length;
      const writes = [...this.#update(states, measures.loss, tracer), ...tracer.assignments(), ...recorded];
      return simplify({ outputs: { loss: measures.loss }, writes });
    });
  }

  #update(states: PhaseStates, loss: Value, tracer: Tracer): [State, Value][] {
    const { ranges, size } = this.layout;
    const chosen = ranges.filter((_, at) => states.trains[at]);
    const weights = chosen.map(({ name, shape }) => tracer.parameter(name, shape));
    const reached = differentiate(loss, weights).flatMap((gradient, at) =>
      gradient ? [{ gradient, offset: chosen[at].offset }] : [],
    );
    const gradients = pack(
      reached.map(({ gradient }) => gradient),
      reached.map(({ offset }) => offset),
      size,
    );
    const updated = states.phase.optimizer.update({
      parameters: read(this.parameters),
      gradients,
      moments: states.moments.map(read),
      groups: read(states.groups),
      schedule: read(states.schedule),
      control: read(this.control),
    });
    return [this.parameters, ...states.moments].map((state, at) => [state, updated[at]]);
  }

  /** Loss and metrics of n samples in evaluation, recorded in a ring of its own. */
  evaluationGraph(n: number, ring: State): Graph {
    const tracer = new Tracer(this.registry, 'evaluate', this.#evaluationHome());
    const metrics = this.phases.flatMap(({ phase }) => Object.values(this.#measure(phase, tracer, n)));
    const writes = record(this.evaluationControl, ring, metrics, { column: 0, advance: true });
    return simplify({ outputs: {}, writes });
  }

  /** The model's outputs for n samples, by name; a single one is called `output`. */
  predictionGraph(n: number): Graph {
    if (!this.#model) throw new ShapeError('[predict] the trainer has phases only: give it a model to predict with');
    const tracer = new Tracer(this.registry, 'evaluate', this.#evaluationHome());
    const result = tracer.apply(this.#model, modelInput(batchValues(this.fields, n))) as Values;
    const outputs = 'node' in result && 'spec' in result ? { output: result as Value } : result;
    return simplify({ outputs, writes: [] });
  }

  /** A trace of the model, for its layers. */
  trace(n: number): Tracer {
    const tracer = new Tracer(this.registry, 'train', this.#home);
    for (const { phase } of this.phases.slice(0, this.#model ? 1 : undefined)) this.#measure(phase, tracer, n);
    return tracer;
  }
}
