import { describe, expect, test } from 'vitest';
import {
  crossEntropy,
  differentiate,
  formatGraph,
  input,
  matmul,
  relu,
  simplify,
  type Graph,
} from '../../src/index.ts';
import { spec } from '../../src/core/shape.ts';

describe('a graph', () => {
  test('prints as text, leaves by name and the others by number', () => {
    const x = input('x', spec([2, 3]));
    const w = input('w', spec([3, 4]));
    const hidden = relu(matmul(x, w));
    const graph: Graph = { outputs: { hidden }, writes: [] };
    expect(formatGraph(graph)).toBe(
      [
        'x f32[2, 3] = input()',
        'w f32[3, 4] = input()',
        '%0 f32[2, 4] = matmul(x, w) {transposeA: false, transposeB: false}',
        '%1 f32[2, 4] = relu(%0)',
        'output hidden = %1',
      ].join('\n'),
    );
  });

  test('uses a gradient as soon as it is known: the last layer’s weight before the first one’s', () => {
    const x = input('x', spec([2, 3]));
    const labels = input('labels', spec([2], 'i32'));
    const weights = [input('w0', spec([3, 4])), input('w1', spec([4, 4])), input('w2', spec([4, 5]))];
    const logits = weights.reduce((value, w) => matmul(relu(value), w), x);
    const gradients = differentiate(crossEntropy(logits, labels), weights);
    const graph = simplify({
      outputs: Object.fromEntries(gradients.map((gradient, at) => [`d${at}`, gradient!])),
      writes: [],
    });
    const lines = formatGraph(graph).split('\n');
    const lineOf = (name: string): number => {
      const value = lines.find((line) => line.startsWith(`output ${name} = `))!.split(' = ')[1];
      return lines.findIndex((line) => line.startsWith(`${value} `));
    };
    expect(lineOf('d2')).toBeLessThan(lineOf('d1'));
    expect(lineOf('d1')).toBeLessThan(lineOf('d0'));
  });
});
