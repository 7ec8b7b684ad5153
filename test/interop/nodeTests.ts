// ONNX' own node tests, as test/interop/python/onnx_node_tests.py writes them: read, run on a backend, compared.

import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fromBinary } from '@bufbuild/protobuf';
import { FormatError } from '../../src/core/errors.ts';
import type { Dtype, Numbers, Shape } from '../../src/core/shape.ts';
import { allocate, sameShape, sizeOf } from '../../src/core/shape.ts';
import { Random } from '../../src/core/random.ts';
import { interpret } from '../../src/cpu/interpret.ts';
import type { Graph, Value } from '../../src/graph/graph.ts';
import { input } from '../../src/graph/leaf.ts';
import { fromOnnx } from '../../src/interop/onnx/fromOnnx.ts';
import { ModelProtoSchema } from '../../src/interop/onnx/onnx_pb.ts';
import { operators } from '../../src/interop/onnx/operators/index.ts';
import { uploadBatch, type Backend } from '../../src/scheduler/backend.ts';
import type { Values } from '../../src/nn/layer.ts';
import { Registry } from '../../src/nn/registry.ts';
import { Tracer } from '../../src/nn/tracer.ts';

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

/** How what comes out differs from what is wanted; undefined where it does not. */
export async function differenceOf(bytes: Uint8Array, test: Case, run: Run): Promise<string | undefined> {
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
    return await difference(bytes, test, run, isKnown);
  } catch (error) {
    // Shapes, which models compute, are inputs of some tests: of those alone that cannot do without.
    if (!(error instanceof FormatError) || !error.message.includes('where it must be known')) throw error;
    return difference(
      bytes,
      test,
      run,
      (one) => isKnown(one) || one.shape.length === 0 || dtypeOf(one.dtype!) === 'i32',
    );
  }
}

async function difference(
  bytes: Uint8Array,
  { inputs, outputs, rtol, atol }: Case,
  run: Run,
  isKnown: (one: Told) => boolean,
): Promise<string | undefined> {
  const given = inputs.filter(({ name }) => name !== '');
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
  const tracer = new Tracer(new Registry(0), 'evaluate', null);
  const x = Object.fromEntries(values) as Values;
  const made = tracer.apply(model, x, '');
  const results = 'spec' in made ? { [outputs[0].name]: made as Value } : made;
  const weights = Object.entries({ ...model.parameters, ...model.state }).map(([name, one]) => [
    name,
    one.initial(one.shape, new Random(0, 'unused')),
  ]);
  const batch = fields.map(({ name, shape, dtype, data }) => {
    const numbers = allocate({ shape, dtype: dtypeOf(dtype!) });
    data.forEach((one, at) => (numbers[at] = numberOf(one)));
    return [name, numbers] as const;
  });
  const got = await run({ outputs: results, writes: [] }, Object.fromEntries([...weights, ...batch]));
  for (const { name, shape, data, dtype } of outputs) {
    const relative = Math.max(rtol, narrow[dtype!] ?? 0);
    const numbers = got[name];
    if (!numbers) return `gives no "${name}"`;
    const own = results[name].spec.shape;
    if (!sameShape(own, shape)) return `"${name}" is [${own.join()}], wanted [${shape.join()}]`;
    for (const [at, told] of data.entries()) {
      const [wanted, is] = [numberOf(told), numbers[at]];
      const near = Math.abs(is - wanted) <= atol + relative * Math.abs(wanted);
      if (!near && !Object.is(is, wanted) && is !== wanted) return `"${name}"[${at}] is ${is}, wanted ${wanted}`;
    }
  }
  return undefined;
}
