// ONNX' own node tests, as test/interop/python/onnx_node_tests.py writes them: read, run on a backend, compared.

import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fromBinary } from '@bufbuild/protobuf';
import { FormatError } from '../../src/core/errors.ts';
import type { Dtype, Numbers, Shape, Spec } from '../../src/core/shape.ts';
import { allocate, sameShape, sizeOf } from '../../src/core/shape.ts';
import { Random } from '../../src/core/random.ts';
import { interpret } from '../../src/cpu/interpret.ts';
import { orderOf as executionOrderOf } from '../../src/graph/executionOrder.ts';
import type { Graph, Value } from '../../src/graph/graph.ts';
import { constant, fieldsIn, input } from '../../src/graph/leaf.ts';
import { fromOnnx } from '../../src/interop/onnx/fromOnnx.ts';
import { ModelProtoSchema } from '../../src/interop/onnx/onnx_pb.ts';
import { operators } from '../../src/interop/onnx/operators/index.ts';
import { uploadBatch, type Backend } from '../../src/scheduler/backend.ts';
import { Registry } from '../../src/nn/registry.ts';
import { Tracer } from '../../src/nn/tracer.ts';
import { add, mul, sum } from '../../src/ops/index.ts';
import { differentiate } from '../../src/transform/differentiate.ts';

interface Told {
  readonly name: string;
  readonly dtype: string | null;
  readonly shape: Shape;
  readonly data: readonly (number | string)[];
}

/** A node's test. */
export interface Case {
  readonly rtol: number;
  readonly atol: number;
  readonly inputs: readonly Told[];
  readonly outputs: readonly Told[];
}

/** What became of a test: it passed, it was refused by name, or it gave something else. */
export interface Outcome {
  readonly name: string;
  readonly result: 'passed' | 'refused' | 'failed';
  readonly why?: string;
}

/** Runs a graph on numbers by field. */
export type Run = (
  graph: Graph,
  batch: Readonly<Record<string, Numbers>>,
) => Promise<Readonly<Record<string, Numbers>>>;

export const onCpu: Run = async (graph, batch) => interpret(graph, { batch }).outputs;

/** On a device, or in WebAssembly. */
export const runOn =
  (backend: Backend): Run =>
  async (graph, batch) => {
    const program = await backend.compile(graph);
    try {
      uploadBatch(program, batch);
      backend.run([program]);
      return await backend.readOutputs(program);
    } finally {
      program.destroy();
    }
  };

export const casesIn = (folder: string): string[] =>
  readdirSync(folder)
    .filter((file) => file.endsWith('.onnx'))
    .map((file) => file.slice(0, -'.onnx'.length))
    .sort();

const numberOf = (told: number | string): number =>
  typeof told === 'number' ? told : ({ inf: Infinity, '-inf': -Infinity }[told] ?? NaN);

const dtypeOf = (dtype: string): Dtype =>
  dtype.includes('float') ? 'f32' : dtype === 'bool' ? 'u32' : dtype === 'uint8' ? 'u8' : 'i32';

/** Where every step is rounded to a narrow type, and is not here, results are two units of its last place apart. */
const narrow: Readonly<Record<string, number>> = { float16: 2 ** -9, bfloat16: 2 ** -6 };

/** Runs one test. */
export async function outcomeOf(folder: string, name: string, run: Run): Promise<Outcome> {
  const bytes = readFileSync(join(folder, `${name}.onnx`));
  const test = JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8')) as Case;
  try {
    const why = await differenceOf(bytes, test, run);
    return why ? { name, result: 'failed', why } : { name, result: 'passed' };
  } catch (error) {
    const why = (error as Error).message;
    return { name, result: error instanceof FormatError ? 'refused' : 'failed', why };
  }
}

/** A test's graph as it is traced here, and the numbers of its fields: inputs, and weights. */
interface Traced {
  readonly outputs: Readonly<Record<string, Value>>;
  readonly batch: Readonly<Record<string, Numbers>>;
}

/** How what comes out differs from what is wanted; undefined where it does not. */
export async function differenceOf(bytes: Uint8Array, test: Case, run: Run): Promise<string | undefined> {
  const { outputs: made, batch } = await traced(bytes, test);
  const got = await run({ outputs: made, writes: [] }, batch);
  for (const { name, shape, data, dtype } of test.outputs) {
    const relative = Math.max(test.rtol, narrow[dtype!] ?? 0);
    const numbers = got[name];
    if (!numbers) return `gives no "${name}"`;
    const own = made[name].spec.shape;
    if (!sameShape(own, shape)) return `"${name}" is [${own.join()}], wanted [${shape.join()}]`;
    for (const [at, told] of data.entries()) {
      const [wanted, is] = [numberOf(told), numbers[at]];
      const near = Math.abs(is - wanted) <= test.atol + relative * Math.abs(wanted);
      if (!near && !Object.is(is, wanted) && is !== wanted) return `"${name}"[${at}] is ${is}, wanted ${wanted}`;
    }
  }
  return undefined;
}

/** How far a slope is from a difference quotient, along a random direction of all floats, relative to 1 or the quotient. */
export async function slopeStray(bytes: Uint8Array, test: Case): Promise<number> {
  const { outputs, batch } = await traced(bytes, test);
  const random = new Random(1, 'directions');
  const drawn = (length: number) => Float64Array.from({ length }, () => random.uniform(-1, 1));
  const terms = Object.values(outputs)
    .filter(({ spec: { dtype } }) => dtype === 'f32')
    .map((y) => sum(mul(y, constant(Float32Array.from(drawn(sizeOf(y.spec.shape))), y.spec as Spec<'f32'>))));
  if (terms.length === 0) return 0;
  const loss = terms.reduce((a, b) => add(a, b));
  const leaves = [...fieldsIn(executionOrderOf({ outputs: { loss }, writes: [] }))].filter(
    ([, { spec }]) => spec.dtype === 'f32',
  );
  const slopes = differentiate(
    loss,
    leaves.map(([, value]) => value),
  );
  const directions = leaves.map(([name]) => drawn(batch[name].length));
  const graph = { outputs: { loss, ...Object.fromEntries(slopes.map((one, at) => [at, one ?? loss])) }, writes: [] };
  const at = (step: number) => {
    const moved = leaves.map(([name], of) => [
      name,
      Float64Array.from(batch[name], (x, i) => x + step * directions[of][i]),
    ]);
    return interpret(graph, { batch: { ...batch, ...Object.fromEntries(moved) }, precision: 'f64' }).outputs;
  };
  const [below, here, above] = [at(-STEP), at(0), at(STEP)];
  const quotient = (above['loss'][0] - below['loss'][0]) / (2 * STEP);
  const slope = slopes.reduce((total, one, of) => {
    return one ? directions[of].reduce((own, by, i) => own + by * here[of][i], total) : total;
  }, 0);
  return Math.abs(slope - quotient) / Math.max(1, Math.abs(quotient));
}

const STEP = 1e-6;

async function traced(bytes: Uint8Array, test: Case): Promise<Traced> {
  const odd = [...test.inputs, ...test.outputs].find(({ dtype }) => dtype === null);
  if (odd) throw new FormatError(`"${odd.name}" is no tensor of numbers`);
  const { graph } = fromBinary(ModelProtoSchema, bytes);
  // What an operator must know beforehand is given so, and what has no elements.
  const isKnown = ({ name, shape }: Told): boolean =>
    sizeOf(shape) === 0 ||
    graph!.node.some(({ opType, input: names }) =>
      names.some((other, at) => other === name && operators[opType]?.known?.includes(at)),
    );
  try {
    return await tracedWith(bytes, test, isKnown);
  } catch (error) {
    // Shapes, which models compute, are inputs of some tests: of those alone that cannot do without.
    if (!(error instanceof FormatError) || !error.message.includes('where it must be known')) throw error;
    return tracedWith(bytes, test, (one) => isKnown(one) || one.shape.length === 0 || dtypeOf(one.dtype!) === 'i32');
  }
}

async function tracedWith(bytes: Uint8Array, test: Case, isKnown: (one: Told) => boolean): Promise<Traced> {
  const given = test.inputs.filter(({ name }) => name !== '');
  const fixed = given.filter(isKnown).map(({ name, shape, data, dtype }) => {
    const numbers = data.map(numberOf);
    return [
      name,
      { shape, data: dtypeOf(dtype!) === 'f32' ? Float32Array.from(numbers) : Float64Array.from(numbers) },
    ] as const;
  });
  const { model } = await fromOnnx(bytes, { fixed: Object.fromEntries(fixed) });
  const fields = given.filter((one) => !isKnown(one));
  const values = fields.map(
    ({ name, shape, dtype }) => [name, input(name, { shape, dtype: dtypeOf(dtype!) })] as const,
  );
  const made = new Tracer(new Registry(0), 'evaluate', null).apply(model, Object.fromEntries(values), '');
  const outputs = 'spec' in made ? { [test.outputs[0].name]: made as Value } : made;
  const weights = Object.entries({ ...model.parameters, ...model.state }).map(([name, one]) => [
    name,
    one.initial(one.shape, new Random(0, 'unused')),
  ]);
  const batch = fields.map(({ name, shape, dtype, data }) => {
    const numbers = allocate({ shape, dtype: dtypeOf(dtype!) });
    data.forEach((one, at) => (numbers[at] = numberOf(one)));
    return [name, numbers] as const;
  });
  return { outputs, batch: Object.fromEntries([...weights, ...batch]) };
}
