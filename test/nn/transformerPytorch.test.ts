// Attention and transformer layers are what PyTorch makes of the same weights, forward and gradients: test/goldens/transformer.py.

import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { spec, type Numbers } from '../../src/core/shape.ts';
import { interpret, type Batch } from '../../src/cpu/interpret.ts';
import {
  constant,
  differentiate,
  input,
  mul,
  multiHeadAttention,
  sum,
  transformerDecoderLayer,
  transformerEncoderLayer,
  transformerWeights,
  type Graph,
  type Module,
  type Value,
} from '../../src/index.ts';
import { Registry } from '../../src/nn/registry.ts';
import { Tracer } from '../../src/nn/tracer.ts';
import { uploadBatch } from '../../src/scheduler/backend.ts';
import { GpuBackend } from '../../src/scheduler/gpuBackend.ts';
import { sharedDevice } from '../support/device.ts';

interface Tensor {
  readonly shape: readonly number[];
  readonly data: readonly number[];
}

interface Case {
  readonly name: string;
  readonly options: Readonly<Record<string, unknown>>;
  readonly weights: Readonly<Record<string, Tensor>>;
  readonly y: readonly number[];
  readonly gradients: readonly (readonly number[])[];
  readonly weightGradients: Readonly<Record<string, readonly number[]>>;
}

const golden = JSON.parse(readFileSync(new URL('../goldens/transformer.json', import.meta.url), 'utf8')) as {
  readonly x: Tensor;
  readonly memory: Tensor;
  readonly otherMemory: Tensor;
  readonly lengths: readonly number[];
  readonly memoryLengths: readonly number[];
  readonly heads: number;
  readonly cases: readonly Case[];
};
const { x, heads, cases } = golden;
const [samples, , width] = x.shape;

/** The layer that a case is of. */
function layerOf({ name, options }: Case): Module<never> {
  const { lengths: _, memoryLengths: __, ...own } = options;
  if (name.startsWith('Multi')) return multiHeadAttention(width, heads, own);
  const others = { dropout: 0, ...own };
  return name.includes('Encoder')
    ? transformerEncoderLayer(width, heads, others)
    : transformerDecoderLayer(width, heads, others);
}

/** What goes into it, by the names that it has for that. */
function tensorsFor({ name, options }: Case): Readonly<Record<string, Tensor | Int32Array>> {
  const isDecoder = name.includes('Decoder');
  const own = options['memoryWidth'] !== undefined;
  return {
    x,
    ...((isDecoder || own) && { memory: own ? golden.otherMemory : golden.memory }),
    ...(options['lengths'] === true && { lengths: Int32Array.from(golden.lengths) }),
    ...(options['memoryLengths'] === true && {
      [isDecoder ? 'memoryLengths' : 'lengths']: Int32Array.from(golden.memoryLengths),
    }),
  };
}

/** A layer's output and all gradients of Σ y · cos(place), with PyTorch's weights. */
function graphOf(one: Case): { readonly graph: Graph; readonly batch: Batch } {
  const given = tensorsFor(one);
  const values: Record<string, Value> = {};
  const batch: Record<string, Numbers> = {};
  for (const [name, tensor] of Object.entries(given)) {
    const isTensor = 'shape' in tensor;
    values[name] = input(name, isTensor ? spec(tensor.shape) : spec([samples], 'i32'));
    batch[name] = isTensor ? Float32Array.from(tensor.data) : tensor;
  }
  const registry = new Registry(1);
  const tracer = new Tracer(registry, 'train', null);
  const y: Value = tracer.apply(layerOf(one), values as never, '');
  const weights = transformerWeights(one.weights);
  const names = registry.parameters.map(({ name }) => name);
  expect(Object.keys(weights).toSorted()).toEqual(names.toSorted());
  const of = [
    ...['x', 'memory'].flatMap((name) => values[name] ?? []),
    ...registry.parameters.map(({ name, definition }) => tracer.parameter(name, definition.shape)),
  ];
  const slope = Float32Array.from(one.y, (_, at) => Math.cos(at));
  const gradients = differentiate(sum(mul(y, constant(slope, y.spec))), of);
  const wanted = ['x', 'memory'].filter((name) => name in values).concat(names);
  const outputs = Object.fromEntries(wanted.map((name, at) => [`d ${name}`, gradients[at]!]));
  return { graph: { outputs: { y, ...outputs }, writes: [] }, batch: { ...batch, ...weights } };
}

async function onWebgpu(graph: Graph, batch: Batch): Promise<Record<string, Numbers>> {
  const backend = new GpuBackend(await sharedDevice(), {});
  const program = await backend.compile(graph);
  try {
    uploadBatch(program, batch);
    backend.run([program]);
    const read = async (name: string) => [name, await backend.readOutput(program, name)] as const;
    return Object.fromEntries(await Promise.all(Object.keys(graph.outputs).map(read)));
  } finally {
    program.destroy();
    backend.destroy();
  }
}

function expectClose(actual: Numbers, expected: ArrayLike<number>): void {
  const numbers = Array.from(expected);
  const largest = Math.max(1, ...numbers.map(Math.abs));
  expect(actual).toHaveLength(numbers.length);
  const furthest = numbers.reduce((most, number, at) => Math.max(most, Math.abs(actual[at] - number)), 0);
  expect(furthest / largest).toBeLessThan(1e-5);
}

describe.each(['cpu', 'webgpu'] as const)('on %s', (backend) => {
  test.each(cases.map((one) => [one.name, one] as const))('%s', async (_, one) => {
    const { graph, batch } = graphOf(one);
    const actual = backend === 'cpu' ? interpret(graph, { batch }).outputs : await onWebgpu(graph, batch);
    expectClose(actual['y'], one.y);
    one.gradients.forEach((gradient, at) => expectClose(actual[at === 0 ? 'd x' : 'd memory'], gradient));
    // A gradient lies as its weight does.
    const theirs = Object.entries(one.weightGradients).map(([name, data]) => {
      return [name, { shape: one.weights[name].shape, data }] as const;
    });
    for (const [name, gradient] of Object.entries(transformerWeights(Object.fromEntries(theirs)))) {
      expectClose(actual[`d ${name}`], gradient);
    }
  });
});
