import { describe, expect, test } from 'vitest';
import {
  adam,
  conv2d,
  createTrainer,
  crossEntropy,
  dataset,
  flatten,
  linear,
  maxPool2d,
  relu,
  sequential,
  sgd,
  sigmoid,
  take,
  type Model,
  type Optimizer,
  type Samples,
  type Trainer,
} from '../../src/index.ts';
import { Random } from '../../src/core/random.ts';
import { clusters } from '../support/toy.ts';
import { sharedDevice } from '../support/device.ts';

const FEATURES = 5;
const CLASSES = 3;
const set = clusters(64, CLASSES, 4, FEATURES);
const one: Samples = { point: set.fields['point'].data.slice(0, FEATURES), label: Uint8Array.of(2) };

const plain = sequential(linear(FEATURES, 7), sigmoid, linear(7, CLASSES));

async function trainerOf(
  options: {
    readonly model?: Model;
    readonly optimizer?: Optimizer;
    readonly cpu?: boolean;
    readonly fuse?: boolean;
  } = {},
): Promise<Trainer> {
  const { model = plain, optimizer = sgd({ learningRate: 0.3 }), cpu = false, fuse = true } = options;
  const place = cpu ? ({ backend: 'cpu' } as const) : { device: await sharedDevice() };
  return createTrainer({ model, loss: crossEntropy, optimizer, batchSize: 16, seed: 5, data: set, fuse, ...place });
}

async function lossesOf(trainer: Trainer, steps: number): Promise<number[]> {
  const losses: number[] = [];
  for await (const { loss } of trainer.fit(set, { steps })) losses.push(loss);
  return losses;
}

const dot = (x: ArrayLike<number>, w: ArrayLike<number>, columns: number, column: number): number =>
  Array.from(x).reduce((total, value, row) => total + value * w[row * columns + column], 0);

const closeTo = (expected: readonly number[]): unknown => expected.map((value) => expect.closeTo(value, 5) as number);

describe.each([
  ['WebGPU', { fuse: true }],
  ['WebGPU, every op by itself', { fuse: false }],
  ['the CPU', { cpu: true }],
])('on %s', (_name, place) => {
  test('a step on one sample is what plain loops make of its weights', async () => {
    const trainer = await trainerOf(place);
    await lossesOf(trainer, 3);
    const { layers, loss, parameters, lossAfter } = await trainer.inspect(one);
    const [weight1, bias1, weight2, bias2] = parameters.map(({ value }) => value);
    const x = one['point'];
    const hidden = Array.from(bias1, (b, j) => 1 / (1 + Math.exp(-(b + dot(x, weight1, 7, j)))));
    const logits = Array.from(bias2, (b, j) => b + dot(hidden, weight2, CLASSES, j));
    const total = logits.reduce((sum, logit) => sum + Math.exp(logit), 0);
    const dLogits = logits.map((logit, j) => Math.exp(logit) / total - (j === 2 ? 1 : 0));
    const dHidden = hidden.map((_, i) => dLogits.reduce((sum, d, j) => sum + d * weight2[i * CLASSES + j], 0));

    expect(layers.map(({ path, kind, shape }) => `${path} ${kind} ${shape.join('×')}`)).toEqual([
      'layer0 linear 1×7',
      'layer1 sigmoid 1×7',
      'layer2 linear 1×3',
      ' sequential 1×3',
    ]);
    expect(loss).toBeCloseTo(-Math.log(Math.exp(logits[2]) / total), 5);
    expect([...layers[1].output]).toEqual(closeTo(hidden));
    expect([...layers[2].output]).toEqual(closeTo(logits));
    expect([...layers[2].gradient!]).toEqual(closeTo(dLogits));
    expect([...layers[1].gradient!]).toEqual(closeTo(dHidden));
    const dWeight2 = hidden.flatMap((h) => dLogits.map((d) => h * d));
    const dWeight1 = Array.from(x).flatMap((value) => dHidden.map((d, j) => value * d * hidden[j] * (1 - hidden[j])));
    expect([...parameters[2].gradient]).toEqual(closeTo(dWeight2));
    expect([...parameters[0].gradient]).toEqual(closeTo(dWeight1));
    expect([parameters[0].change, lossAfter]).toEqual([null, null]);
    trainer.destroy();
  });

  test('a rehearsed update by gradient descent is −rate · gradient, and its loss that of the changed weights', async () => {
    const trainer = await trainerOf(place);
    await lossesOf(trainer, 3);
    const { parameters, loss, lossAfter } = await trainer.inspect(one, { update: true });
    for (const { gradient, change } of parameters) {
      expect([...change!]).toEqual(closeTo(Array.from(gradient, (d) => -0.3 * d)));
    }
    await trainer.writeParameters(
      Object.fromEntries(parameters.map(({ name, value, change }) => [name, value.map((w, i) => w + change![i])])),
    );
    const after = await trainer.inspect(one);
    expect(after.loss).toBeCloseTo(lossAfter!, 5);
    expect(lossAfter!).toBeLessThan(loss);
    trainer.destroy();
  });
});

test('training goes on in the same bits after a rehearsal', async () => {
  const [looked, undisturbed] = await Promise.all([
    trainerOf({ optimizer: adam({ learningRate: 0.1 }) }),
    trainerOf({ optimizer: adam({ learningRate: 0.1 }) }),
  ]);
  const expected = await lossesOf(undisturbed, 8);
  const losses = await lossesOf(looked, 4);
  await looked.inspect(one, { update: true });
  await looked.inspect(set);
  losses.push(...(await lossesOf(looked, 4)));
  expect(losses).toEqual(expected);
  for (const trainer of [looked, undisturbed]) trainer.destroy();
});

test('looking on leaves no mark on the kernels that a run takes', async () => {
  const [looked, undisturbed] = await Promise.all([trainerOf(), trainerOf()]);
  await looked.inspect(take(set, 0, 16), { update: true });
  for (const trainer of [looked, undisturbed]) await lossesOf(trainer, 1);
  expect(looked.kernels).toEqual(undisturbed.kernels);
  for (const trainer of [looked, undisturbed]) trainer.destroy();
});

test('a run may be looked at, but not rehearsed, between its steps', async () => {
  const trainer = await trainerOf();
  for await (const { step } of trainer.fit(set, { steps: 3, stepsPerSubmit: 1 })) {
    if (step !== 2) continue;
    expect((await trainer.inspect(set)).layers[0].shape).toEqual([64, 7]);
    await expect(trainer.inspect(one, { update: true })).rejects.toThrow('[inspect] fit is still running');
  }
  trainer.destroy();
});

test('images and their convolutions are seen as on the CPU', async () => {
  const random = new Random(1, 'images');
  const model = sequential(conv2d(1, 3, 3, { padding: 'same' }), relu, maxPool2d(2), flatten, linear(75, CLASSES));
  const image = Float32Array.from({ length: 2 * 100 }, () => random.uniform(0, 1));
  const samples = dataset({ image: { data: image, shape: [10, 10] }, label: Uint8Array.of(0, 2) });
  const optimizer = sgd({ learningRate: 0.1 });
  const options = { model, loss: crossEntropy, optimizer, batchSize: 2, seed: 2, data: samples };
  const gpu = await createTrainer({ ...options, device: await sharedDevice() });
  const cpu = await createTrainer({ ...options, backend: 'cpu' });
  const [seen, expected] = await Promise.all([gpu, cpu].map((trainer) => trainer.inspect(samples, { update: true })));
  expect(seen.layers.map(({ kind, shape }) => `${kind} ${shape.join('×')}`)).toEqual([
    'conv2d 2×10×10×3',
    'relu 2×10×10×3',
    'maxPool2d 2×5×5×3',
    'flatten 2×75',
    'linear 2×3',
    'sequential 2×3',
  ]);
  for (const [at, { kind, output, gradient }] of seen.layers.entries()) {
    expect([...output]).toEqual(closeTo([...expected.layers[at].output]));
    // The pooling takes its largest before the relu, which nothing reads then.
    if (kind === 'relu') expect(gradient).toBeNull();
    else expect([...gradient!]).toEqual(closeTo([...expected.layers[at].gradient!]));
  }
  for (const [at, { change }] of seen.parameters.entries()) {
    expect([...change!]).toEqual(closeTo([...expected.parameters[at].change!]));
  }
  for (const trainer of [gpu, cpu]) trainer.destroy();
});
