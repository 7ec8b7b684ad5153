import { expect, test } from 'vitest';
import golden from '../goldens/interop/onnxTraining.json' with { type: 'json' };
import { apartFrom, type TrainingNode } from './onnxTraining.ts';

test.each(Object.entries(golden.cases as unknown as Readonly<Record<string, TrainingNode>>))(
  'what ONNX trains by is what trains here: %s',
  (_, node) => {
    expect(apartFrom(node)).toBeLessThan(1e-6);
  },
);

test('a beta that scales gradients has no equal here', () => {
  const node = golden.cases.test_momentum as unknown as TrainingNode;
  expect(() => apartFrom({ ...node, inputs: [node.inputs[0], [1], ...node.inputs.slice(2)] })).toThrow('no momentum');
});
