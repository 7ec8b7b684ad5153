import { afterEach, describe, expect, test } from 'vitest';
import { spec } from '../../src/core/shape.ts';
import {
  adamw,
  add,
  concat,
  constant,
  createTrainer,
  crossEntropy,
  dataset,
  defineLayer,
  DeviceError,
  div,
  embedding,
  gru,
  less,
  linear,
  lstm,
  matmul,
  mul,
  positions,
  recurrent,
  reshape,
  sequential,
  sinusoidalPositions,
  slice,
  sum,
  tanh,
  transformerEncoderLayer,
  where,
  cast,
  type GenerateOptions,
  type LossOptions,
  type Model,
  type Trainer,
  type Value,
} from '../../src/index.ts';
import { Random } from '../../src/core/random.ts';
import { sharedDevice } from '../support/device.ts';
import { mortalDevice, MortalDevices } from '../support/mortalDevice.ts';

const VOCABULARY = 7;
const T = 12;

/** Texts in which each token follows from the two before it, so that a net must look back. */
const texts = (() => {
  const rows = Array.from({ length: 40 }, (_, n) => {
    const row = [n % VOCABULARY, (n * 3) % VOCABULARY];
    while (row.length <= T) row.push((row.at(-1)! + 2 * row.at(-2)! + 1) % VOCABULARY);
    return row;
  });
  return dataset({
    text: { data: Int32Array.from(rows.flatMap((row) => row.slice(0, T))), shape: [T] },
    target: { data: Int32Array.from(rows.flatMap((row) => row.slice(1))), shape: [T] },
  });
})();

/** Row t is 1 / (t + 1) up to column t, and 0 behind. */
const meansOf = (steps: number): Value =>
  constant(
    Float32Array.from({ length: steps * steps }, (_, at) => {
      const t = Math.floor(at / steps);
      return at % steps <= t ? 1 / (t + 1) : 0;
    }),
    spec([steps, steps]),
  );

/** The mean of all vectors so far: the least that looks back on all of them, and keeps them. */
const meanSoFar = defineLayer({
  name: 'meanSoFar',
  apply(x: Value, _, { generation }) {
    if (!generation) return matmul(meansOf(x.spec.shape[1]), x);
    const { capacity, length } = generation;
    const places = constant(
      Uint32Array.from({ length: capacity }, (_x, at) => at),
      spec([1, capacity, 1], 'u32'),
    );
    const kept = where(less(places, length), generation.append('rows', x), 0);
    return div(sum(kept, { axes: 1 }), cast(length, 'f32'));
  },
});

const within = (...layers: readonly Model[]): Model =>
  sequential(embedding(VOCABULARY, 6), ...(layers as [Model]), linear(6, VOCABULARY));

const models: Readonly<Record<string, () => Model>> = {
  'two lstms': () => within(lstm(6, 6, { layers: 2 })),
  'a gru that has learned how to begin, behind an lstm that gives its last': () =>
    within(gru(6, 6, { initial: 'learned' }), lstm(6, 6, { returns: 'last' })),
  'a cell of its own': () => {
    const [ofX, ofH] = [linear(6, 6), linear(6, 6)];
    return within(
      recurrent(
        ({ x, state: { h, steps } }, context) => {
          const next = tanh(add(context.apply(ofX, x), context.apply(ofH, h)));
          return { output: mul(next, steps), state: { h: next, steps: add(steps, 0.1) } };
        },
        { initial: { h: [6], steps: [1] } },
      ),
    );
  },
  'a transformer of every kind of position, short sight, and heads that share keys': () =>
    within(
      positions(T, 6),
      sinusoidalPositions(6),
      linear(6, 64),
      transformerEncoderLayer(64, 2, { causal: true, feedForward: 8, keyHeads: 1, rotary: true, window: 5 }),
      linear(64, 6),
    ),
  'means and positions': () => within(positions(T, 6), meanSoFar),
};
const net = models['two lstms'];
const bounded = models['means and positions'];

const opened: Trainer[] = [];
afterEach(() => {
  for (const trainer of opened.splice(0)) trainer.destroy();
});

async function trainerOf(model: Model, place: object, options: Partial<LossOptions> = {}): Promise<Trainer> {
  const trainer = await createTrainer({
    model,
    loss: (logits: Value, { target }) =>
      logits.spec.shape.length === 3 ? crossEntropy(logits, target) : crossEntropy(logits, lastOf(target)),
    optimizer: adamw({ learningRate: 0.02 }),
    batchSize: 10,
    seed: 4,
    data: texts,
    ...place,
    ...options,
  });
  opened.push(trainer);
  return trainer;
}

/** Of `[N, T]` the last one of each. */
const lastOf = (target: Value): Value => reshape(slice(target, [null, { start: T - 1 }]), [-1]);

const places = {
  CPU: async () => ({ backend: 'cpu' }) as const,
  WebGPU: async () => ({ device: await sharedDevice() }),
};

async function all(tokens: AsyncIterable<number>): Promise<number[]> {
  const came: number[] = [];
  for await (const token of tokens) came.push(token);
  return came;
}

const generated = (trainer: Trainer, options: GenerateOptions, prompt = [1, 4, 0]): Promise<number[]> =>
  all(trainer.generate(prompt, options));

/** The likeliest token behind a text of at most T, by a prediction of all of it. */
async function likeliestBehind(trainer: Trainer, text: readonly number[]): Promise<number> {
  const { data, shape } = await trainer.predict(Int32Array.from({ length: T }, (_, t) => text[t] ?? 0));
  const at = shape.length === 3 ? text.length - 1 : 0;
  const row = Array.from(data).slice(at * VOCABULARY, (at + 1) * VOCABULARY);
  return row.indexOf(Math.max(...row));
}

describe.each(Object.entries(places))('on the %s', (_, place) => {
  test.each(Object.keys(models).filter((kind) => !kind.endsWith('its last')))(
    'of %s the likeliest tokens are those that predictions of the growing text have',
    async (kind) => {
      const trainer = await trainerOf(models[kind](), await place(), { averageWeights: { decay: 0.9 } });
      await trainer.fit(texts, { epochs: 3 });
      const text = [1, 4, 0];
      for (const token of await generated(trainer, { tokens: T - 2, temperature: 0 })) {
        expect(token).toBe(await likeliestBehind(trainer, text));
        text.push(token);
      }
      expect(text).toHaveLength(T + 1);
    },
  );

  test('the same seed gives the same tokens, whatever a submit holds, and another one others', async () => {
    const trainer = await trainerOf(net(), await place());
    await trainer.fit(texts, { epochs: 10 });
    const once = await generated(trainer, { tokens: 40, seed: 9, stepsPerSubmit: 1 });
    expect(once).toHaveLength(40);
    expect(new Set(once).size).toBeGreaterThan(3);
    for (const stepsPerSubmit of [7, 512, 'auto'] as const) {
      expect(await generated(trainer, { tokens: 40, seed: 9, stepsPerSubmit })).toEqual(once);
    }
    expect(await generated(trainer, { tokens: 40, seed: 10 })).not.toEqual(once);
  });

  test('a context that is full begins anew with its last half', async () => {
    const trainer = await trainerOf(bounded(), await place());
    await trainer.fit(texts, { epochs: 3 });
    const text = [1, 4, 0];
    let begun = 0;
    const came = await generated(trainer, { tokens: 25, temperature: 0 });
    for (const token of came) {
      if (text.length - begun > T) begun = text.length - T / 2;
      expect(token).toBe(await likeliestBehind(trainer, text.slice(begun)));
      text.push(token);
    }
    expect(text).toHaveLength(28);
    for (const stepsPerSubmit of [1, 7]) {
      expect(await generated(trainer, { tokens: 25, temperature: 0, stepsPerSubmit })).toEqual(came);
    }
    // As long as the context is, and with the shortest one.
    const whole = Array.from({ length: T }, (_x, at) => at % VOCABULARY);
    expect(await generated(trainer, { tokens: 1, temperature: 0 }, whole)).toEqual([
      await likeliestBehind(trainer, whole),
    ]);
    const [first, second] = await generated(trainer, { tokens: 2, temperature: 0, context: 1 }, [3]);
    expect(first).toBe(await likeliestBehind(trainer, [3]));
    expect(second).toBe(await likeliestBehind(trainer, [first]));
  });
});

test('a net that looks back without an end begins anew where it is told to', async () => {
  const trainer = await trainerOf(net(), await places.WebGPU());
  await trainer.fit(texts, { epochs: 10 });
  const [first, second, third] = await generated(trainer, { tokens: 3, temperature: 0, context: 4 });
  expect([first, second]).toEqual(await generated(trainer, { tokens: 2, temperature: 0 }));
  expect([third]).toEqual(await generated(trainer, { tokens: 1, temperature: 0 }, [first, second]));
});

test('both backends generate the same', async () => {
  const [cpu, gpu] = await Promise.all(
    Object.values(places).map(async (place) => trainerOf(net(), await place(), { averageWeights: { decay: 0.5 } })),
  );
  await cpu.fit(texts, { epochs: 2 });
  await gpu.load(await cpu.save());
  for (const options of [{}, { temperature: 0.8, topK: 4 }, { topP: 0.7 }]) {
    expect(await generated(gpu, { tokens: 60, ...options })).toEqual(await generated(cpu, { tokens: 60, ...options }));
  }
});

describe('on the CPU', () => {
  const cpu = (model = net(), options: Partial<LossOptions> = {}) => trainerOf(model, { backend: 'cpu' }, options);

  test('what was learned to begin with, and the last of a text alone, generate', async () => {
    const trainer = await cpu(models['a gru that has learned how to begin, behind an lstm that gives its last']());
    await trainer.fit(texts, { epochs: 2 });
    const text = Array.from({ length: T }, (_, at) => (3 * at) % VOCABULARY);
    expect(await generated(trainer, { tokens: 1, temperature: 0 }, text)).toEqual([
      await likeliestBehind(trainer, text),
    ]);
  });

  test('a net of streams generates as one without, and leaves its streams', async () => {
    const [streams, plain] = [await cpu(within(lstm(6, 6, { stateful: 10 }))), await cpu(within(lstm(6, 6)))];
    const before = await streams.saveWeights();
    expect(await generated(streams, { tokens: 20 })).toEqual(await generated(plain, { tokens: 20 }));
    expect(await streams.saveWeights()).toEqual(before);
  });

  test('a text without a bound goes on beyond what a ring of tokens has', async () => {
    const trainer = await cpu();
    const prompt = Array.from({ length: 1500 }, (_, at) => (at * at) % VOCABULARY);
    const came = await generated(trainer, { tokens: 1500 }, prompt);
    expect(came).toHaveLength(1500);
    // The same text as a prompt goes on as it did, draw for draw.
    expect(await generated(trainer, { tokens: 100 }, [...prompt, ...came.slice(0, 1400)])).toEqual(came.slice(1400));
  });

  test('it stops before a token, or behind what a function of those that came says', async () => {
    const trainer = await cpu();
    const came = await generated(trainer, { tokens: 50, seed: 1 });
    const at = came.indexOf(came[9]);
    expect(await generated(trainer, { tokens: 50, seed: 1, stop: came[9] })).toEqual(came.slice(0, at));
    expect(await generated(trainer, { tokens: 50, seed: 1, stop: [came[9]] })).toEqual(came.slice(0, at));
    const seen: number[] = [];
    const stop = (tokens: readonly number[]): boolean => {
      seen.push(tokens.length);
      return tokens.length === 5;
    };
    expect(await generated(trainer, { tokens: 50, seed: 1, stop })).toEqual(came.slice(0, 5));
    expect(seen).toEqual([1, 2, 3, 4, 5]);
  });

  test('a signal ends it, and so does leaving its loop, after which others may change the weights', async () => {
    const trainer = await cpu();
    const came = await generated(trainer, { tokens: 50, seed: 1 });
    const controller = new AbortController();
    const some: number[] = [];
    for await (const token of trainer.generate([1, 4, 0], { tokens: 50, seed: 1, signal: controller.signal })) {
      some.push(token);
      if (some.length === 3) controller.abort();
    }
    expect(some).toEqual(came.slice(0, 3));
    for await (const token of trainer.generate([1, 4, 0], { seed: 1 })) {
      expect(token).toBe(came[0]);
      break;
    }
    expect((await trainer.verify(batch)).fault).toBeNull();
    expect(await generated(trainer, { tokens: 50, seed: 1 })).toEqual(came);
  });

  test('within a run it sees the last submitted step, and the run goes on as if it had not been', async () => {
    const [trainer, other] = [await cpu(), await cpu()];
    const seen: number[][] = [];
    for await (const { step } of trainer.fit(texts, { steps: 9 })) {
      if (step % 3 === 0) seen.push(await generated(trainer, { tokens: 8, temperature: 0 }));
    }
    await other.fit(texts, { steps: 9 });
    expect(await trainer.readParameters()).toEqual(await other.readParameters());
    expect(seen[2]).toEqual(await generated(other, { tokens: 8, temperature: 0 }));
    expect(seen[0]).not.toEqual(seen[2]);
  });

  test('a trainer that is destroyed says so', async () => {
    const trainer = await cpu();
    const tokens = trainer.generate([1], { stepsPerSubmit: 1 });
    await tokens.next();
    trainer.destroy();
    await expect(all(tokens)).rejects.toThrow('[trainer] it was destroyed');
    await expect(trainer.generate([1]).next()).rejects.toThrow(DeviceError);
  });

  test('the first layer that looks across tokens is named', async () => {
    // A token and the one before it.
    const pairs = defineLayer({
      name: 'pairs',
      apply(x: Value) {
        const [N, steps, C] = x.spec.shape;
        const none = constant(new Float32Array(N * C), spec([N, 1, C]));
        return add(x, slice(concat([none, x], 1), [null, { end: steps }]));
      },
    });
    const model = within(linear(6, 6), pairs, lstm(6, 6));
    await expect(generated(await cpu(model), {})).rejects.toThrow(
      /^\[generate\] token 1 of a text has other logits by itself than within the whole: .*; "layer2" looks across tokens/,
    );
    const swap = (x: Value) => concat([slice(x, [null, { start: 2 }]), slice(x, [null, { end: 2 }])], 1);
    await expect(generated(await cpu(within(swap)), {})).rejects.toThrow(
      /^\[slice\] .* \(while a text is generated, where a sample is one token\)$/,
    );
  });
});

test('what changes the weights for a while does not go along with it', async () => {
  const trainer = await trainerOf(net(), await places.WebGPU());
  const tokens = trainer.generate([1], { tokens: 1e6, stepsPerSubmit: 1 });
  await tokens.next();
  const verified = trainer.verify(batch);
  await expect(all(tokens)).rejects.toThrow('[generate] verify is still running on this trainer: await it first');
  expect((await verified).fault).toBeNull();
});

const batch = {
  text: texts.fields['text'].data.slice(0, 10 * T),
  target: texts.fields['target'].data.slice(0, 10 * T),
};

describe('a device that is lost in the middle of a text', () => {
  const options = { tokens: 60, seed: 2, stepsPerSubmit: 4 };

  test('costs no token', async () => {
    const expected = await generated(await trainerOf(net(), { device: await sharedDevice() }), options);
    let lost = 0;
    for (let seed = 0; seed < 2; seed++) {
      const devices = new MortalDevices(new Random(seed, 'losses'), 2, [60, 260]);
      const trainer = await trainerOf(net(), { device: await devices.first(), onDeviceLost: devices.next });
      expect(await generated(trainer, options)).toEqual(expected);
      lost += devices.lost;
    }
    expect(lost).toBeGreaterThan(1);
  });

  test('is named where no other comes', async () => {
    const device = await mortalDevice(Infinity);
    const trainer = await trainerOf(net(), { device });
    const tokens = trainer.generate([1], options);
    await tokens.next();
    device.destroy();
    await expect(all(tokens)).rejects.toThrow(/was lost \(.+\), and no other takes its place/);
  });
});
