// Data sets that lie on the GPU as a whole: in parts, side by side, and gone when they are to be.

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import {
  adam,
  add,
  createTrainer,
  crossEntropy,
  dataset,
  flatten,
  linear,
  relu,
  sequential,
  sgd,
  slice,
  take,
  type BatchValues,
  type Batches,
  type Context,
  type Dataset,
  type Evaluation,
  type FitOptions,
  type Model,
  type Samples,
  type Trainer,
  type LossOptions,
  type TrainerOptions,
  type Value,
} from '../../src/index.ts';
import { Permutation } from '../../src/core/permutation.ts';
import { Random, seedKey } from '../../src/core/random.ts';
import { spec } from '../../src/core/shape.ts';
import type { State } from '../../src/graph/graph.ts';
import { GpuBackend } from '../../src/scheduler/gpuBackend.ts';
import { counting, prototypes } from '../support/counting.ts';
import { sharedDevice } from '../support/device.ts';
import { withLiveBuffers } from '../support/liveBuffers.ts';
import { limited, short } from '../support/otherDevice.ts';
import { clusters } from '../support/toy.ts';

const SEED = 7;
const set = clusters(300, 3);

const optionsOf = (options: Partial<LossOptions>): TrainerOptions => ({
  model: sequential(linear(2, 16), relu, linear(16, 3)),
  loss: crossEntropy,
  optimizer: adam({ learningRate: 1e-2 }),
  batchSize: 32,
  seed: SEED,
  data: set,
  ...options,
});

/** A trainer on the shared device or on another one, that is gone when the work is done. */
async function withTrainer<T>(options: Partial<LossOptions>, work: (trainer: Trainer) => Promise<T>): Promise<T> {
  const trainer = await createTrainer(optionsOf({ device: await sharedDevice(), ...options }));
  try {
    return await work(trainer);
  } finally {
    trainer.destroy();
  }
}

async function lossesOf(trainer: Trainer, data: Dataset | Batches, options: FitOptions): Promise<number[]> {
  const losses: number[] = [];
  for await (const { loss } of trainer.fit(data, options)) losses.push(loss);
  return losses;
}

const bitsOf = async (trainer: Trainer): Promise<Uint32Array[]> =>
  Object.values(await trainer.readParameters()).map(
    ({ buffer, byteOffset, length }) => new Uint32Array(buffer, byteOffset, length),
  );

const batchOf = ({ fields }: Dataset, size: number): Samples => ({
  point: fields['point'].data.slice(0, 2 * size),
  label: fields['label'].data.slice(0, size),
});

const pause = (milliseconds: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, milliseconds));

describe('a data set in several buffers', () => {
  const KIB = 1024;
  /** The least that the table of learning rates needs. */
  const BINDING = 64 * KIB;

  test('of bytes and of floats is trained on and evaluated in the bits of one buffer', async () => {
    const random = new Random(1, 'parts');
    const length = 2001;
    const label = Uint8Array.from({ length }, () => Math.floor(random.uniform(0, 3)));
    const pixels = Uint8Array.from({ length: length * 99 }, (_, at) => random.uniform(0, 200) + label[(at / 99) | 0]);
    const point = Float32Array.from({ length: length * 20 }, (_, at) => random.normal() + label[(at / 20) | 0]);
    const both = dataset({
      pixels: { data: pixels, shape: [99], scale: 1 / 255 },
      point: { data: point, shape: [20] },
      label,
    });
    const [ofPixels, ofPoint] = [linear(99, 3), linear(20, 3)];
    const model: Model = (batch: BatchValues, context: Context) =>
      add(context.apply(ofPixels, batch['pixels'], 'a'), context.apply(ofPoint, batch['point'], 'b'));
    const labels: string[] = [];
    const run = async (device: GPUDevice) =>
      withLiveBuffers(device, (live) =>
        withTrainer({ model, data: both, device }, async (trainer) => {
          const losses = await lossesOf(trainer, both, { steps: 100 });
          labels.push([...live].filter((buffer) => buffer.label.startsWith('millrace data')).length.toString());
          return { losses, bits: await bitsOf(trainer), evaluation: await trainer.evaluate(both) };
        }),
      );
    const whole = await run(await sharedDevice());
    expect(await run(await limited({ maxStorageBufferBindingSize: BINDING }))).toEqual(whole);
    // Four parts of pixels, three of points, one of labels.
    expect(labels).toEqual(['3', '8']);
  });

  test('may hold fewer than four samples in each', async () => {
    const random = new Random(1, 'large');
    const x = Float32Array.from({ length: 10 * 6000 }, () => random.normal());
    const large = dataset({ x: { data: x, shape: [6000] }, label: Uint8Array.from({ length: 10 }, (_, at) => at % 2) });
    const run = async (device: GPUDevice) =>
      withTrainer({ model: linear(6000, 2), optimizer: sgd(), data: large, batchSize: 2, device }, (trainer) =>
        lossesOf(trainer, large, { epochs: 2 }),
      );
    expect(await run(await limited({ maxStorageBufferBindingSize: BINDING }))).toEqual(await run(await sharedDevice()));
  });

  test('may be a stream instead, of which as many batches lie in a table as fit, in two submits at once', async () => {
    const device = await limited({ maxStorageBufferBindingSize: BINDING });
    const length = 600;
    const random = new Random(1, 'wide');
    const x = Float32Array.from({ length: length * 100 }, () => random.normal());
    const wide = dataset({ x: { data: x, shape: [100] }, label: Uint8Array.from({ length }, (_, at) => at % 3) });
    const batches = Array.from({ length: 75 }, (_, at) => take(wide, 8 * at, 8 * at + 8));
    const { GPUBuffer: owner } = prototypes(device);
    const { mapAsync } = owner;
    let [flying, most] = [0, 0];
    owner['mapAsync'] = function (this: unknown, ...args: unknown[]): unknown {
      most = Math.max(most, ++flying);
      const mapped = mapAsync.apply(this, args) as Promise<void>;
      return mapped.finally(() => flying--);
    };
    try {
      await withTrainer({ model: linear(100, 3), data: wide, batchSize: 8, device }, async (trainer) => {
        expect(await lossesOf(trainer, batches, { stepsPerSubmit: 500 })).toHaveLength(75);
      });
    } finally {
      owner['mapAsync'] = mapAsync;
    }
    expect(most).toBe(2);
  });
});

describe('50,000 × 3,072 bytes, more than one binding of 128 MiB holds', () => {
  const length = 50_000;
  const size = 3072;
  /** The model sees one pixel of so many: a software driver multiplies slowly. */
  const STEP = 64;
  const batchSize = 250;
  const steps = 30;

  /** Noise, a few pixels of which are brighter in images with label 1. */
  function images(): Dataset {
    const words = new Uint32Array((length * size) / 4);
    let word = 1;
    for (let at = 0; at < words.length; at++) {
      word ^= word << 13;
      word ^= word >>> 17;
      word ^= word << 5;
      words[at] = word;
    }
    const image = new Uint8Array(words.buffer);
    const label = Uint8Array.from({ length }, (_, at) => ((at * 7) % 5) & 1);
    for (let at = 0; at < length; at++) {
      if (label[at]) for (let i = 0; i < 4; i++) image[at * size + STEP * i] |= 128;
    }
    return dataset({ image: { data: image, shape: [32, 32, 3] }, label });
  }

  /** The batches that `fit` takes: of the first epoch's order. */
  function* shuffled({ fields }: Dataset): Generator<Samples> {
    const order = new Permutation(length, seedKey(SEED), 0);
    const [pixels, labels] = [fields['image'].data, fields['label'].data];
    const image = new Uint8Array(batchSize * size);
    const label = new Uint8Array(batchSize);
    for (let step = 0; step < steps; step++) {
      for (let row = 0; row < batchSize; row++) {
        const at = order.at(step * batchSize + row);
        image.set(pixels.subarray(at * size, (at + 1) * size), row * size);
        label[row] = labels[at];
      }
      yield { image, label };
    }
  }

  /** Loss and accuracy of a linear model of some pixels, one sample after the other. */
  function counted({ fields }: Dataset, weight: Float32Array, bias: Float32Array) {
    const [pixels, labels] = [fields['image'].data, fields['label'].data];
    let [right, total] = [0, 0];
    for (let at = 0; at < length; at++) {
      let margin = bias[0] - bias[1];
      for (let i = 0; i < size / STEP; i++) {
        margin += (pixels[at * size + STEP * i] / 255) * (weight[2 * i] - weight[2 * i + 1]);
      }
      if (margin > 0 === (labels[at] === 0)) right++;
      total += Math.log1p(Math.exp(labels[at] === 0 ? -margin : margin));
    }
    return { accuracy: right / length, loss: total / length };
  }

  test('are trained on as a stream of the same batches is, and judged as by a plain count', async () => {
    const data = images();
    const options = {
      model: sequential(flatten, (x: Value) => slice(x, [null, { step: STEP }]), linear(size / STEP, 2)),
      optimizer: sgd({ learningRate: 0.1 }),
      batchSize,
      data,
    };
    const streamed = await withTrainer(options, (trainer) => lossesOf(trainer, shuffled(data), {}));
    await withTrainer(options, async (trainer) => {
      expect(await lossesOf(trainer, data, { steps })).toEqual(streamed);
      const { loss, accuracy } = await trainer.evaluate(data);
      const { 'layer2.weight': weight, 'layer2.bias': bias } = await trainer.readParameters();
      const plain = counted(data, weight, bias);
      // f32 against f64: sums of 48 terms, and two samples whose logits are equal to seven digits.
      expect(Math.abs(loss - plain.loss)).toBeLessThan(1e-4);
      expect(Math.abs(accuracy - plain.accuracy)).toBeLessThanOrEqual(2.5 / length);
    });
  });
});

describe('sets beside the one that is trained on', () => {
  const others = Array.from({ length: 7 }, (_, at) => clusters(100 + at, 3, at + 2));

  test('are evaluated in its loop without a trace in the run, or in memory', async () => {
    const expected = await withTrainer({}, async (trainer) => {
      const losses = await lossesOf(trainer, set, { steps: 60 });
      return { losses, bits: await bitsOf(trainer) };
    });
    await withLiveBuffers(await sharedDevice(), (live) =>
      withTrainer({}, async (trainer) => {
        const losses: number[] = [];
        const sizes: string[] = [];
        for await (const { loss, step } of trainer.fit(set, { steps: 60 })) {
          losses.push(loss);
          if (step % 15 !== 0) continue;
          for (const other of others) await trainer.evaluate(other);
          sizes.push(`${trainer.bytes} bytes, ${live.size} buffers`);
        }
        expect({ losses, bits: await bitsOf(trainer) }).toEqual(expected);
        expect(sizes).toEqual(sizes.map(() => sizes[0]));
      }),
    );
  });

  test('are evaluated all at once, while it trains, as one by one', async () => {
    await withTrainer({ optimizer: sgd({ learningRate: 0 }) }, async (trainer) => {
      const oneByOne: Evaluation[] = [];
      for (const other of others) oneByOne.push(await trainer.evaluate(other));
      const { bytes } = trainer;
      const training = lossesOf(trainer, set, { steps: 400, stepsPerSubmit: 5 });
      for (let round = 0; round < 5; round++) {
        expect(await Promise.all(others.map((other) => trainer.evaluate(other)))).toEqual(oneByOne);
      }
      expect(await training).toHaveLength(400);
      // As few of them stay; each is of another size, and the set that was trained on is one of them.
      expect(trainer.bytes - bytes).toBeLessThan(8192);
    });
  });
});

describe('destroying a trainer', () => {
  type Use = (trainer: Trainer) => Promise<unknown>;
  const stream = Array.from({ length: 50 }, () => batchOf(set, 32));
  const uses: readonly [string, Use][] = [
    ['prepare', (trainer) => trainer.prepare(set)],
    ['fit', (trainer) => lossesOf(trainer, set, { epochs: 3.05, validation: clusters(70, 3), stepsPerSubmit: 3 })],
    ['fit over a stream', (trainer) => lossesOf(trainer, stream, { stepsPerSubmit: 3 })],
    ['evaluate', (trainer) => Promise.all([trainer.evaluate(set), trainer.evaluate(clusters(65, 3))])],
    ['predict', (trainer) => trainer.predict(clusters(3000, 3))],
    ['verify', (trainer) => trainer.verify(batchOf(set, 32))],
    ['profile', (trainer) => trainer.profile(5, { data: set })],
  ];

  test.each(uses)(
    'in the middle of %s, at any moment, frees every buffer, and is the reason why it ends',
    async (_, use) => {
      const device = await sharedDevice();
      const moments = 24;
      const odd: string[] = [];
      for (let moment = 0; moment < moments; moment++) {
        await withLiveBuffers(device, async (live) => {
          const trainer = await createTrainer(optionsOf({ device }));
          const ended = use(trainer).then(
            () => 'done',
            (error: unknown) => String(error),
          );
          if (moment < 8) for (let turn = 0; turn < 4 * moment; turn++) await Promise.resolve();
          else await pause(moment - 8);
          trainer.destroy();
          const how = await ended;
          if (how !== 'done' && !how.startsWith('DeviceError: [trainer] it was destroyed')) odd.push(how);
          if (live.size > 0) odd.push(`${live.size} buffers at moment ${moment}`);
        });
      }
      expect(odd).toEqual([]);
    },
  );

  test('while it is prepared frees what was made until then', async () => {
    const device = await sharedDevice();
    for (let moment = 0; moment < 16; moment++) {
      await withLiveBuffers(device, async (live) => {
        const { data, ...options } = optionsOf({ device, microBatches: 2 });
        const trainer = await createTrainer(options);
        const ended = trainer.prepare(data!).catch(() => {});
        await pause(moment / 2);
        trainer.destroy();
        await ended;
        expect(live.size).toBe(0);
      });
    }
  });
});

describe('without room for a data set', () => {
  const large = clusters(40_000, 3);
  const DATA = 40_000 * (2 * 4 + 1);
  /** What a trainer takes that has trained on the small set. */
  const used = (options: Partial<LossOptions> = {}): Promise<number> =>
    withTrainer(options, async (trainer) => {
      await lossesOf(trainer, set, { steps: 2 });
      return trainer.bytes;
    });

  test('memoryLimit says so, and what to do, before anything is made', async () => {
    const memoryLimit = (await used()) + DATA / 2;
    const device = await sharedDevice();
    await withTrainer({ memoryLimit }, async (trainer) => {
      const calls = await counting(device, async () => {
        await expect(lossesOf(trainer, large, { steps: 1 })).rejects.toThrow(
          /^\[memory\] work on a data set of 40,000 samples needs 0\.3 MiB \(data 0\.3 MiB\) .* memoryLimit is 0\.\d MiB: .* an iterable of batches/,
        );
      });
      expect(calls['createBuffer']).toBe(0);
    });
  });

  test('within memoryLimit a smaller set, and a stream, can still be trained on', async () => {
    // Of a stream, one batch has room, and not the many that a submit could take.
    const memoryLimit = (await used()) + 1000;
    await withTrainer({ memoryLimit }, async (trainer) => {
      await expect(lossesOf(trainer, large, { steps: 1 })).rejects.toThrow('[memory]');
      expect(await lossesOf(trainer, set, { steps: 2 })).toHaveLength(2);
      const stream = Array.from({ length: 20 }, (_, at) => take(large, 32 * at, 32 * at + 32));
      expect(await lossesOf(trainer, stream, {})).toHaveLength(20);
    });
  });

  test('sets that nobody uses any more give way to one that is needed', async () => {
    const batchSize = 300;
    const memoryLimit = (await used({ batchSize })) + 1.5 * DATA;
    await withTrainer({ memoryLimit, batchSize }, async (trainer) => {
      await trainer.evaluate(large);
      expect((await trainer.evaluate(take(large, 0, 39_999))).loss).toBeGreaterThan(0);
      expect(trainer.bytes).toBeLessThan(memoryLimit);
    });
  });

  test('on the GPU the error names it, all of it is freed, and the trainer works on', async () => {
    const shortage = { word: 'data', times: 0 };
    const device = await short(shortage);
    await withLiveBuffers(device, (live) =>
      withTrainer({ device }, async (trainer) => {
        const first = await lossesOf(trainer, set, { steps: 20, every: 20 });
        const before = [...live];
        // The small set gives way first; then there is room for neither.
        shortage.times = 2;
        await expect(lossesOf(trainer, large, { steps: 1 })).rejects.toThrow(
          /^\[memory\] a data set of 40,000 samples needs .* which the GPU does not have/,
        );
        expect([...live].filter((buffer) => !before.includes(buffer))).toEqual([]);
        expect((await lossesOf(trainer, set, { steps: 20, every: 20 }))[0]).toBeLessThan(first[0]);
        expect((await lossesOf(trainer, large, { steps: 1 })).length).toBe(1);
      }),
    );
  });

  test('a program that finds none takes nothing from one that is made beside it', async () => {
    const shortage = { word: 'activations', times: 0 };
    const device = await short(shortage);
    const point = clusters(2000, 3).fields['point'].data;
    await withTrainer({ device, batchSize: 4 }, async (trainer) => {
      shortage.times = 1;
      const made = await Promise.allSettled([
        trainer.predict(point.slice(0, 2048)),
        trainer.predict(point.slice(0, 1024)),
      ]);
      expect(made.map(({ status }) => status)).toEqual(['rejected', 'fulfilled']);
      const again = await trainer.predict(point.slice(0, 1024));
      expect((made[1] as PromiseFulfilledResult<typeof again>).value).toEqual(again);
    });
  });
});

describe('a program that finds no room for what it has for itself', () => {
  test('says so, and gives back all that it had', async () => {
    const shortage = { word: 'batch', times: 0 };
    const device = await short(shortage);
    await withLiveBuffers(device, (live) =>
      withTrainer({ device, batchSize: 4 }, async (trainer) => {
        const before = [...live];
        shortage.times = 1;
        await expect(trainer.predict(Float32Array.of(1, 2, 3, 4))).rejects.toThrow(
          /^\[memory\] a program needs .* which the GPU does not have/,
        );
        expect([...live].filter((buffer) => !before.includes(buffer))).toEqual([]);
        expect((await trainer.predict(Float32Array.of(1, 2, 3, 4))).shape).toEqual([2, 3]);
      }),
    );
  });
});

test('a state that fits no buffer takes those with it that were to be made beside it', async () => {
  const backend = new GpuBackend(await limited({ maxStorageBufferBindingSize: 1024 }));
  const ones = (name: string, size: number): State => ({
    name,
    spec: spec([size]),
    initial: () => new Float32Array(size).fill(1),
  });
  const small = ones('small', 16);
  await expect(backend.hold('both', [small, ones('large', 1000)])).rejects.toThrow(
    '"large" needs 0.0 MiB in one buffer',
  );
  expect(backend.used.total).toBe(0);
  expect(await backend.readState(small)).toEqual(small.initial());
  backend.destroy();
});

describe('a long run', () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const heap = async (): Promise<number> => {
    for (let round = 0; round < 3; round++) {
      await pause(5);
      collect();
    }
    return process.memoryUsage().heapUsed;
  };
  const batch = batchOf(set, 32);
  const sources: readonly [string, Dataset | Batches][] = [
    ['a set', set],
    ['a stream', [batch, batch, batch, batch]],
  ];

  test.each(sources)('of 10,000 steps over %s takes no more memory than its first 1,000', async (_, data) => {
    await withLiveBuffers(await sharedDevice(), (live) =>
      withTrainer({ model: linear(2, 3), optimizer: sgd({ learningRate: 1e-3 }) }, async (trainer) => {
        let [buffers, bytes] = [0, 0];
        for await (const { step } of trainer.fit(data, { steps: 10_000, every: 1000 })) {
          if (step === 1000) [buffers, bytes] = [live.size, await heap()];
          if (step > 1000) expect(live.size).toBe(buffers);
        }
        expect((await heap()) - bytes).toBeLessThan(2 ** 20);
      }),
    );
  });
});
