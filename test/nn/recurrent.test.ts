import { describe, expect, test } from 'vitest';
import { Random } from '../../src/core/random.ts';
import type { Numbers } from '../../src/core/shape.ts';
import {
  adam,
  createTrainer,
  crossEntropy,
  dataset,
  gru,
  linear,
  lstm,
  mul,
  rnn,
  sequential,
  sgd,
  slice,
  sum,
  transpose,
  type Context,
  type Dataset,
  type Model,
  type Sequenced,
  type Trainer,
  type Value,
} from '../../src/index.ts';
import { sharedDevice } from '../support/device.ts';

const SEED = Number(process.env['MILLRACE_TEST_SEED'] ?? Date.now() % 1_000_000_007);
const random = new Random(SEED, 'recurrent layers');
const normal = (count: number): Float32Array => Float32Array.from({ length: count }, () => random.normal());

/** Sequences of 40 numbers a step, of ten classes. */
const sequences = (count: number, steps: number, features = 40): Dataset<'x' | 'label'> =>
  dataset({
    x: { data: normal(count * steps * features), shape: [steps, features] },
    label: Uint8Array.from({ length: count }, (_, at) => at % 10),
  });

async function using<T>(model: Model, data: Dataset, work: (trainer: Trainer) => Promise<T>, others = {}): Promise<T> {
  const trainer = await createTrainer({
    model,
    loss: crossEntropy,
    optimizer: sgd({ learningRate: 0.1 }),
    batchSize: 4,
    device: await sharedDevice(),
    data,
    ...others,
  });
  try {
    return await work(trainer);
  } finally {
    trainer.destroy();
  }
}

const onCpu = { backend: 'cpu', device: undefined } as const;

test('a step of an lstm has no more launches, however many steps a sample has', async () => {
  const model = sequential(lstm(40, 64, { returns: 'last' }), linear(64, 10));
  const counts: number[] = [];
  for (const steps of [2, 50]) {
    await using(
      model,
      sequences(64, steps),
      async (trainer) => {
        await trainer.summary();
        counts.push(trainer.launchesPerStep);
      },
      { batchSize: 64, optimizer: adam() },
    );
  }
  expect(counts[1]).toBe(counts[0]);
  expect(counts[1]).toBeLessThanOrEqual(14);
});

describe('what comes out', () => {
  const [samples, steps, features, units] = [3, 5, 2, 4];
  const x = normal(samples * steps * features);
  const lengths = Int32Array.of(5, 1, 3);
  const data = dataset({
    x: { data: x, shape: [steps, features] },
    lengths: { data: lengths, shape: [] },
    label: new Uint8Array(samples),
  });
  const outputsOf = (model: Model): Promise<Record<string, Numbers>> =>
    using(
      model,
      data,
      async (trainer) => {
        const { outputs } = await trainer.predict(data);
        return Object.fromEntries(Object.entries(outputs).map(([name, output]) => [name, output.data]));
      },
      {
        ...onCpu,
        batchSize: samples,
        inputs: ['x', 'lengths'],
        loss: (out: Record<string, Value>) => sum(Object.values(out)[0]),
      },
    );
  type Batch = Record<'x' | 'lengths', Value>;
  /** Outputs have their samples first. */
  const samplesFirst = ({ sequence, hidden }: Sequenced) => ({ sequence, hidden: transpose(hidden, [1, 0, 2]) });
  const row = (all: Numbers, at: number, width: number): number[] =>
    Array.from(all.slice(at * width, (at + 1) * width));

  test("the last h of a ragged sequence is that of each sample's own last step, and behind it there is nothing", async () => {
    const layer = lstm(features, units, { returns: 'all' });
    const { sequence, hidden } = await outputsOf((batch: Batch, context: Context) =>
      samplesFirst(context.apply(layer, batch)),
    );
    for (let n = 0; n < samples; n++) {
      expect(row(hidden, n, units)).toEqual(row(sequence, n * steps + lengths[n] - 1, units));
      for (let t = lengths[n]; t < steps; t++) expect(row(sequence, n * steps + t, units)).toEqual([0, 0, 0, 0]);
    }
  });

  test("a net of both directions has the second one's h behind the first one's, from the end of each sample", async () => {
    const both = gru(features, units, { bidirectional: true, returns: 'all' });
    const { sequence, hidden } = await outputsOf((batch: Batch, context: Context) =>
      samplesFirst(context.apply(both, batch)),
    );
    for (let n = 0; n < samples; n++) {
      const [atEnd, atBegin] = [
        row(sequence, n * steps + lengths[n] - 1, 2 * units),
        row(sequence, n * steps, 2 * units),
      ];
      expect(row(hidden, 2 * n, units)).toEqual(atEnd.slice(0, units));
      expect(row(hidden, 2 * n + 1, units)).toEqual(atBegin.slice(units));
    }
  });

  test('what was read in two pieces, the second from where the first one ended, is as read at once', async () => {
    const layer = lstm(features, units, { layers: 2, returns: 'all' });
    const pieces = await outputsOf(({ x: all }: Batch, context: Context) => {
      const [first, second] = [slice(all, [null, { end: 2 }]), slice(all, [null, { start: 2 }])];
      const { hidden, cell } = context.apply(layer, first, 'net');
      const rest = context.apply(layer, { x: second, hidden, cell: cell! });
      const whole = context.apply(layer, all);
      return {
        rest: rest.sequence,
        whole: slice(whole.sequence, [null, { start: 2 }]),
        ended: transpose(rest.hidden, [1, 0, 2]),
        end: transpose(whole.hidden, [1, 0, 2]),
      };
    });
    expect(pieces['rest']).toHaveLength(samples * 3 * units);
    expect(pieces['rest']).toEqual(pieces['whole']);
    expect(pieces['ended']).toEqual(pieces['end']);
  });

  test('names of parameters say the layer and the direction', async () => {
    const layer = rnn(features, units, { layers: 2, bidirectional: true, initial: 'learned', returns: 'last' });
    const names = await using(
      (batch: Batch, context: Context) => context.apply(layer, batch, 'net'),
      data,
      async (trainer) => {
        await trainer.summary();
        return Object.keys(await trainer.readParameters());
      },
      { ...onCpu, batchSize: samples, inputs: ['x', 'lengths'] },
    );
    expect(names).toContain('net.layer0.inputWeight');
    expect(names).toContain('net.layer1Reverse.initial');
    expect(names).toHaveLength(20);
  });
});

test('every launch of a stacked, ragged net of both directions with learned states agrees with f64', async () => {
  const [samples, steps] = [8, 6];
  const data = dataset({
    x: { data: normal(samples * steps * 3), shape: [steps, 3] },
    lengths: { data: Int32Array.from({ length: samples }, (_, at) => 1 + (at % steps)), shape: [] },
    label: Uint8Array.from({ length: samples }, (_, at) => at % 2),
  });
  const net = gru(3, 7, { layers: 2, bidirectional: true, dropout: 0.3, initial: 'learned', returns: 'last' });
  const head = linear(14, 2);
  const model = (batch: Record<'x' | 'lengths', Value>, context: Context): Value =>
    context.apply(head, context.apply(net, batch));
  await using(
    model,
    data,
    async (trainer) => {
      await trainer.fit(data, { steps: 3 });
      const batch = {
        x: data.fields.x.data.slice(0, 4 * steps * 3),
        lengths: data.fields.lengths.data.slice(0, 4),
        label: data.fields.label.data.slice(0, 4),
      };
      expect((await trainer.verify(batch as never)).fault).toBe(null);
    },
    { inputs: ['x', 'lengths'] },
  );
});

describe('a stateful layer', () => {
  // The sum of what has come so far, if all weights are 1: each piece of a stream goes on where the one before ended.
  const counter = rnn(1, 1, { activation: 'relu', stateful: 2, returns: 'last' });
  const ones = {
    'net.layer0.inputWeight': [1],
    'net.layer0.hiddenWeight': [1],
    'net.layer0.inputBias': [0],
    'net.layer0.hiddenBias': [0],
  };
  const pieces = dataset({
    x: { data: Float32Array.of(1, 1, 10, 10, 2, 2, 20, 20), shape: [2, 1] },
    reset: { data: Uint8Array.of(0, 0, 0, 1), shape: [] },
    label: new Uint8Array(4),
  });

  test.each(['webgpu', 'cpu'])(
    'goes on where the batch before ended, but where a stream begins anew (%s)',
    async (backend) => {
      const seen = await using(
        (batch: Record<'x' | 'reset', Value>, context: Context) => context.apply(counter, batch, 'net'),
        pieces,
        async (trainer) => {
          await trainer.summary();
          await trainer.writeParameters(ones);
          const losses: number[] = [];
          for await (const { loss } of trainer.fit(pieces, { steps: 2, shuffle: false, stepsPerSubmit: 1 }))
            losses.push(loss);
          return losses;
        },
        {
          ...(backend === 'cpu' && onCpu),
          batchSize: 2,
          inputs: ['x', 'reset'],
          optimizer: sgd({ learningRate: 0 }),
          loss: (h: Value) => sum(mul(h, 1)),
        },
      );
      // 1 + 1 and 10 + 10; then 2 + 2 on top of the first, and 20 + 20 alone.
      expect(seen).toEqual([22, 46]);
    },
  );
});

test('an lstm learns to tell what came first', async () => {
  const [count, steps] = [256, 6];
  const x = normal(count * steps);
  const label = Uint8Array.from({ length: count }, (_, at) => Number(x[at * steps] > 0));
  const data = dataset({ x: { data: x, shape: [steps, 1] }, label });
  const model = sequential(lstm(1, 16, { returns: 'last' }), linear(16, 2));
  const loss = await using(model, data, async (trainer) => (await trainer.fit(data, { epochs: 40 })).loss, {
    batchSize: 64,
    optimizer: adam({ learningRate: 0.02 }),
  });
  expect(loss).toBeLessThan(0.3);
});
