import { describe, expect, test } from 'vitest';
import { Random } from '../../src/core/random.ts';
import { allocate, spec, type Numbers, type Spec } from '../../src/core/shape.ts';
import { interpret, Interpreter } from '../../src/cpu/interpret.ts';
import { orderOf } from '../../src/graph/executionOrder.ts';
import type { Graph, Node, State, Value } from '../../src/graph/graph.ts';
import {
  adam,
  add,
  affine,
  binaryCrossEntropy,
  createTrainer,
  crossEntropy,
  dataset,
  differentiate,
  elu,
  gelu,
  huber,
  input,
  kullbackLeibler,
  leakyRelu,
  linear,
  logSoftmax,
  matmul,
  meanAbsoluteError,
  meanSquaredError,
  relu,
  selu,
  sequential,
  sgd,
  sigmoid,
  silu,
  softplus,
  sub,
  sum,
  tanh,
  type Layer,
  type Model,
  type Optimizer,
} from '../../src/index.ts';
import type { BackendKind } from '../../src/core/places.ts';
import type { Backend } from '../../src/scheduler/backend.ts';
import { randomNormal } from '../../src/nn/initializers.ts';
import { rolesOf } from '../../src/nn/fieldRoles.ts';
import { planMemory } from '../../src/scheduler/memory.ts';
import { stepGraphs } from '../../src/train/graphs/stepGraphs.ts';
import { TracedModel } from '../../src/train/graphs/tracedModel.ts';
import { tableSource } from '../../src/train/samples/sampleSource.ts';
import { sharedBackend, sharedDevice, wasmBackend } from '../support/device.ts';

/** Fresh numbers at every run of the suite; the seed is printed with each failure, and can be pinned. */
const SEED = Number(process.env['MILLRACE_TEST_SEED'] ?? Date.now() % 1_000_000_007);

const ROWS = 4;
const FEATURES = 5;
const HIDDEN = 6;
const CLASSES = 3;

/** Collects the leaves of a net, and the values at which one of its functions has a kink where they are 0. */
class Sketch {
  readonly leaves: { readonly name: string; readonly spec: Spec; readonly draw: (random: Random) => number }[] = [];
  readonly weights: Value[] = [];
  readonly kinks: Value[] = [];
  readonly x = this.leaf('x', spec([ROWS, FEATURES]));

  leaf(name: string, given: Spec, draw = (random: Random): number => random.normal()): Value {
    this.leaves.push({ name, spec: given, draw });
    return input(name, given);
  }

  weight(...shape: number[]): Value {
    const deviation = shape.length > 1 ? 1 / Math.sqrt(shape[0]) : 0.3;
    const weight = this.leaf(`w${this.weights.length}`, spec(shape), (random) => random.normal(0, deviation));
    this.weights.push(weight);
    return weight;
  }

  dense(x: Value, outputs: number): Value {
    return affine(x, this.weight(x.spec.shape[1], outputs), this.weight(outputs));
  }
}

type Activation = (x: Value, sketch: Sketch) => Value;
type Judge = (outputs: Value, sketch: Sketch) => Value;

const kinked =
  (f: (x: Value) => Value): Activation =>
  (x, { kinks }) => {
    kinks.push(x);
    return f(x);
  };

const activations: Readonly<Record<string, Activation>> = {
  sigmoid,
  relu: kinked(relu),
  tanh,
  leakyRelu: kinked((x) => leakyRelu(x, { slope: 0.2 })),
  elu: kinked((x) => elu(x, { alpha: 0.7 })),
  selu: kinked(selu),
  'exact gelu': (x) => gelu(x),
  'gelu by tanh': (x) => gelu(x, { approximate: 'tanh' }),
  silu,
  softplus,
};

const target = (sketch: Sketch): Value => sketch.leaf('target', spec([ROWS, CLASSES]));
const labels = (sketch: Sketch): Value =>
  sketch.leaf('label', spec([ROWS], 'i32'), (random) => Math.floor(random.uniform(0, CLASSES)));
const DELTA = 0.8;
const IGNORED = 1;
/** Labels of which some are ignored, but never that of the first row. */
const someIgnored = (sketch: Sketch): Value => {
  let row = 0;
  const draw = (random: Random): number =>
    row++ % ROWS === 0 ? IGNORED + 1 : random.uniform() < 0.5 ? IGNORED : Math.floor(random.uniform(0, CLASSES));
  return sketch.leaf('label', spec([ROWS], 'i32'), draw);
};

const losses: Readonly<Record<string, Judge>> = {
  meanSquaredError: (y, sketch) => meanSquaredError(y, target(sketch)),
  meanAbsoluteError(y, sketch) {
    const t = target(sketch);
    sketch.kinks.push(sub(y, t));
    return meanAbsoluteError(y, t);
  },
  huber(y, sketch) {
    const t = target(sketch);
    const error = sub(y, t);
    sketch.kinks.push(sub(error, DELTA), add(error, DELTA));
    return huber(y, t, { delta: DELTA });
  },
  binaryCrossEntropy(y, sketch) {
    return binaryCrossEntropy(
      y,
      sketch.leaf('target', y.spec, (random) => random.uniform()),
    );
  },
  crossEntropy: (y, sketch) => crossEntropy(y, labels(sketch)),
  'crossEntropy with smoothed labels': (y, sketch) => crossEntropy(y, labels(sketch), { labelSmoothing: 0.15 }),
  'crossEntropy with class weights': (y, sketch) => crossEntropy(y, labels(sketch), { classWeights: [0.3, 2, 1.1] }),
  'crossEntropy with an ignored label': (y, sketch) => crossEntropy(y, someIgnored(sketch), { ignoreIndex: IGNORED }),
  'crossEntropy with all of these': (y, sketch) =>
    crossEntropy(y, someIgnored(sketch), { labelSmoothing: 0.15, classWeights: [0.3, 2, 1.1], ignoreIndex: IGNORED }),
  'kullbackLeibler of logSoftmax'(y, sketch) {
    const t = sketch.leaf('target', y.spec, (random) => random.uniform(0.05, 0.6));
    return kullbackLeibler(logSoftmax(y), t);
  },
};

const STEP = 5e-4;
/** Four-point differences are good to STEP⁴ / 30 times the fifth derivative, and to f64's rounding over STEP. */
const DIFFERENCE_TOLERANCE = 1e-6;
const ROUNDED_DIFFERENCE = 1e-11;
/** Ten steps for a weight under an input of 2: closer to a kink than this, and the numbers are drawn again. */
const CLEARANCE = 0.02;
const DRAWS = 1000;

/** Holds the gradient of each weight against four-point differences of the loss, all in f64. */
function expectGradients(name: string, build: (sketch: Sketch) => Value): void {
  const sketch = new Sketch();
  const loss = build(sketch);
  const { weights, kinks } = sketch;
  const gradients = differentiate(loss, weights).map((gradient) => gradient!);
  const whole = new Interpreter(
    { outputs: named({ g: gradients, k: kinks, l: [loss] }), writes: [] },
    new Map(),
    'f64',
  );
  const forward = new Interpreter({ outputs: named({ k: kinks, l: [loss] }), writes: [] }, new Map(), 'f64');

  const batch = drawClear(sketch, whole, name);
  whole.run(batch);
  const signs = signsOf(kinks, whole);
  const lossAt = (): number => {
    forward.run(batch);
    if (signsOf(kinks, forward) !== signs) throw new Error(`${name}: a step crosses a kink (seed ${SEED})`);
    return forward.value(loss)[0];
  };
  weights.forEach((weight, at) => {
    const numbers = batch[`w${at}`];
    const gradient = whole.value(gradients[at]);
    const differences = numbers.map((w, i) => {
      const lossNear = (distance: number): number => {
        numbers[i] = w + distance;
        return lossAt();
      };
      const near = lossNear(STEP) - lossNear(-STEP);
      const far = lossNear(2 * STEP) - lossNear(-2 * STEP);
      numbers[i] = w;
      return (8 * near - far) / (12 * STEP);
    });
    const error = norm(differences.map((difference, i) => difference - gradient[i]));
    expect(error, `weight ${at} f32[${weight.spec.shape.join(', ')}], seed ${SEED}`).toBeLessThanOrEqual(
      DIFFERENCE_TOLERANCE * norm(gradient) + ROUNDED_DIFFERENCE,
    );
  });
}

const named = (groups: Readonly<Record<string, readonly Value[]>>): Record<string, Value> =>
  Object.fromEntries(Object.entries(groups).flatMap(([name, values]) => values.map((value, at) => [name + at, value])));

const norm = (numbers: Numbers): number => Math.hypot(...numbers);

const signsOf = (values: readonly Value[], run: Interpreter): string =>
  values.map((value) => Array.from(run.value(value), Math.sign).join('')).join();

/** Random numbers for which no value is close to its kink. */
function drawClear({ leaves, kinks }: Sketch, run: Interpreter, name: string): Record<string, Numbers> {
  const random = new Random(SEED, name);
  for (let draw = 0; draw < DRAWS; draw++) {
    const batch = Object.fromEntries(
      leaves.map((leaf) => {
        const numbers = allocate(leaf.spec, 'f64');
        for (let i = 0; i < numbers.length; i++) numbers[i] = leaf.draw(random);
        return [leaf.name, numbers];
      }),
    );
    run.run(batch);
    if (kinks.every((value) => run.value(value).every((x) => Math.abs(x) > CLEARANCE))) return batch;
  }
  throw new Error(`${name}: of ${DRAWS} draws each came close to a kink (seed ${SEED})`);
}

const net =
  (activation: Activation, judge: Judge, layers: number): ((sketch: Sketch) => Value) =>
  (sketch) => {
    let value = sketch.x;
    for (let layer = 1; layer < layers; layer++) value = activation(sketch.dense(value, HIDDEN), sketch);
    return judge(sketch.dense(value, CLASSES), sketch);
  };

describe('gradients agree with central differences in f64', () => {
  for (const [name, activation] of Object.entries(activations)) {
    test.each([2, 3])(`under a net of ${name} with %i layers`, (layers) => {
      expectGradients(`${name} ${layers}`, net(activation, losses['crossEntropy'], layers));
    });
  }
  for (const [name, judge] of Object.entries(losses)) {
    test.each([2, 3])(`under ${name} of a net with %i layers`, (layers) => {
      expectGradients(`${name} ${layers}`, net(tanh, judge, layers));
    });
  }
  test('of a layer that is used twice', () => {
    expectGradients('shared layer', (sketch) => {
      const weight = sketch.weight(FEATURES, FEATURES);
      const bias = sketch.weight(FEATURES);
      const once = tanh(affine(sketch.x, weight, bias));
      return losses['crossEntropy'](sketch.dense(affine(once, weight, bias), CLASSES), sketch);
    });
  });
  test('of a weight that is used a second time transposed', () => {
    expectGradients('tied weight', (sketch) => {
      const weight = sketch.weight(FEATURES, HIDDEN);
      const code = sigmoid(matmul(sketch.x, weight));
      return meanSquaredError(matmul(code, weight, { transposeB: true }), sketch.x);
    });
  });
  test('of a net with connections that skip a layer', () => {
    expectGradients('skips', (sketch) => {
      const first = silu(sketch.dense(sketch.x, HIDDEN));
      const second = add(first, tanh(sketch.dense(first, HIDDEN)));
      const third = add(add(first, second), softplus(sketch.dense(second, HIDDEN)));
      return losses['crossEntropy'](sketch.dense(third, CLASSES), sketch);
    });
  });
});

/* The cases in which a gradient does not simply lie at its parameter's offset, on the GPU. */

const RANK = 2;
const adaptedShapes = { base: [FEATURES, HIDDEN], down: [FEATURES, RANK], up: [RANK, HIDDEN] } as const;

/** x · (base + down · up), in the order given: what base's gradient is, those of down and up are computed from. */
const adapted = (...order: (keyof typeof adaptedShapes)[]): Layer => ({
  name: 'adapted',
  parameters: Object.fromEntries(
    order.map((name) => [name, { shape: adaptedShapes[name], initial: randomNormal(0, 0.5) }]),
  ),
  apply: (x, bound) => matmul(x, add(bound['base'], matmul(bound['down'], bound['up']))),
});

/** x · (a + b): both have the gradient of their sum. */
const split: Layer = {
  name: 'split',
  parameters: Object.fromEntries(
    ['a', 'b'].map((name) => [name, { shape: [FEATURES, HIDDEN], initial: randomNormal(0, 0.5) }]),
  ),
  apply: (x, bound) => matmul(x, add(bound['a'], bound['b'])),
};

/** A layer with a parameter that its output does not depend on. */
const idle: Layer = {
  name: 'idle',
  parameters: { spare: { shape: [HIDDEN], initial: randomNormal(0, 1) } },
  apply: (x) => x,
};

const shared = linear(HIDDEN, HIDDEN);

const models = {
  shared: sequential(linear(FEATURES, HIDDEN), shared, tanh, shared, tanh, linear(HIDDEN, CLASSES)),
  readAfter: sequential(adapted('down', 'up', 'base'), tanh, linear(HIDDEN, CLASSES)),
  readBefore: sequential(adapted('base', 'down', 'up'), tanh, linear(HIDDEN, CLASSES)),
  twoOwners: sequential(split, tanh, linear(HIDDEN, CLASSES)),
  unreached: sequential(linear(FEATURES, HIDDEN), idle, tanh, linear(HIDDEN, CLASSES)),
} satisfies Record<string, Model>;

const fields = {
  x: { shape: [FEATURES], dtype: 'f32', scale: null },
  label: { shape: [], dtype: 'u8', scale: null },
} as const;

const batch = ((): { x: Float32Array; label: Uint8Array } => {
  const random = new Random(SEED, 'batch');
  return {
    x: Float32Array.from({ length: ROWS * FEATURES }, () => random.normal()),
    label: Uint8Array.from({ length: ROWS }, () => Math.floor(random.uniform(0, CLASSES))),
  };
})();

async function parametersAfterStep(
  model: Model,
  backend: BackendKind,
  optimizer: Optimizer,
): Promise<{ before: Record<string, Float32Array>; after: Record<string, Float32Array> }> {
  const trainer = await createTrainer({
    model,
    loss: crossEntropy,
    optimizer,
    batchSize: ROWS,
    seed: SEED,
    backend,
    ...(backend === 'webgpu' && { device: await sharedDevice() }),
    data: dataset({ x: { data: batch.x, shape: [FEATURES] }, label: batch.label }),
  });
  try {
    const before = await trainer.readParameters();
    await trainer.step(batch);
    return { before, after: await trainer.readParameters() };
  } finally {
    trainer.destroy();
  }
}

/** A step's graph with the packed gradients as an output. */
function stepOf(model: Model): {
  traced: TracedModel;
  graph: Graph;
  pack: Node<{ offsets: readonly number[] }>;
  samples: Map<State, Numbers>;
} {
  const phases = [{ name: 'train', loss: crossEntropy, optimizer: sgd() }];
  const traced = new TracedModel({
    model,
    phases,
    fields,
    roles: rolesOf(['x', 'label']),
    batchSize: ROWS,
    seed: SEED,
    microBatches: 1,
    averageDecay: null,
    gradientNorm: false,
    exposes: { gradients: false, activations: [] },
    largestPage: Infinity,
  });
  const ring = { name: 'ring', spec: spec([1024, 3]), initial: () => new Float32Array(3072) };
  const source = tableSource(fields, ['x', 'label'], ROWS);
  const [{ graph }] = stepGraphs(traced, ROWS, ring, { source, shuffle: false });
  const samples = new Map<State, Numbers>([
    [source.fields['x'].states[0], batch.x],
    [source.fields['label'].states[0], batch.label],
  ]);
  const pack = orderOf(graph).find(({ op }) => op.parts) as Node<{ offsets: readonly number[] }>;
  return { traced, graph: { ...graph, outputs: { ...graph.outputs, gradients: pack.outputs[0] } }, pack, samples };
}

/** Names of the parameters whose gradients have a slot of their own and are copied into the arena. */
function copiedParameters(model: Model): string[] {
  const { traced, graph, pack } = stepOf(model);
  const copied = planMemory(graph, orderOf(graph)).copied.get(pack)!;
  const { ranges } = traced;
  return [...copied].map((at) => ranges.find(({ offset }) => offset === pack.attrs.offsets[at])!.name).sort();
}

/** The arena of gradients as a backend leaves it, beside an f64 run of the same graph. */
async function gradientArenas(
  model: Model,
  open: () => Promise<Backend> = sharedBackend,
): Promise<{ actual: Numbers; expected: Numbers; traced: TracedModel }> {
  const { traced, graph, samples } = stepOf(model);
  const backend = await open();
  const program = await backend.compile(graph);
  try {
    for (const [state, numbers] of samples) backend.writeState(state, numbers);
    backend.run([program]);
    const actual = await backend.readOutput(program, 'gradients');
    const expected = interpret(graph, { states: samples, precision: 'f64' }).outputs['gradients'];
    return { actual, expected, traced };
  } finally {
    program.destroy();
    backend.destroy();
  }
}

/** f32 rounding through three layers of a handful of terms each, relative to the largest gradient or parameter. */
const ROUNDING = 1e-5;

function expectClose(actual: Numbers, expected: Numbers): void {
  const largest = Math.max(...expected.map(Math.abs));
  const errors = Array.from(expected, (x, at) => Math.abs(actual[at] - x));
  expect(actual.length).toBe(expected.length);
  expect(Math.max(...errors), `seed ${SEED}`).toBeLessThanOrEqual(ROUNDING * largest);
}

async function expectSameStep(model: Model): Promise<void> {
  const optimizer = sgd({ learningRate: 1 });
  const { after: expected } = await parametersAfterStep(model, 'cpu', optimizer);
  for (const place of ['webgpu', 'wasm'] as const) {
    const { after } = await parametersAfterStep(model, place, optimizer);
    expect(Object.keys(after)).toEqual(Object.keys(expected));
    for (const [name, numbers] of Object.entries(after)) expectClose(numbers, expected[name]);
  }
}

async function expectSameGradients(model: Model): Promise<void> {
  for (const open of [sharedBackend, wasmBackend]) {
    const { actual, expected } = await gradientArenas(model, open);
    expectClose(actual, expected);
  }
}

describe('a layer that is used twice', () => {
  test('is changed by one step on the GPU as on the CPU', () => expectSameStep(models.shared));
  test('has the sum of both uses at its offset of the arena', async () => {
    const { actual, traced } = await gradientArenas(models.shared);
    // The same net with two layers in the shared one's place, both with its weights.
    const twins = [linear(HIDDEN, HIDDEN), linear(HIDDEN, HIDDEN)];
    const untied = sequential(linear(FEATURES, HIDDEN), twins[0], tanh, twins[1], tanh, linear(HIDDEN, CLASSES));
    const { traced: apart, graph, samples } = stepOf(untied);
    const initial = traced.parameters[0].initial();
    const values = Float32Array.from({ length: apart.pages[0].size }, () => 0);
    for (const { name, offset } of apart.ranges) {
      const source = rangeOf(traced, name.replace('layer3', 'layer1'));
      values.set(initial.subarray(source.offset, source.offset + source.size), offset);
    }
    const states = new Map<State, Numbers>([...samples, [apart.parameters[0], values]]);
    const { gradients } = interpret(graph, { states, precision: 'f64' }).outputs;
    for (const part of ['weight', 'bias']) {
      const { offset, size } = rangeOf(traced, `layer1.${part}`);
      const uses = ['layer1', 'layer3'].map((layer) => rangeOf(apart, `${layer}.${part}`).offset);
      const sums = Float64Array.from({ length: size }, (_, i) => gradients[uses[0] + i] + gradients[uses[1] + i]);
      expectClose(actual.subarray(offset, offset + size), sums);
    }
  });
  test('needs no copy', () => expect(copiedParameters(models.shared)).toEqual([]));
});

const rangeOf = ({ ranges }: TracedModel, name: string): { readonly offset: number; readonly size: number } =>
  ranges.find((range) => range.name === name)!;

describe('a gradient that other gradients are computed from', () => {
  test('keeps a slot and is copied where theirs are in the arena already', () =>
    expect(copiedParameters(models.readAfter)).toEqual(['layer0.base']));
  test('is in the arena while theirs keep slots and are copied where it comes first', () =>
    expect(copiedParameters(models.readBefore)).toEqual(['layer0.down', 'layer0.up']));
  describe.each([
    ['after them', models.readAfter],
    ['before them', models.readBefore],
  ])('%s', (_, model) => {
    test('is in the arena on the GPU as in f64', () => expectSameGradients(model));
    test('changes its parameter by one step on the GPU as on the CPU', () => expectSameStep(model));
  });
});

describe('one gradient that two parameters have', () => {
  test('is copied for both, and the others are not', () =>
    expect(copiedParameters(models.twoOwners)).toEqual(['layer0.a', 'layer0.b']));
  test('is in the arena twice on the GPU as in f64', () => expectSameGradients(models.twoOwners));
  test('changes both by one step on the GPU as on the CPU', () => expectSameStep(models.twoOwners));
});

describe('a parameter that no gradient reaches', () => {
  test('has zeros in the arena', async () => {
    const { actual, traced } = await gradientArenas(models.unreached);
    const { offset, size } = rangeOf(traced, 'layer1.spare');
    expect(actual.subarray(offset, offset + size)).toEqual(new Float32Array(size));
  });
  test.each([
    ['sgd', sgd({ learningRate: 1, momentum: 0.9 })],
    ['adam', adam({ learningRate: 1 })],
  ])('is left as it is by %s', async (_, optimizer) => {
    const { before, after } = await parametersAfterStep(models.unreached, 'webgpu', optimizer);
    expect(after['layer1.spare']).toEqual(before['layer1.spare']);
  });
  test('does not keep the others from being changed as on the CPU', () => expectSameStep(models.unreached));
});

describe('a gradient that is a constant', () => {
  const slope = { shape: [HIDDEN], initial: randomNormal(0, 1) };
  const weight = { shape: [FEATURES, HIDDEN], initial: randomNormal(0, 1) };
  const alone: Layer = {
    parameters: { slope },
    apply: (x, bound) => add(sum(x), sum(bound['slope'])),
  };
  const besideAnother: Layer = {
    parameters: { weight, slope },
    apply: (x, bound) => add(sum(tanh(matmul(x, bound['weight']))), sum(bound['slope'])),
  };

  test.each([
    ['alone', alone],
    ['beside a computed one', besideAnother],
  ])('%s takes the learning rate from each element of a sum', async (_, model) => {
    const trainer = await createTrainer({
      model,
      loss: (y: Value) => y,
      optimizer: sgd({ learningRate: 0.5 }),
      batchSize: ROWS,
      device: await sharedDevice(),
      data: dataset({ x: { data: batch.x, shape: [FEATURES] } }),
    });
    try {
      const { slope: before } = await trainer.readParameters();
      await trainer.step({ x: batch.x });
      const { slope: after } = await trainer.readParameters();
      expect(after).toEqual(before.map((number) => number - 0.5));
    } finally {
      trainer.destroy();
    }
  });
});
