// ONNX files by a seed: models that PyTorch exported, and graphs of a few nodes that compute with shapes.

import { readFileSync } from 'node:fs';
import type { Random } from '../../src/core/random.ts';
import { floatsIn, floatsOf, intAttribute, intsOf, nodeOf, onnxFile, type OnnxNodeInit } from '../support/onnxFile.ts';
import { below, chance, oneOf, type Sample } from './mutate.ts';

const exported = (name: string): Uint8Array =>
  readFileSync(new URL(`../goldens/interop/onnx/${name}.onnx`, import.meta.url));

const attributesOf: Readonly<Record<string, (random: Random) => ReturnType<typeof intAttribute>[]>> = {
  Concat: (random) => [intAttribute('axis', below(random, 3) - 1)],
  Gather: (random) => [intAttribute('axis', below(random, 2))],
  Softmax: (random) => [intAttribute('axis', below(random, 3) - 1)],
  Flatten: (random) => [intAttribute('axis', below(random, 3))],
};

/** Inputs that a kind of node may have, as names that there are. */
const kinds: Readonly<Record<string, readonly string[]>> = {
  Add: ['x', 'w'],
  Concat: ['x', 'x'],
  ConstantOfShape: ['shape'],
  Div: ['x', 'w'],
  Expand: ['x', 'shape'],
  Flatten: ['x'],
  Gather: ['x', 'index'],
  Identity: ['x'],
  MatMul: ['x', 'w'],
  Pad: ['x', 'pads'],
  Range: ['scalar', 'scalar', 'scalar'],
  ReduceSum: ['x', 'index'],
  Relu: ['x'],
  Reshape: ['x', 'shape'],
  Shape: ['x'],
  Slice: ['x', 'index', 'shape', 'index'],
  Softmax: ['x'],
  Split: ['x', 'shape'],
  Tile: ['x', 'shape'],
  Transpose: ['x'],
  Unsqueeze: ['x', 'index'],
};

/** A graph in which each node reads what there is, what is wanted or not. */
function ofNodes(random: Random): Uint8Array {
  const made = ['x'];
  const node: OnnxNodeInit[] = [];
  for (let at = 0, count = 1 + below(random, 6); at < count; at++) {
    const kind = oneOf(random, Object.keys(kinds));
    const inputs = kinds[kind].map((name) => (name === 'x' || chance(random, 0.1) ? oneOf(random, made) : name));
    const name = at === count - 1 ? 'y' : `t${at}`;
    node.push(nodeOf(kind, inputs.join(' '), name, attributesOf[kind]?.(random) ?? []));
    made.push(name);
  }
  const small = (): number => oneOf(random, [-1, 0, 1, 1, 2, 2, 3, 6]);
  const initializer = [
    floatsOf('w', [2, 2], [1, -2, 3, 0.5]),
    floatsOf('scalar', [], [below(random, 5)]),
    intsOf('shape', [small(), small()]),
    intsOf('index', [small()]),
    intsOf('pads', [small(), small(), small(), small()]),
  ];
  return onnxFile({ node, initializer, input: [floatsIn('x', -1, 2)] }, oneOf(random, [9, 13, 17, 20, 23]));
}

export function onnx(random: Random): Sample {
  const name = oneOf(random, ['mlp', 'sklearnMlp', 'mlp', 'mobilenet', 'gru']);
  return { bytes: chance(random, 0.6) ? ofNodes(random) : exported(name) };
}
