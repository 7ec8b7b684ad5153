import { describe, expect, test } from 'vitest';
import { Random } from '../../src/core/random.ts';
import { allocate, spec, type Numbers, type Spec } from '../../src/core/shape.ts';
import { judge } from '../../src/cpu/judge.ts';
import type { Value } from '../../src/graph/graph.ts';
import { input } from '../../src/graph/leaf.ts';
import { crossEntropy, differentiate, gelu, meanSquaredError, softmax, sum } from '../../src/index.ts';
import { adam, sgd } from '../../src/optim/index.ts';

/** The node of a graph's gradient that a kernel of this name computes. */
function gradientNode(loss: Value, x: Value, name: string): Value['node'] {
  const pending = [differentiate(loss, [x])[0]!.node];
  for (const node of pending) {
    if (node.op.name === name) return node;
    pending.push(...node.inputs.map((value) => value.node));
  }
  throw new Error(`no ${name} in the graph`);
}

/** Inputs of the sizes that training gives them: gradients as small as a mean over many makes them. */
function numbersFor(specs: readonly Spec[], gradient: number): Numbers[] {
  const random = new Random(5, 'judge');
  return specs.map((given, at) => {
    const numbers = allocate(given);
    const scale = at === specs.length - 1 ? gradient : 1;
    for (let i = 0; i < numbers.length; i++) {
      numbers[i] = given.dtype === 'f32' ? random.normal() * scale : Math.floor(random.uniform(0, 3));
    }
    return numbers;
  });
}

const N = 64;
const x = input('x', spec([N, 10]));
const t = input('t', spec([N, 10]));
const labels = input('labels', spec([N], 'i32'));
const cases = [
  ['squaredErrorGrad', gradientNode(meanSquaredError(x, t), x, 'squaredErrorGrad')],
  ['crossEntropyGrad', gradientNode(crossEntropy(x, labels), x, 'crossEntropyGrad')],
  ['geluGrad', gradientNode(sum(gelu(x)), x, 'geluGrad')],
  ['softmaxGrad', gradientNode(sum(softmax(x)), x, 'softmaxGrad')],
] as const;

describe.each(cases)('the judge of %s, for gradients of a millionth', (_, node) => {
  const specs = node.inputs.map((value) => value.spec);
  const inputs = numbersFor(specs, 1e-6);
  const outputs = node.outputs.map((value) => allocate(value.spec));
  node.op.cpu(inputs, outputs, node);

  test('passes the reference rounded to f32', () => {
    expect(judge(node, inputs, outputs)).toBeNull();
  });
  test('finds a gradient that is 2 % too small', () => {
    const small = outputs.map((numbers) => numbers.map((number) => number * 0.98));
    expect(judge(node, inputs, small as Numbers[])).not.toBeNull();
  });
});

describe.each([
  ['adam', adam({ learningRate: 1 }), 2],
  ['sgd', sgd({ momentum: 0.9 }), 1],
] as const)('the judge of an update by %s', (_, optimizer, moments) => {
  const arena = spec([64]);
  const specs: Spec[] = [
    arena,
    arena,
    ...Array.from({ length: moments }, () => arena),
    spec([1, 4]),
    spec([1, 4]),
    spec([4], 'u32'),
  ];
  const values = specs.map((given, at) => input(`x${at}`, given));
  const { node } = optimizer.update({
    parameters: values[0],
    gradients: values[1],
    moments: values.slice(2, 2 + moments),
    groups: values[2 + moments],
    schedule: values[3 + moments],
    control: values[4 + moments],
    ranges: [{ name: 'p', shape: [64], offset: 0, size: 64, trains: true }],
  })[0];
  const order = node.inputs.map((value) => values.indexOf(value));
  /** One parameter like all others, so that its update may cancel it. */
  const run = (parameter: number, gradient: number, rate: number) => {
    const inputs = specs.map((given) => allocate(given));
    inputs[0].fill(parameter);
    inputs[1].fill(gradient);
    inputs[2 + moments].set([1, 0, 1, 0]);
    inputs[3 + moments].set(optimizer.row(0, rate));
    const outputs = node.outputs.map((value) => allocate(value.spec));
    const bound = order.map((at) => inputs[at]);
    node.op.cpu(bound, outputs, node);
    return { inputs: bound, outputs };
  };

  test('passes a sound update that cancels the parameter', () => {
    for (const [parameter, rate] of [
      [1.003, 1],
      [10.0003, 10],
    ]) {
      const { inputs, outputs } = run(parameter, 1.3, rate);
      expect(judge(node, inputs, outputs)).toBeNull();
    }
  });
  test('finds an update that does not happen, and a moment that is doubled, at a learning rate of 1e-4', () => {
    const { inputs, outputs } = run(0.3, 0.01, 1e-4);
    expect(judge(node, inputs, [inputs[0], ...outputs.slice(1)])).not.toBeNull();
    const doubled = outputs.map((numbers, at) => (at === moments ? numbers.map((number) => 2 * number) : numbers));
    expect(judge(node, inputs, doubled)).not.toBeNull();
  });
});
