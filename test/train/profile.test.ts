import { describe, expect, test } from 'vitest';
import { bufferUsage } from '../../src/core/webgpuFlags.ts';
import { passTimer, type Recorder } from '../../src/gpu/timing.ts';
import {
  adam,
  createTrainer,
  crossEntropy,
  dataset,
  dropout,
  flatten,
  formatProfile,
  linear,
  relu,
  requestDevice,
  sequential,
  type Model,
  type Profile,
  type ProfileOptions,
  type Trainer,
  type LossOptions,
} from '../../src/index.ts';
import { prototypes } from '../support/counting.ts';
import { sharedDevice } from '../support/device.ts';
import { withLiveBuffers } from '../support/liveBuffers.ts';
import { plain } from '../support/otherDevice.ts';
import { clusters } from '../support/toy.ts';

const BATCH = 32;
const set = clusters(300, 3);
const batches = [0, 1, 2].map((at) => ({
  point: set.fields['point'].data.slice(2 * BATCH * at, 2 * BATCH * (at + 1)),
  label: set.fields['label'].data.slice(BATCH * at, BATCH * (at + 1)),
}));
const small = (): Model => sequential(linear(2, 16), relu, dropout(0.2), linear(16, 3));

async function withTrainer<T>(options: Partial<LossOptions>, work: (trainer: Trainer) => Promise<T>): Promise<T> {
  const trainer = await createTrainer({
    model: small(),
    loss: crossEntropy,
    optimizer: adam({ learningRate: 1e-2 }),
    batchSize: BATCH,
    seed: 7,
    data: set,
    fuse: true,
    ...(options.backend !== 'cpu' && { device: await sharedDevice() }),
    ...options,
  });
  try {
    return await work(trainer);
  } finally {
    trainer.destroy();
  }
}

const profiled = (options: Partial<LossOptions> = {}, how: ProfileOptions = {}): Promise<Profile> =>
  withTrainer(options, (trainer) => trainer.profile(3, { data: set, ...how }));

const kinds = ['webgpu', 'cpu'] as const;

/** What is measured on a machine that does something else may come out otherwise, but not each time. */
const TRIES = 10;

/** A profile in which time passed: by a clock that Dawn has rounded, short launches may all come out as 0. */
const timed = (options: Partial<LossOptions>, how: ProfileOptions = {}): Promise<Profile> =>
  withTrainer(options, async (trainer) => {
    for (let tries = 1; ; tries++) {
      const profile = await trainer.profile(3, { data: set, ...how });
      if ((profile.total.ms > 0 && profile.msPerStep > 0) || tries === TRIES) return profile;
    }
  });

/** Long beside an empty pass, and stored, so that no driver may leave it out. */
const SLOW = `
@group(0) @binding(0) var<storage, read_write> kept: f32;
@compute @workgroup_size(1) fn main() {
  var x = 1.0;
  for (var i = 0u; i < 3000000u; i++) { x = fract(x * 1.5 + 0.1); }
  kept = x;
}`;

describe('the work of a step of 784-128-10', () => {
  const [B, I, H, C] = [128, 784, 128, 10] as const;
  /** In the arenas, which pad each parameter to whole blocks of 64. */
  const P = I * H + H + H * C + 64;
  const METRICS = 2 * B + 1;
  /** Samples are bytes, and come by their rows. */
  const taken = (size: number): number => B * size + 4 * B;
  // Adam's rule has 13 operations, decay 2, and the change of the parameter 1.
  const byHand: readonly (readonly [string, flops: number, bytes: number])[] = [
    ['takeSamples+matmul+relu', 2 * B * I * H + 2 * B * I + B * H, taken(I) + 4 * (I * H + H + B * H)],
    [
      'takeSamples+narrowLoss+reluGrad',
      2 * (2 * B * H * C) + 2 * (4 * B * C) + B * H,
      taken(1) + 4 * (B * H + H * C + C) + 4 * (B * H + B + B + B * C),
    ],
    // The record reads six words of control, counts them on, and hands them to the update.
    ['matmulSums+record', 2 * B * H * C + B * C + METRICS, 4 * (B * H + B * C + H * C + C) + 4 * (3 * 6 + METRICS + 3)],
    ['takeSamples+matmulSums', 2 * B * I * H + B * H + 2 * B * I, taken(I) + 4 * (B * H + I * H + H)],
    ['adam+sampleOrder', 16 * P, 4 * (7 * P + 4 * 1600 + 6 + 4) + 4 * (6 + B)],
  ];
  const n = 256;
  const images = dataset({
    image: { data: new Uint8Array(n * I), shape: [28, 28] },
    label: Uint8Array.from({ length: n }, (_, at) => at % C),
  });
  const model = sequential(flatten, linear(I, H), relu, linear(H, C));

  test('is what is counted by hand, launch by launch', async () => {
    const { launches, total } = await profiled({ model, batchSize: B, data: images }, { data: images });
    expect(launches.map(({ name, flops, bytes }) => [name, flops, bytes])).toEqual(byHand);
    expect(total.flops).toBe(byHand.reduce((sum, [, flops]) => sum + flops, 0));
    expect(total.bytes).toBe(byHand.reduce((sum, [, , bytes]) => sum + bytes, 0));
  });

  test('is as many operations in two parts as in one, but for the shares of gradients and metrics', async () => {
    const { launches } = await profiled({ model, batchSize: B, data: images, microBatches: 2 }, { data: images });
    for (const [name, flops] of byHand.slice(0, 4)) {
      // The learning rate is recorded by the update, not by the parts.
      const own = name === 'matmulSums+record' ? flops - 1 : flops;
      expect(launches.find((launch) => launch.name === name)).toMatchObject({ count: 2, flops: own });
    }
    expect(launches.find(({ name }) => name === 'adam')).toMatchObject({ count: 1, flops: 16 * P });
  });
});

describe.each(kinds)('a profile on %s', (backend) => {
  test.each([
    ['', {}],
    [' in parts, with averages', { microBatches: 3, averageWeights: { decay: 0.9 } }],
  ])('leaves no bit of the training changed%s', async (_, options) => {
    const run = (watched: boolean) =>
      withTrainer({ backend, ...options }, async (trainer) => {
        const losses: number[] = [];
        for (let round = 0; round < 3; round++) {
          for await (const { loss } of trainer.fit(set, { steps: 4 })) losses.push(loss);
          if (watched) await trainer.profile(2);
        }
        losses.push((await trainer.step(batches[0])).loss);
        if (watched) await trainer.profile(2);
        losses.push((await trainer.step(batches[1])).loss, (await trainer.evaluate(set)).loss);
        return [losses, await trainer.saveWeights()];
      });
    expect(await run(true)).toEqual(await run(false));
  });

  test('times every launch, and says by which clock', async () => {
    const { clock, steps, launches, msPerStep, total, ...about } = await timed({ backend });
    const hasTimestamps = backend === 'webgpu' && (await sharedDevice()).features.has('timestamp-query');
    expect([clock, steps, about.backend]).toEqual([hasTimestamps ? 'timestamps' : 'wall', 3, backend]);
    expect(msPerStep).toBeGreaterThan(0);
    for (const { ms, flopsPerSecond, bytesPerSecond, flops, bytes, limit } of launches) {
      expect(ms).toBeGreaterThanOrEqual(0);
      expect(flopsPerSecond).toBe(ms > 0 ? (1000 * flops) / ms : null);
      expect(bytesPerSecond).toBe(ms > 0 ? (1000 * bytes) / ms : null);
      expect(limit).toBeNull();
    }
    const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);
    expect(total.ms).toBeCloseTo(sum(launches.map(({ ms }) => ms)), 9);
    expect(sum(launches.map(({ share }) => share))).toBeCloseTo(1, 9);
  });

  test('has a peak to hold launches against: the work that would take longest at it', async () => {
    const peak = { flops: 1e9, bytes: 1e12 };
    const { launches } = await timed({ backend }, { peak });
    for (const { flops, flopsPerSecond, limit } of launches) {
      if (flopsPerSecond === null) expect(limit).toBeNull();
      else if (flops === 0) expect(limit?.by).toBe('bytes');
      else expect(limit).toEqual({ by: 'flops', share: flopsPerSecond / 1e9 });
    }
  });

  test('says nothing of a peak that was not given', async () => {
    for (const [by, other] of [
      ['flops', 'bytes'],
      ['bytes', 'flops'],
    ] as const) {
      const { launches } = await timed({ backend }, { peak: { [by]: 1e9, [other]: undefined } });
      const named = launches.flatMap(({ limit }) => limit?.by ?? []);
      expect(new Set(named)).toEqual(new Set([by]));
    }
  });

  test('is of what was trained on last: batches of an iterable, or of one’s own', async () => {
    await withTrainer({ backend }, async (trainer) => {
      for await (const _ of trainer.fit(batches));
      const ofStream = await trainer.profile(1);
      await trainer.step(batches[0]);
      const ofStep = await trainer.profile(1);
      expect(ofStream.launches.map(({ name }) => name)).toEqual(ofStep.launches.map(({ name }) => name));
      expect(ofStream.total.bytes).toBe(ofStep.total.bytes);
    });
  });
});

test('the launches of a profile are those of the summary, in their order, each time', async () => {
  await withTrainer({}, async (trainer) => {
    const profiles = [await trainer.profile(1, { data: set }), await trainer.profile(1, { data: set })];
    const [, listed] = /launches: (.*)/.exec(await trainer.summary())!;
    for (const { launches } of profiles) {
      expect(launches.map(({ name }) => name).join(', ')).toBe(listed);
      expect(launches).toHaveLength(trainer.launchesPerStep);
    }
  });
});

test('each launch has its own time: two products that are nearly all of the work take longest', async () => {
  const size = 256;
  const data = clusters(size, 3, 1, size);
  const model = sequential(linear(size, size), relu, linear(size, 3));
  await withTrainer({ model, data, batchSize: size }, async (trainer) => {
    const productsTakeLongest = async (): Promise<boolean> => {
      const { launches } = await trainer.profile(3, { data });
      const longest = launches.toSorted((a, b) => b.ms - a.ms).slice(0, 2);
      return longest.every(({ flops }) => flops > size ** 3);
    };
    for (let tries = 1; !(await productsTakeLongest()); tries++) expect(tries).toBeLessThan(TRIES);
  });
});

test('the gradients of a layer’s weights and of what it read stand side by side, so that neither waits', async () => {
  const model = sequential(linear(2, 65), relu, linear(65, 66), relu, linear(66, 67), relu, linear(67, 80));
  const data = clusters(40, 80);
  const { launches } = await profiled({ model, data, batchSize: 32 }, { data });
  const from = launches.findIndex(({ name }) => name.includes('crossEntropyGrad'));
  expect(launches.slice(from + 1, -1).map(({ output }) => output)).toEqual([
    'f32[67, 80]',
    'f32[32, 67]',
    'f32[66, 67]',
    'f32[32, 66]',
    'f32[65, 66]',
    'f32[32, 65]',
    'f32[2, 65]',
  ]);
});

describe('the clock', () => {
  test('is the wall’s where the device has no timestamps', async () => {
    const profile = await profiled({ device: await plain() });
    expect(profile).toMatchObject({ clock: 'wall', quantised: false });
    expect(profile.launches.every(({ ms }) => ms >= 0)).toBe(true);
    expect(formatProfile(profile)).toContain('by the wall clock, as this device has no timestamps');
  });

  test('is coarse as Dawn comes, which the table says, and exact as it can be told to be', async (context) => {
    const device = await sharedDevice();
    if (!device.features.has('timestamp-query')) context.skip();
    const coarse = await profiled();
    expect(coarse.quantised).toBe(true);
    expect(formatProfile(coarse)).toContain('multiples of 65,536 ns');
    const exactDevice = await requestDevice({ dawn: ['disable-dawn-features=timestamp_quantization'] });
    const exact = await profiled({ device: exactDevice });
    exactDevice.destroy();
    expect(exact.quantised).toBe(false);
    expect(formatProfile(exact)).toContain('Medians of 3 steps by timestamps.');
  });

  test('times more passes than one set of queries holds, each by itself', async (context) => {
    const device = await sharedDevice();
    if (!device.features.has('timestamp-query')) context.skip();
    const module = device.createShaderModule({ code: SLOW });
    const pipeline = device.createComputePipeline({ layout: 'auto', compute: { module, entryPoint: 'main' } });
    const buffer = device.createBuffer({ size: 4, usage: bufferUsage.storage });
    const layout = pipeline.getBindGroupLayout(0);
    const group = device.createBindGroup({ layout, entries: [{ binding: 0, resource: { buffer } }] });
    const slow = [1, 2048, 2049];
    const passes = Array.from({ length: 2050 }, (_, at): Recorder => (pass) => {
      if (!slow.includes(at)) return;
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, group);
      pass.dispatchWorkgroups(1);
    });
    const timer = passTimer(device, passes.length, (encoder) => device.queue.submit([encoder.finish()]));
    const longest = async (): Promise<number[]> => {
      const times = await timer.time(passes);
      const byTime = times.map((_, at) => at).sort((a, b) => times[b] - times[a]);
      return byTime.slice(0, slow.length).sort((a, b) => a - b);
    };
    let found = await longest();
    for (let tries = 1; tries < TRIES && found.join() !== slow.join(); tries++) found = await longest();
    expect(found).toEqual(slow);
    timer.destroy();
    buffer.destroy();
  });
});

test('a profile frees its buffers and its queries', async () => {
  const device = await sharedDevice();
  const { GPUDevice: maker } = prototypes(device);
  const { createQuerySet } = maker;
  const sets: { destroyed: boolean }[] = [];
  maker['createQuerySet'] = function (this: unknown, ...args: unknown[]): unknown {
    const queries = createQuerySet.apply(this, args) as GPUQuerySet;
    const made = { destroyed: false };
    sets.push(made);
    const destroy = queries.destroy.bind(queries);
    return Object.assign(queries, {
      destroy() {
        made.destroyed = true;
        destroy();
      },
    });
  };
  try {
    await withLiveBuffers(device, async (live) => {
      await withTrainer({}, async (trainer) => {
        for await (const _ of trainer.fit(set, { steps: 2 }));
        const [before, bytes] = [live.size, trainer.bytes];
        await trainer.profile(2);
        expect([live.size, trainer.bytes]).toEqual([before, bytes]);
      });
    });
  } finally {
    maker['createQuerySet'] = createQuerySet;
  }
  expect(sets).toEqual(device.features.has('timestamp-query') ? [{ destroyed: true }] : []);
});

describe('a profile is refused', () => {
  test.each([0, -1, 2.5, NaN, Infinity])('%d steps', async (steps) => {
    await withTrainer({}, async (trainer) => {
      await expect(trainer.profile(steps, { data: set })).rejects.toThrow(`[profile] steps is ${steps} but must be`);
    });
  });

  test('in the loop of a fit, before there are samples, and once its trainer was destroyed', async () => {
    await withTrainer({ backend: 'cpu' }, async (trainer) => {
      await expect(trainer.profile()).rejects.toThrow('[profile] there are no samples yet');
      for await (const _ of trainer.fit(set, { steps: 2 })) {
        await expect(trainer.profile()).rejects.toThrow('[profile] fit is still running on this trainer');
      }
      trainer.destroy();
      await expect(trainer.profile()).rejects.toThrow('[trainer] it was destroyed');
    });
  });

  test('what would see its steps is refused while it runs', async () => {
    await withTrainer({}, async (trainer) => {
      const profile = trainer.profile(2, { data: set });
      await new Promise((resolve) => void setTimeout(resolve));
      await expect(trainer.readParameters()).rejects.toThrow('[readParameters] profile is still running');
      await expect(trainer.step(batches[0])).rejects.toThrow('[step] profile is still running');
      await profile;
    });
  });
});

test('the table has a line for each launch and their total, and says of a launch that took no time no rate', () => {
  const cost = { flops: 2_500_000, bytes: 1_000_000 };
  const profile: Profile = {
    adapter: 'a card',
    backend: 'webgpu',
    clock: 'timestamps',
    quantised: false,
    steps: 5,
    msPerStep: 0.4567,
    launches: [
      {
        ...cost,
        name: 'matmul',
        output: 'f32[4, 4]',
        count: 2,
        ms: 0.5,
        share: 1,
        flopsPerSecond: 5e9,
        bytesPerSecond: 2e9,
        limit: { by: 'bytes', share: 0.25 },
      },
      {
        ...cost,
        name: 'pack',
        output: 'f32[64]',
        count: 1,
        ms: 0,
        share: 0,
        flopsPerSecond: null,
        bytesPerSecond: null,
        limit: null,
      },
    ],
    total: { ms: 0.5, flops: 5e6, bytes: 2e6, flopsPerSecond: 1e10, bytesPerSecond: 4e9 },
  };
  expect(formatProfile(profile).split('\n')).toEqual([
    'A step on a card: 0.457 ms as training runs it; launch by launch:',
    '',
    'launch      output        ms    share  MFLOP    MB  GFLOP/s  GB/s             peak',
    '----------  ---------  -----  -------  -----  ----  -------  ----  ---------------',
    'matmul (2)  f32[4, 4]  0.500  100.0 %   2.50  1.00     5.00  2.00  25.0 % of bytes',
    'pack        f32[64]    0.000    0.0 %   2.50  1.00        -     -                -',
    'all                    0.500            5.00  2.00     10.0  4.00',
    '',
    'Medians of 5 steps by timestamps.',
  ]);
});
