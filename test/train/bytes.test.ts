// Bytes: scaled for what the model sees of pictures, and for nothing else; and put into their dtype without a loss.

import { describe, expect, test } from 'vitest';
import {
  add,
  binaryCrossEntropy,
  cast,
  constantValue,
  createTrainer,
  crossEntropy,
  dataset,
  flatten,
  fromValues,
  gather,
  linear,
  mean,
  meanSquaredError,
  mul,
  reshape,
  sequential,
  sgd,
  squaredErrors,
  sum,
  zeros,
  type BatchValues,
  type Context,
  type Dataset,
  type FieldInput,
  type Loss,
  type Model,
  type Trainer,
  type Value,
} from '../../src/index.ts';
import { sharedDevice } from '../support/device.ts';

const backends = ['cpu', 'webgpu'] as const;
type BackendName = (typeof backends)[number];

const trainerOn = async (
  backend: BackendName,
  data: Dataset,
  model: Model,
  loss: Loss,
  batchSize = 4,
): Promise<Trainer> =>
  createTrainer({
    model,
    loss,
    optimizer: sgd({ learningRate: 0.5 }),
    batchSize,
    backend,
    data,
    ...(backend === 'webgpu' && { device: await sharedDevice() }),
  });

/** What a model of one output, their sum with weights 1, 2, 3, 4, says of the first sample. */
const weighted = sequential(flatten, linear(4, 1, { weightInitial: fromValues([1, 2, 3, 4]), bias: false }));

async function seen(field: FieldInput, backend: BackendName = 'cpu'): Promise<number> {
  const length = field.data.length / 4;
  const data = dataset({ x: field, target: new Float32Array(length) });
  const trainer = await trainerOn(backend, data, weighted, meanSquaredError, 1);
  return (await trainer.predict(data)).data[0];
}

describe('the model sees', () => {
  const shape = [2, 2];

  test.each(backends)('pictures of bytes as 0 … 1, on %s', async (backend) => {
    expect(await seen({ data: Uint8Array.of(51, 102, 0, 255), shape }, backend)).toBeCloseTo(0.2 + 0.8 + 4, 6);
  });
  test.each(backends)('one-hot rows and boards as they are, on %s', async (backend) => {
    expect(await seen({ data: Uint8Array.of(0, 1, 1, 0), shape }, backend)).toBe(5);
    expect(await seen({ data: Uint8Array.of(2, 0, 12, 1), shape }, backend)).toBe(42);
  });
  test('by the whole set, not by its first sample', async () => {
    expect(await seen({ data: Uint8Array.of(1, 0, 0, 0, 9, 9, 9, 200), shape })).toBeCloseTo(1 / 255, 9);
  });
  test('what is asked for: bytes unscaled, boards scaled', async () => {
    expect(await seen({ data: Uint8Array.of(51, 0, 0, 0), shape, scale: 1 })).toBe(51);
    expect(await seen({ data: Uint8Array.of(1, 0, 0, 0), shape, scale: 0.5, offset: -1 })).toBeCloseTo(-9.5, 6);
  });
  test('bytes of later sets by the scale that it was traced with', async () => {
    const of = (...bytes: number[]) =>
      dataset({ x: { data: Uint8Array.from(bytes), shape }, target: new Float32Array(1) });
    const trainer = await trainerOn('cpu', of(200, 0, 0, 0), weighted, meanSquaredError, 1);
    expect((await trainer.predict(of(1, 0, 0, 0))).data[0]).toBeCloseTo(1 / 255, 9);
    const other = dataset({ x: { data: new Uint8Array(4), shape, scale: 0.5 }, target: new Float32Array(1) });
    await expect(trainer.evaluate(other)).rejects.toThrow('[evaluate] the model sees "x" by scale 0.0039');
  });

  test.each(backends)('letters as the whole numbers that index a table, on %s', async (backend) => {
    const letters = Uint8Array.from('what is it?!', (letter) => letter.charCodeAt(0));
    const table = {
      parameters: { w: { shape: [128, 1], initial: fromValues(Array.from({ length: 128 }, (_, at) => at)) } },
    };
    const data = dataset({ text: { data: letters, shape: [2, 3] }, target: new Float32Array(2) });
    for (const indices of [(x: Value) => x, (x: Value) => cast(x, 'i32')]) {
      const apply = (x: Value, { w }: Readonly<Record<string, Value>>) => sum(gather(w, indices(x)), { axes: [1, 2] });
      const trainer = await trainerOn(backend, data, { ...table, apply }, meanSquaredError, 2);
      const sums = [0, 6].map((from) => letters.slice(from, from + 6).reduce((total, letter) => total + letter, 0));
      expect([...(await trainer.predict(data)).data]).toEqual(sums);
    }
  });
});

describe.each(backends)('what the loss compares with stays as it is, on %s:', (backend) => {
  const image = Uint8Array.from({ length: 128 }, (_, i) => (53 * i) % 256);
  const mask = image.map((byte) => (byte > 127 ? 1 : 0));
  /** Says 3 of every pixel. */
  const model = {
    parameters: { b: { shape: [1], initial: constantValue(3) } },
    apply: (x: Value, { b }: Readonly<Record<string, Value>>) => add(mul(x, 0), b),
  };
  const shape = [4, 4];

  test('masks, in any dtype', async () => {
    const others = [Int32Array.from(mask), Float32Array.from(mask), [...mask].map(Boolean)];
    for (const data of [mask, ...(backend === 'cpu' ? others : [])]) {
      const set = dataset({ image: { data: image, shape }, label: { data, shape } });
      const trainer = await trainerOn(backend, set, model, meanSquaredError, 8);
      expect((await trainer.evaluate(set)).loss).toBeCloseTo(6.65625, 5);
    }
  });

  test('a mask that weighs the errors, beside bytes to come near to', async () => {
    const bytes = image.map((byte) => byte >> 2);
    const set = dataset({ image: { data: image, shape }, mask: { data: mask, shape }, target: { data: bytes, shape } });
    const first: Model = ({ image: x }: BatchValues, context: Context) => context.apply(model, x, 'net');
    const loss = (y: Value, batch: BatchValues) => mean(mul(squaredErrors(y, batch['target']), batch['mask']));
    const trainer = await trainerOn(backend, set, first, loss, 8);
    const right = bytes.reduce((total, byte, at) => total + mask[at] * (3 - byte) ** 2, 0) / bytes.length;
    expect((await trainer.evaluate(set)).loss / right).toBeCloseTo(1, 5);
  });

  test('classes of pixels, without a cast, with a scale of 1 or none', async () => {
    const classes = image.map((byte) => byte % 3);
    const byPixel = {
      parameters: { b: { shape: [3], initial: fromValues([0, 1, 2]) } },
      apply: (x: Value, { b }: Readonly<Record<string, Value>>) => add(mul(reshape(x, [-1, 4, 4, 1]), 0), b),
    };
    const logSum = Math.log(1 + Math.E + Math.E ** 2);
    const right = classes.reduce((total, label) => total + logSum - label, 0) / classes.length;
    for (const scale of [{}, { scale: 1 }]) {
      const set = dataset({ image: { data: image, shape }, label: { data: classes, shape, ...scale } });
      const trainer = await trainerOn(backend, set, byPixel, crossEntropy, 8);
      expect((await trainer.evaluate(set)).loss).toBeCloseTo(right, 5);
      expect((await trainer.step({ image, label: [...classes].map(BigInt) })).loss).toBeCloseTo(right, 5);
    }
  });

  test('but a field that the model reads too, as an autoencoder, is one and the same', async () => {
    const set = dataset({ image: { data: image, shape } });
    const loss = (y: Value, batch: BatchValues) => meanSquaredError(y, batch['image']);
    const trainer = await trainerOn(backend, set, model, loss, 8);
    const right = image.reduce((total, byte) => total + (3 - byte / 255) ** 2, 0) / image.length;
    expect((await trainer.evaluate(set)).loss).toBeCloseTo(right, 4);
  });
});

test('a target is scaled if that is asked for', async () => {
  const one = linear(1, 1, { weightInitial: zeros, bias: false });
  const pixels = { data: Uint8Array.of(255, 0, 0, 51), shape: [2, 2] };
  const data = dataset({ x: Float32Array.of(1), target: { ...pixels, scale: 1 / 255 } });
  const model = (x: Value, context: Context) => context.apply(one, reshape(x, [-1, 1]), 'net');
  const loss = (y: Value, { target }: BatchValues) => add(mean(mul(target, target)), mean(y));
  const trainer = await trainerOn('cpu', data, model, loss, 1);
  expect((await trainer.evaluate(data)).loss).toBeCloseTo((1 + 0.2 ** 2) / 4, 6);
});

test('phases without a model see their pictures scaled, and their target as it is', async () => {
  const dense = linear(4, 1, { weightInitial: fromValues([1, 2, 3, 4]), bias: false });
  const data = dataset({
    image: { data: Uint8Array.of(51, 0, 0, 0), shape: [2, 2] },
    target: { data: Uint8Array.of(20), shape: [1, 1] },
  });
  const loss: Loss = (_, { image, target }, context) =>
    meanSquaredError(context.apply(dense, flatten(image)), flatten(target));
  const trainer = await createTrainer({
    phases: [{ name: 'only', loss, optimizer: sgd() }],
    batchSize: 1,
    backend: 'cpu',
    data,
  });
  expect((await trainer.evaluate(data)).loss).toBeCloseTo((0.2 - 20) ** 2, 3);
});

test('the summary says how each field is seen', async () => {
  const data = dataset({
    image: { data: Uint8Array.of(200, 0, 0, 0), shape: [2, 2] },
    board: { data: Uint8Array.of(1, 0, 0, 1), shape: [2, 2] },
    colour: { data: Uint8Array.of(9, 8, 7, 6), shape: [2, 2], scale: 0.5, offset: -2 },
    label: { data: Uint8Array.of(200, 1, 2, 3), shape: [2, 2] },
  });
  const model = ({ image, board, colour }: BatchValues, context: Context) =>
    context.apply(weighted, add(add(image, board), colour));
  const trainer = await trainerOn(
    'cpu',
    data,
    model,
    (y: Value, { label }: BatchValues) => mean(mul(y, mean(label))),
    1,
  );
  const lines = (await trainer.summary()).split('\n').filter((line) => line.startsWith('field'));
  expect(lines).toEqual([
    'field       image: u8[2, 2] · 1/255, by default',
    'field       board: u8[2, 2] as it is',
    'field       colour: u8[2, 2] · 0.5 − 2',
    'field       label: u8[2, 2] as it is',
  ]);
});

describe.each(backends)('numbers that come later, on %s,', (backend) => {
  const bytes = Uint8Array.of(37, 74, 111, 148);
  const data = dataset({ image: { data: bytes, shape: [2, 2] }, label: Int32Array.of(1) });
  const model = sequential(flatten, linear(4, 2));
  const calls: readonly (readonly [
    string,
    (trainer: Trainer, image: Float32Array | number[], label: number[]) => unknown,
  ])[] = [
    ['predict', (trainer, image) => trainer.predict(image)],
    ['step', (trainer, image, label) => trainer.step({ image, label })],
    ['inspect', (trainer, image, label) => trainer.inspect({ image, label })],
    ['verify', (trainer, image, label) => trainer.verify({ image, label })],
    ['fit', async (trainer, image, label) => trainer.fit([{ image, label }]).next()],
  ];

  test('are one number, as bytes or as floats that are bytes, and refused as fractions', async () => {
    const trainer = await trainerOn(backend, data, weighted, (y: Value) => mean(y), 1);
    const [[a], [b], [c]] = [
      (await trainer.predict(bytes)).data,
      (await trainer.predict(Float32Array.from(bytes))).data,
      (await trainer.predict([37, 74, 111, 148])).data,
    ];
    expect([a, b, c]).toEqual([a, a, a]);
    expect(a).toBeCloseTo((37 + 2 * 74 + 3 * 111 + 4 * 148) / 255, 5);
    await expect(trainer.predict(Float32Array.from(bytes, (byte) => byte / 255))).rejects.toThrow(
      /^\[predict\] "image"\[0\] is 0\.1450\d+, but u8 holds whole numbers/,
    );
  });

  test('are put into their dtype only where nothing is lost, whatever call brings them', async () => {
    const trainer = await trainerOn(backend, data, model, crossEntropy, 1);
    for (const [name, call] of calls) {
      await expect(call(trainer, [1, 2, 256, 4], [1])).rejects.toThrow('"image"[2] is 256, but u8 holds');
      await expect(call(trainer, Float32Array.of(1, NaN, 2, 3), [1])).rejects.toThrow(
        '"image" is NaN at sample 0, element 1',
      );
      if (name !== 'predict') await expect(call(trainer, [1, 2, 3, 4], [0.5])).rejects.toThrow('"label"[0] is 0.5');
    }
    await expect(trainer.step({ image: bytes, label: BigUint64Array.of(2n ** 40n) })).rejects.toThrow('"label"[0] is');
    await expect(trainer.step({ image: bytes, label: BigInt64Array.of(2n) })).rejects.toThrow(
      '"label"[0] is 2, but labels under 2 logits',
    );
    expect((await trainer.step({ image: bytes, label: BigInt64Array.of(1n) })).step).toBe(1);
  });
});

describe('targets of binaryCrossEntropy', () => {
  const x = { data: Float32Array.from({ length: 16 }, (_, at) => at / 16), shape: [4] };
  const onTarget = async (target: FieldInput): Promise<number> => {
    const data = dataset({ x, target });
    const loss = (y: Value<'f32'>, batch: BatchValues) => binaryCrossEntropy(y, batch['target']);
    const trainer = await trainerOn('cpu', data, linear(4, 1), loss);
    return (await trainer.fit(data)).loss;
  };

  test.each([
    [{ data: Float32Array.of(0, 1, -1, 1) }, '"target"[2] is -1, but targets must be 0 … 1: mend the data'],
    [{ data: Uint8Array.of(0, 255, 0, 255) }, '"target"[1] is 255, but targets must be 0 … 1'],
    [{ data: Uint8Array.of(0, 128, 255, 0), scale: 1 / 128 }, '"target"[2] is 255, seen as 1.99219, but targets must'],
  ] satisfies [FieldInput, string][])(
    'beyond 0 … 1 are refused as the model sees them: %#',
    async (target, message) => {
      await expect(onTarget(target)).rejects.toThrow(`[binaryCrossEntropy] ${message}`);
    },
  );

  test('that lie on the bounds are taken, though a scale rounds', async () => {
    expect(await onTarget({ data: Float32Array.of(0, 1, 0.5, 1) })).toBeGreaterThan(0);
    expect(await onTarget({ data: Uint8Array.of(0, 255, 128, 255), scale: 1 / 255 })).toBeGreaterThan(0);
    expect(await onTarget({ data: Float32Array.of(-1, 1, 0, 1), scale: 0.5, offset: 0.5 })).toBeGreaterThan(0);
  });

  test('may be the picture itself, as the model sees it', async () => {
    const data = dataset({ image: { data: Uint8Array.from({ length: 16 }, (_, at) => 17 * at), shape: [2, 2] } });
    const loss = (y: Value<'f32'>, batch: BatchValues) => binaryCrossEntropy(y, reshape(batch['image'], [4, 4]));
    const trainer = await trainerOn('cpu', data, sequential(flatten, linear(4, 4)), loss);
    expect((await trainer.fit(data)).loss).toBeGreaterThan(0);
  });
});
