// ONNX' training operators, ai.onnx.preview.training, by our optimizers. They mean the same, but that Adam's T counts from 1
// (at 0 it corrects nothing, as ours does not any more after many steps), that its epsilon is added to a root that is not
// corrected, and that Momentum's beta, where it is not 1, scales gradients from T = 1 on.

import { layOut } from '../../src/core/parameterLayout.ts';
import { interpret } from '../../src/cpu/interpret.ts';
import { adagrad, adam, constant, sgd, type Optimizer } from '../../src/index.ts';

/** As python/onnx_training.py tells of a node. */
export interface TrainingNode {
  readonly op: string;
  readonly attributes: Readonly<Record<string, number | string>>;
  readonly inputs: readonly (readonly number[])[];
  readonly outputs: readonly (readonly number[])[];
}

/** After so many steps nothing is left to correct. */
const LATE = 1e7;
const BLOCK = 64;

/** What an operator is here, at which step, and what is done at last. */
function optimizerOf(
  { op, attributes }: TrainingNode,
  T: number,
): { readonly optimizer: Optimizer; readonly step: number } {
  const number = (name: string, usual: number): number => Number(attributes[name] ?? usual);
  const [alpha, beta] = [number('alpha', 0.9), number('beta', 0.999)];
  switch (op) {
    case 'Adagrad': {
      const options = { learningRateDecay: number('decay_factor', 0), epsilon: number('epsilon', 0) };
      return { optimizer: adagrad(options), step: T };
    }
    case 'Adam': {
      const options = { beta1: alpha, beta2: beta, epsilon: number('epsilon', 0) };
      return { optimizer: adam(options), step: T === 0 ? LATE : T - 1 };
    }
    case 'Momentum':
      if (T > 0 && beta !== 1) throw new Error('there is no momentum whose gradients are scaled');
      return { optimizer: sgd({ momentum: alpha, nesterov: attributes['mode'] === 'nesterov' }), step: T };
  }
  throw new Error(`${op} is no operator that trains`);
}

/** A table with a row for each block. */
const table = (...row: readonly number[]) => constant(Float32Array.from(row), { shape: [1, 4], dtype: 'f32' });

/** The largest difference of what an operator gives and what the optimizer makes here. */
export function apartFrom(node: TrainingNode): number {
  const [[rate], [T], ...tensors] = node.inputs;
  const { optimizer, step } = optimizerOf(node, T);
  const moments = Object.keys(optimizer.moments);
  const count = tensors.length / (2 + moments.length);
  const decay = Number(node.attributes['norm_coefficient'] ?? 0);
  const differences = Array.from({ length: count }, (_, tensor) => {
    const [X, G, ...kept] = Array.from({ length: 2 + moments.length }, (__, at) => {
      const arena = new Float32Array(BLOCK);
      arena.set(tensors[at * count + tensor]);
      return constant(arena, { shape: [BLOCK], dtype: 'f32' });
    });
    const shape = [node.inputs[2 + tensor].length];
    const [page] = layOut([{ name: 'X', shape }]);
    const row = [...optimizer.row(step, rate), 0, 0, 0].slice(0, 4);
    const values = optimizer.update({
      parameters: X,
      gradients: G,
      moments: kept,
      groups: table(1, decay, 1, 0),
      schedule: table(...row),
      control: constant(new Uint32Array(4), { shape: [4], dtype: 'u32' }),
      ranges: page.ranges.map((range) => ({ ...range, trains: true })),
    });
    const outputs = Object.fromEntries(values.slice(0, 1 + moments.length).map((value, at) => [String(at), value]));
    const found = interpret({ outputs, writes: [] }).outputs;
    return Math.max(
      ...Array.from({ length: 1 + moments.length }, (__, at) =>
        Math.max(
          ...node.outputs[at * count + tensor].map(
            (one, i) => Math.abs(one - found[at][i]) / Math.max(1, Math.abs(one)),
          ),
        ),
      ),
    );
  });
  return Math.max(...differences);
}
