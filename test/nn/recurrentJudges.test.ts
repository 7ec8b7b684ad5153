// What PyTorch, Keras and ONNX Runtime make of the same recurrent layers, by test/goldens/recurrent.py, and TensorFlow.js,
// by test/goldens/recurrentTensorflow.mjs.

import { describe, expect, test } from 'vitest';
import { spec, type Numbers } from '../../src/core/shape.ts';
import { interpret } from '../../src/cpu/interpret.ts';
import { input } from '../../src/graph/leaf.ts';
import type { Value } from '../../src/graph/graph.ts';
import {
  add,
  gru,
  lstm,
  mul,
  recurrentWeights,
  rnn,
  sum,
  constant,
  differentiate,
  type RecurrentLayer,
  type Sequenced,
} from '../../src/index.ts';
import { Registry } from '../../src/nn/registry.ts';
import { Tracer } from '../../src/nn/tracer.ts';
import goldens from '../goldens/recurrent.json' with { type: 'json' };
import tensorflow from '../goldens/recurrentTensorflow.json' with { type: 'json' };

interface Net {
  readonly given: Readonly<Record<string, number[]>>;
  readonly slopes?: Readonly<Record<string, number[]>>;
}

interface Case {
  readonly from: 'pytorch' | 'keras' | 'onnx' | 'tensorflow.js';
  readonly kind: 'lstm' | 'gru' | 'rnn';
  readonly layers: number;
  readonly bidirectional: boolean;
  readonly lengths: number[] | null;
  readonly nets: readonly Net[];
  readonly sequence: number[];
  readonly hidden?: number[];
  readonly slopeOfX?: number[];
}

interface File {
  readonly x: number[];
  readonly cases: readonly Case[];
}

/** The same in both files. */
const { samples, steps, features, units } = goldens.extents;
const GATES = { lstm: 4, gru: 3, rnn: 1 } as const;
type Make = (features: number, units: number, options: object) => RecurrentLayer<Sequenced>;
const make = { lstm, gru, rnn } as unknown as Readonly<Record<Case['kind'], Make>>;
const cases = ([goldens, tensorflow] as unknown as readonly File[]).flatMap((file) =>
  file.cases.map((one) => ({ ...one, given: file.x })),
);

/** TensorFlow.js has Keras' names and order. */
const weightsIn = ({ kind, from }: Case, own: number, numbers: Net['given']) =>
  recurrentWeights({ kind, from: from === 'tensorflow.js' ? 'keras' : from, features: own, units }, numbers);

/** A layer as theirs, traced, with the values of its parameters by name. */
function tracedLike(like: (typeof cases)[number]) {
  const { kind, layers, bidirectional, lengths, nets } = like;
  const layer = make[kind](features, units, { layers, bidirectional, returns: 'all' });
  const tracer = new Tracer(new Registry(1), 'train', null);
  const x = input('x', spec([samples, steps, features]));
  const ragged = lengths ? { lengths: input('lengths', spec([samples], 'i32')) } : {};
  const outputs: Sequenced = tracer.apply(layer, { x, ...ragged }, 'net');
  const batch: Record<string, Numbers> = { x: Float64Array.from(like.given) };
  if (lengths) batch['lengths'] = Int32Array.from(lengths);
  const directions = bidirectional ? 2 : 1;
  const paths = nets.map((_, at) => `net.layer${Math.floor(at / directions)}${at % directions === 1 ? 'Reverse' : ''}`);
  nets.forEach(({ given }, at) => {
    const own = at < directions ? features : units * directions;
    const weights = weightsIn(like, own, given);
    for (const [name, numbers] of Object.entries(weights)) batch[`${paths[at]}.${name}`] = Float64Array.from(numbers);
  });
  return { x, outputs, batch, paths, tracer };
}

const TOLERANCE = 1e-5;
function expectClose(actual: Numbers, theirs: ArrayLike<number>): void {
  expect(actual).toHaveLength(theirs.length);
  const errors = Array.from(theirs, (number, at) => Math.abs(actual[at] - number) / Math.max(1, Math.abs(number)));
  expect(Math.max(...errors)).toBeLessThan(TOLERANCE);
}

const waves = (value: Value, wave: (x: number) => number): Value => {
  const { shape } = value.spec;
  const count = shape.reduce((a, b) => a * b, 1);
  return sum(
    mul(
      value,
      constant(
        Float32Array.from({ length: count }, (_, at) => wave(at)),
        spec(shape),
      ),
    ),
  );
};

describe.each(cases)('$from: $kind, $layers layers, both ways: $bidirectional', (given) => {
  const { x, outputs, batch, paths, tracer } = tracedLike(given);

  test('the same comes out', () => {
    const { outputs: made } = interpret(
      { outputs: { sequence: outputs.sequence, hidden: outputs.hidden }, writes: [] },
      { batch, precision: 'f64' },
    );
    expectClose(made['sequence'], given.sequence);
    if (given.hidden) expectClose(made['hidden'], given.hidden);
  });

  if (!given.slopeOfX) return;
  test('the same flows back', () => {
    const loss = add(waves(outputs.sequence, Math.cos), waves(outputs.hidden, Math.sin));
    const { from, kind, nets, bidirectional } = given;
    const gates = GATES[kind];
    const names = ['inputWeight', 'hiddenWeight', 'inputBias', 'hiddenBias'] as const;
    const shapes = new Map(
      tracer.applied.flatMap(({ path, output }) => (paths.includes(path) ? [[path, output]] : [])),
    );
    expect(shapes.size).toBe(nets.length);
    nets.forEach(({ slopes = {} }, at) => {
      const own = at < (bidirectional ? 2 : 1) ? features : units * 2;
      const theirs = weightsIn(given, own, slopes);
      // Where there is one bias, ours flow back alike.
      if (from === 'tensorflow.js' && kind === 'lstm') theirs.hiddenBias.set(theirs.inputBias);
      const extents = {
        inputWeight: [own, units, gates],
        hiddenWeight: [units, units, gates],
        inputBias: [units, gates],
        hiddenBias: [units, gates],
      };
      const values = names.map((name) => tracer.parameter(`${paths[at]}.${name}`, extents[name]));
      const gradients = differentiate(loss, values);
      const made = interpret(
        { outputs: Object.fromEntries(names.map((name, i) => [name, gradients[i]!])), writes: [] },
        { batch, precision: 'f64' },
      ).outputs;
      for (const name of names) expectClose(made[name], theirs[name]);
    });
    const [slope] = differentiate(loss, [x]);
    const { outputs: made } = interpret({ outputs: { slope: slope! }, writes: [] }, { batch, precision: 'f64' });
    expectClose(made['slope'], given.slopeOfX!);
  });
});
