import { describe, expect, test } from 'vitest';
import { SHIFTS, withSpecial } from '../../src/check/checkOp.ts';
import { requireDerivative } from '../../src/check/derivative.ts';
import { requireFaithful } from '../../src/check/launches.ts';
import { fieldName, fill, opGraph, ordinary, type Batch, type Build, type Make } from '../../src/check/opGraph.ts';
import { Random } from '../../src/core/random.ts';
import { formatSpec, sizeOf, spec, type Shape, type Spec } from '../../src/core/shape.ts';
import type { Graph, Node } from '../../src/graph/graph.ts';
import type { Observation } from '../../src/scheduler/backend.ts';
import type { Kernels } from '../../src/scheduler/kernelChoice.ts';
import { findFault } from '../../src/train/inspection/verification.ts';
import { backendOn, sharedDevice, wasmBackend } from './device.ts';

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

/** Fails, in full sentences, at the first launch that strays from its reference. */
export function expectFaithful(order: readonly Node[], observations: readonly Observation[]): void {
  const fault = findFault(order, observations);
  if (fault) throw new Error(`${fault.message} (seed ${SEED})`);
}

/** Every launch against its f64 reference, and the same bits when run again: on the GPU, and in WebAssembly. */
async function expectLaunches(graph: Graph, batch: Batch, { on, kernels }: CheckOptions): Promise<void> {
  const places = [() => backendOn(on ?? sharedDevice, kernels), ...(on || kernels ? [] : [wasmBackend])];
  for (const open of places) {
    const backend = await open();
    try {
      await requireFaithful(backend, graph, batch, SEED);
    } finally {
      backend.destroy();
    }
  }
}

/** Whether there is a number by which something could be differentiated. */
const hasSlopes = (specs: readonly Spec[]): boolean =>
  specs.some(({ dtype, shape }) => dtype === 'f32' && sizeOf(shape) > 0);

/** `checkOp` of the package for many shapes, a test for each that can fail by itself; and for numbers of many sizes. */
export function checkOp(
  name: string,
  build: Build,
  cases: readonly (readonly (Spec | Shape)[])[],
  options: CheckOptions = {},
): void {
  const make = options.make ?? ((_, given) => ordinary(given));
  const batchOf = (specs: readonly Spec[], random: Random): Batch =>
    Object.fromEntries(specs.map((given, at) => [fieldName(at), fill(given, random, make(at, given))]));
  const wrt = options.differentiable === false ? [] : options.withRespectTo;

  describe(name, () => {
    for (const given of cases) {
      const specs = given.map(asSpec);
      const title = specs.map(formatSpec).join(' × ');
      const random = new Random(SEED, `${name} ${title}`);

      test(`${title}: launches agree with the f64 reference`, async () => {
        const { graph } = opGraph(build, specs, random, wrt);
        await expectLaunches(graph, batchOf(specs, random), options);
      });

      const smallest = sizeOf(specs[0].shape) <= 4096;
      if (smallest && !options.kinked && options.differentiable !== false) {
        test(`${title}: the derivative agrees with central differences`, () => {
          const graph = opGraph(build, specs, random, wrt);
          const slopes = requireDerivative(graph, batchOf(specs, random), SEED);
          expect(slopes).toBeGreaterThanOrEqual(hasSlopes(specs) ? 1 : 0);
        });
      }
    }

    const specs = cases[0].map(asSpec);
    if (options.tails) {
      test('numbers of many sizes: launches agree with the f64 reference', async () => {
        const random = new Random(SEED, `${name} of many sizes`);
        const { graph } = opGraph(build, specs, random, wrt);
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
        const { graph } = opGraph(build, specs, random, []);
        for (const [at, { dtype }] of specs.entries()) {
          if (dtype !== 'f32') continue;
          for (const shift of SHIFTS) {
            await expectLaunches(graph, withSpecial(batchOf(specs, random), at, shift), options);
          }
        }
      });
    }
  });
}
