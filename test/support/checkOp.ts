import { describe, expect, test } from 'vitest';
import { Random } from '../../src/core/random.ts';
import { allocate, formatSpec, sizeOf, spec, type Numbers, type Shape, type Spec } from '../../src/core/shape.ts';
import { interpret } from '../../src/cpu/interpret.ts';
import { judge } from '../../src/cpu/judge.ts';
import { formatNode, namesOf } from '../../src/graph/formatGraph.ts';
import type { Graph, Node, Value } from '../../src/graph/graph.ts';
import { constant, input } from '../../src/graph/leaf.ts';
import { add, mul } from '../../src/ops/pointwise/arithmetic.ts';
import { sum } from '../../src/ops/reductions/sum.ts';
import { differentiate } from '../../src/transform/differentiate.ts';
import type { Observation } from '../../src/scheduler/backend.ts';
import type { Kernels } from '../../src/scheduler/kernelChoice.ts';
import { backendOn, sharedDevice } from './device.ts';

type Batch = Record<string, Numbers>;
type Make = (random: Random, index: number) => number;

export interface CheckOptions {
  /** Numbers for input `at`; normal by default, integers 0 … 4 where the dtype is one. */
  readonly make?: (at: number, given: Spec) => Make;
  /** False for an op through which no gradient flows. */
  readonly differentiable?: boolean;
  /** Inputs whose derivative is compared with central differences; all f32 by default. */
  readonly withRespectTo?: readonly number[];
  /** True where the numbers sit on kinks: the derivative's launches are judged, but no difference quotient can be. */
  readonly kinked?: boolean;
  /** False where NaN and infinity do not come in, or the reference says nothing of them. */
  readonly special?: boolean;
  /** True where small results must be right relatively: numbers of many sizes are judged as well, and their derivative. */
  readonly tails?: boolean;
  /** Where the launches run; on the shared device by default. */
  readonly on?: () => Promise<GPUDevice>;
  /** How their kernels' forms are chosen. */
  readonly kernels?: Kernels;
}

const asSpec = (given: Spec | Shape): Spec => (Array.isArray(given) ? spec(given as Shape) : (given as Spec));

/** A fresh seed for every run of the suite: it is printed with each failure, and can be pinned. */
const SEED = Number(process.env['MILLRACE_TEST_SEED'] ?? Date.now() % 1_000_000_007);

const fill = (given: Spec, random: Random, make: Make): Numbers => {
  const numbers = allocate(given);
  for (let i = 0; i < numbers.length; i++) numbers[i] = make(random, i);
  return numbers;
};

const ordinary = ({ dtype }: Spec): Make =>
  dtype === 'f32' ? (random) => random.normal() : (random) => Math.floor(random.uniform(0, 5));

/** Numbers at least 0.05 away from 0: where a kink there would spoil a difference quotient. */
export const awayFromZero: Make = (random) => random.uniform(0.05, 2) * (random.uniform() < 0.5 ? -1 : 1);
/** Numbers on a grid of its own for each input: they differ from each other's by at least 0.05, and from tenths by 0.02. */
export const onGrids =
  (at: number): Make =>
  (random) =>
    Math.floor(random.uniform(-20, 20)) / 10 + 0.03 + 0.05 * at;
/** Numbers of which no two are closer than 0.01, up to 1,009 of them. */
export const distinct: Make = (_, index) => ((index * 389 + 17) % 1009) / 100 - 5;
/** Numbers from 2⁻²⁴ to some hundreds, either way. */
const ofManySizes: Make = (random) => random.normal() * 2 ** random.uniform(-24, 7);
export const positive: Make = (random) => random.uniform(0.2, 3);

const fieldName = (at: number): string => `x${at}`;

/** Fails, in full sentences, at the first launch that strays from its reference. */
export function expectFaithful(order: readonly Node[], observations: readonly Observation[]): void {
  const names = namesOf(order);
  for (const { node, inputs, outputs, overwritten } of observations) {
    const line = formatNode(node, names);
    if (overwritten) throw new Error(`${line}: an input was overwritten before it was read (seed ${SEED})`);
    const deviation = judge(node, inputs, outputs);
    if (!deviation) continue;
    const { output, index, expected, actual, bound } = deviation;
    throw new Error(
      `${line}: output ${output}[${index}] is ${actual}, not ${expected} (bound ${bound}, seed ${SEED}, inputs there ${inputs.map((numbers) => numbers[index]).join(', ')})`,
    );
  }
}

/** A graph of the op's outputs, and of their gradients under random weights. */
function graphOf(
  build: (inputs: readonly Value[]) => Value | readonly Value[],
  specs: readonly Spec[],
  random: Random,
  { differentiable = true, withRespectTo }: CheckOptions,
): { graph: Graph; loss: Value | null; wrt: readonly number[] } {
  const inputs = specs.map((given, at) => input(fieldName(at), given));
  const outputs = [build(inputs)].flat();
  const named: Record<string, Value> = Object.fromEntries(outputs.map((value, at) => [`y${at}`, value]));
  const floats = outputs.filter(({ spec: { dtype } }) => dtype === 'f32');
  if (!differentiable || floats.length === 0) return { graph: { outputs: named, writes: [] }, loss: null, wrt: [] };
  const terms = floats.map((value) =>
    sum(
      mul(
        value,
        constant(
          fill(value.spec, random, (r) => r.normal()),
          value.spec,
        ),
      ),
    ),
  );
  const loss = terms.reduce((total, term) => add(total, term));
  const wrt = withRespectTo ?? specs.map((_, at) => at).filter((at) => specs[at].dtype === 'f32');
  const gradients = differentiate(
    loss,
    wrt.map((at) => inputs[at]),
  );
  gradients.forEach((gradient, at) => gradient && (named[`d${wrt[at]}`] = gradient));
  return { graph: { outputs: { ...named, loss }, writes: [] }, loss, wrt };
}

/** Every launch against its f64 reference, and the same bits when run again. */
async function expectLaunches(graph: Graph, batch: Batch, { on = sharedDevice, kernels }: CheckOptions): Promise<void> {
  const backend = await backendOn(on, kernels);
  const program = await backend.compile(graph);
  try {
    const first = await backend.observe(program, batch);
    expectFaithful(program.order, first);
    const second = await backend.observe(program, batch);
    first.forEach(({ outputs }, at) => expect(second[at].outputs).toEqual(outputs));
  } finally {
    program.destroy();
    backend.destroy();
  }
}

const STEP = 5e-4;
/** Four-point differences are good to STEP⁴ / 30 times the fifth derivative; relative to the gradient's norm. */
const DIFFERENCE_TOLERANCE = 1e-6;

/** Gradients in f64 against central differences of the loss. */
export function expectDerivative(graph: Graph, batch: Batch, wrt: readonly number[]): void {
  const doubles: Batch = Object.fromEntries(
    Object.entries(batch).map(([name, numbers]) => [
      name,
      numbers instanceof Float32Array ? Float64Array.from(numbers) : numbers,
    ]),
  );
  const { outputs } = interpret(graph, { batch: doubles, precision: 'f64' });
  const lossAt = (): number =>
    interpret({ outputs: { loss: graph.outputs['loss'] }, writes: [] }, { batch: doubles, precision: 'f64' }).outputs[
      'loss'
    ][0];
  for (const at of wrt) {
    const numbers = doubles[fieldName(at)];
    const given = outputs[`d${at}`] ?? new Float64Array(numbers.length);
    const random = new Random(SEED, `probe ${at}`);
    const probes =
      numbers.length <= 24
        ? [...numbers.keys()]
        : Array.from({ length: 24 }, () => Math.floor(random.uniform(0, numbers.length)));
    const norm = Math.sqrt(Array.from(given).reduce((total, x) => total + x * x, 0));
    for (const i of probes) {
      const x = numbers[i];
      const lossNear = (distance: number): number => {
        numbers[i] = x + distance;
        return lossAt();
      };
      const near = lossNear(STEP) - lossNear(-STEP);
      const far = lossNear(2 * STEP) - lossNear(-2 * STEP);
      const difference = (8 * near - far) / (12 * STEP);
      numbers[i] = x;
      const error = Math.abs(difference - given[i]);
      if (!(error <= DIFFERENCE_TOLERANCE * Math.max(norm, 1))) {
        throw new Error(
          `d loss / d ${fieldName(at)}[${i}] is ${given[i]}, but the difference quotient is ${difference} (norm ${norm}, seed ${SEED})`,
        );
      }
    }
  }
}

/**
 * Holds an op against its own reference: shape by shape, each launch of it and of its derivative within the bound that
 * the op states, fresh random inputs, poisoned outputs, the same bits twice; the derivative against central differences
 * in f64; NaN and infinity out where the reference has them.
 */
export function checkOp(
  name: string,
  build: (inputs: readonly Value[]) => Value | readonly Value[],
  cases: readonly (readonly (Spec | Shape)[])[],
  options: CheckOptions = {},
): void {
  const make = options.make ?? ((_, given) => ordinary(given));
  const batchOf = (specs: readonly Spec[], random: Random): Batch =>
    Object.fromEntries(specs.map((given, at) => [fieldName(at), fill(given, random, make(at, given))]));

  describe(name, () => {
    for (const given of cases) {
      const specs = given.map(asSpec);
      const title = specs.map(formatSpec).join(' × ');
      const random = new Random(SEED, `${name} ${title}`);

      test(`${title}: launches agree with the f64 reference`, async () => {
        const { graph } = graphOf(build, specs, random, options);
        await expectLaunches(graph, batchOf(specs, random), options);
      });

      const smallest = sizeOf(specs[0].shape) <= 4096;
      if (smallest && !options.kinked && (options.differentiable ?? true)) {
        test(`${title}: the derivative agrees with central differences`, () => {
          const { graph, wrt } = graphOf(build, specs, random, options);
          expectDerivative(graph, batchOf(specs, random), wrt);
        });
      }
    }

    const specs = cases[0].map(asSpec);
    if (options.tails) {
      test('numbers of many sizes: launches agree with the f64 reference', async () => {
        const random = new Random(SEED, `${name} of many sizes`);
        const { graph } = graphOf(build, specs, random, options);
        const batch = batchOf(specs, random);
        for (const [at, given] of specs.entries()) {
          if (given.dtype === 'f32') batch[fieldName(at)] = fill(given, random, ofManySizes);
        }
        await expectLaunches(graph, batch, options);
      });
    }
    if (options.special !== false && specs.some(({ dtype }) => dtype === 'f32')) {
      test('NaN and infinity come out where the reference has them', async () => {
        const random = new Random(SEED, `${name} special`);
        const values = [NaN, Infinity, -Infinity, 0, -0, 1e30, -1e30, 100, -100];
        for (const [at, { dtype }] of specs.entries()) {
          if (dtype !== 'f32') continue;
          // Every second element is special; three rounds put each special value into even the smallest shape.
          for (const shift of [0, 3, 6]) {
            const batch = batchOf(specs, random);
            const numbers = batch[fieldName(at)];
            for (let i = 0; i < numbers.length; i += 2) numbers[i] = values[(i + shift) % values.length];
            const { graph } = graphOf(build, specs, random, { ...options, differentiable: false });
            await expectLaunches(graph, batch, options);
          }
        }
      });
    }
  });
}
