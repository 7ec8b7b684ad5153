import { describe, expect, test } from 'vitest';
import { sizeOf, spec } from '../../src/core/shape.ts';
import {
  adam,
  cnn,
  createTrainer,
  crossEntropy,
  input,
  lenet,
  resnet,
  take,
  type Layer,
  type Trainer,
  type Value,
} from '../../src/index.ts';
import { dataset, syntheticDigits } from '../../src/data/index.ts';
import { Registry } from '../../src/nn/registry.ts';
import { Tracer } from '../../src/nn/tracer.ts';
import { sharedDevice } from '../support/device.ts';

/** What a model gives out for images of a shape, how many numbers it learns, and which ops it is made of. */
function traced(model: Layer, shape: readonly number[]) {
  const registry = new Registry(1);
  const logits = new Tracer(registry, 'train', null).apply(model, input('image', spec(shape)), '');
  const parameters = registry.parameters.reduce((sum, { definition }) => sum + sizeOf(definition.shape), 0);
  return { shape: logits.spec.shape, parameters, ops: opsOf(logits) };
}

/** How often each op was used on the way to a value. */
function opsOf(value: Value): Readonly<Partial<Record<string, number>>> {
  const counts: Record<string, number> = {};
  const seen = new Set<Value['node']>();
  const walk = ({ node }: Value): void => {
    if (seen.has(node)) return;
    seen.add(node);
    counts[node.op.name] = (counts[node.op.name] ?? 0) + 1;
    node.inputs.forEach(walk);
  };
  walk(value);
  return counts;
}

describe('LeNet', () => {
  test('has the 61,706 parameters that its layers are known to have', () => {
    expect(traced(lenet(), [3, 28, 28])).toMatchObject({ shape: [3, 10], parameters: 61_706 });
  });

  test('takes colours, other sizes and other numbers of classes', () => {
    const convolutions = (3 * 25 + 1) * 6 + (6 * 25 + 1) * 16;
    // 32 × 13: halves are 16 × 6, 5 × 5 windows leave 12 × 2, halves of that are 6 × 1.
    const dense = (6 * 16 + 1) * 120 + 121 * 84 + 85 * 7;
    const model = lenet({ channels: 3, classes: 7, size: [32, 13] });
    expect(traced(model, [2, 32, 13, 3])).toMatchObject({ shape: [2, 7], parameters: convolutions + dense });
  });

  test('takes images of 12 × 12, and none that are smaller', () => {
    expect(traced(lenet({ size: 12 }), [1, 12, 12]).shape).toEqual([1, 10]);
    expect(() => lenet({ size: [12, 11] })).toThrow('[lenet] images of 12×11 are too small for the model');
  });
});

describe('the small network', () => {
  test('has the parameters that its layers make', () => {
    const stages = 9 * 16 + 2 * 16 + 16 * 9 * 32 + 2 * 32;
    const dense = (7 * 7 * 32 + 1) * 128 + 129 * 10;
    expect(traced(cnn(), [3, 28, 28])).toMatchObject({ shape: [3, 10], parameters: stages + dense });
    expect(stages + dense).toBe(206_970);
  });

  test('takes images of 4 × 4, and none that are smaller', () => {
    expect(traced(cnn({ size: 4, channels: 3 }), [2, 4, 4, 3]).shape).toEqual([2, 10]);
    expect(() => cnn({ size: 3 })).toThrow('[cnn] images of 3×3 are too small for the model');
  });
});

describe('residual networks', () => {
  test.each([
    [8, 78_042, 3],
    [14, 175_258, 6],
    // He et al. have 0.27 M with shortcuts that are padded with zeros; projections are 2,752 more.
    [20, 272_474, 9],
    [18, 11_173_962, 8],
  ])('of depth %i have %i parameters and %i blocks', (depth, parameters, blocks) => {
    const { ops, ...made } = traced(resnet(depth), [2, 32, 32, 3]);
    expect(made).toEqual({ shape: [2, 10], parameters });
    const projections = depth === 18 ? 3 : 2;
    expect(ops).toMatchObject({ add: blocks, conv2d: 1 + 2 * blocks + projections });
  });

  test('take images of any size, in grey too', () => {
    expect(traced(resnet(8, { channels: 1, classes: 3, width: 2 }), [2, 5, 1]).shape).toEqual([2, 3]);
    expect(traced(resnet(8, { channels: 1, classes: 3, width: 2 }), [2, 1, 7, 1]).shape).toEqual([2, 3]);
  });

  test.each([0, 2, 9, 16, 8.5, NaN])('have no depth of %d', (depth) => {
    expect(() => resnet(depth)).toThrow(`[resnet] depth is ${depth} but must be 8, 14, 20`);
  });
});

const BATCH = 16;
const { train } = await syntheticDigits({ train: 480, test: 1, seed: 5 });

/** Every second row and column of the digits: the smaller an image, the sooner it is verified. */
const halves = (() => {
  const { image, label } = train.fields;
  const data = Uint8Array.from({ length: train.length * 14 * 14 }, (_, at) => {
    const [sample, row, column] = [Math.floor(at / 196), Math.floor((at % 196) / 14), at % 14];
    return image.data[sample * 784 + 2 * row * 28 + 2 * column];
  });
  return dataset({ image: { data, shape: [14, 14, 1] }, label: label.data });
})();

async function withTrainer(model: Layer, work: (trainer: Trainer) => Promise<void>): Promise<void> {
  const trainer = await createTrainer({
    model,
    loss: crossEntropy,
    optimizer: adam({ learningRate: 5e-3 }),
    batchSize: BATCH,
    seed: 7,
    device: await sharedDevice(),
    data: halves,
  });
  try {
    await work(trainer);
  } finally {
    trainer.destroy();
  }
}

const mean = (numbers: readonly number[]): number => numbers.reduce((sum, x) => sum + x, 0) / numbers.length;

describe.each([
  ['LeNet', lenet({ size: 14 })],
  ['a residual network', resnet(8, { channels: 1, width: 4 })],
] as const)('%s on WebGPU', (_, model) => {
  test('computes a step as the references do, and its loss falls', async () => {
    await withTrainer(model, async (trainer) => {
      const { ok, fault } = await trainer.verify(take(halves, 0, BATCH));
      expect(fault?.message).toBeUndefined();
      expect(ok).toBe(true);
      const losses: number[] = [];
      for await (const { loss } of trainer.fit(halves, { steps: 120 })) losses.push(loss);
      expect(mean(losses.slice(-10))).toBeLessThan(0.7 * mean(losses.slice(0, 10)));
    });
  });
});
