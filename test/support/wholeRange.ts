import { Random } from '../../src/core/random.ts';
import { spec, type Numbers } from '../../src/core/shape.ts';
import { interpret } from '../../src/cpu/interpret.ts';
import { UNIT } from '../../src/graph/accuracy.ts';
import type { Graph, Value } from '../../src/graph/graph.ts';
import { input } from '../../src/graph/leaf.ts';
import { sum } from '../../src/ops/reductions/sum.ts';
import { differentiate } from '../../src/transform/differentiate.ts';
import { sharedBackend } from './device.ts';
import { SEED } from './points.ts';

/*
 * Functions over all of f32, held against formulas in f64 that stand in the test: a function's own reference, which
 * reads what a launch read, does not see what was lost before.
 */

/** Numbers of every size and both signs, many of them where functions of an exponential live; zeros, infinities, NaN. */
export function allSizes(): Float32Array {
  const random = new Random(SEED, 'all sizes');
  const sizes = Array.from({ length: 4000 }, () => 2 ** random.uniform(-126, 128));
  const ordinary = Array.from({ length: 3000 }, () => random.uniform(0, 110));
  const positive = [...sizes, ...ordinary, 0, Infinity, 17, 20, 88, 89, 159, 1];
  return Float32Array.from([...positive, ...positive.map((x) => -x), NaN]);
}

/** What is lost where a number below 2⁻¹²⁶ is flushed to 0, as WGSL allows, before it is multiplied by some 100. */
const FLUSHED = 2 ** -118;
const LARGEST = 3.4028234663852886e38;

/** Errors of at most so many units of 2⁻²⁴ of what is right, or of the terms that make it. @throws at the worst number */
export function expectRight(
  xs: Float32Array,
  given: Numbers,
  right: (x: number) => number,
  units: number,
  terms: (x: number) => number = right,
): void {
  let [most, where] = [0, ''];
  for (const [i, x] of xs.entries()) {
    const [expected, actual] = [right(x), given[i]];
    const error = Math.abs(actual - expected);
    if (Object.is(actual, expected) || actual === Math.fround(expected) || error <= FLUSHED) continue;
    if (Math.abs(actual) === Infinity && expected / Math.sign(actual) > LARGEST * (1 - 1e-6)) continue;
    const found = Number.isFinite(error) ? error / Math.abs(terms(x)) / UNIT : Infinity;
    if (found > most) [most, where] = [found, `${actual} at ${x}, where ${expected} is right`];
  }
  if (most > units) throw new Error(`${where}: ${most} units, not ${units} at the most (seed ${SEED})`);
}

/** Functions of x, and their slopes under `dNAME`, at each number: in f32 on both backends. */
export async function overAll(
  functions: Readonly<Record<string, (x: Value) => Value>>,
  xs: Float32Array,
): Promise<Readonly<Record<'cpu' | 'webgpu', Readonly<Record<string, Numbers>>>>> {
  const x = input('x', spec([xs.length]));
  const outputs: Record<string, Value> = {};
  for (const [name, f] of Object.entries(functions)) {
    outputs[name] = f(x);
    outputs[`d${name}`] = differentiate(sum(outputs[name]), [x])[0]!;
  }
  const graph: Graph = { outputs, writes: [] };
  const backend = await sharedBackend();
  const program = await backend.compile(graph);
  try {
    program.upload('x', xs);
    backend.run([program]);
    return { cpu: interpret(graph, { batch: { x: xs } }).outputs, webgpu: await backend.readOutputs(program) };
  } finally {
    program.destroy();
    backend.destroy();
  }
}
