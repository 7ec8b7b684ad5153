import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { mnist, syntheticDigits } from '../../src/data/index.ts';
import { adam, createTrainer, crossEntropy, flatten, linear, relu, sequential } from '../../src/index.ts';
import { folder } from '../../src/node.ts';
import { sharedDevice } from '../support/device.ts';

const PIXELS = 28 * 28;

const small = await syntheticDigits({ train: 2000, test: 500, seed: 7 });
const pixelsOf = (half: typeof small.train): Uint8Array => half.fields['image'].data as Uint8Array;

describe('synthetic digits', () => {
  test('have the form of MNIST', () => {
    expect([small.train.length, small.test.length]).toEqual([2000, 500]);
    expect(small.train.fields['image']).toMatchObject({ shape: [28, 28], dtype: 'u8', scale: { scale: 1 / 255 } });
    expect(small.train.fields['label']).toMatchObject({ shape: [], dtype: 'u8', scale: null });
  });

  test('hold each digit about as often', () => {
    const counts = new Array<number>(10).fill(0);
    for (const label of small.train.fields['label'].data) counts[label]++;
    // 200 each; four deviations of a binomial.
    for (const count of counts) expect(Math.abs(count - 200)).toBeLessThan(4 * Math.sqrt(180));
  });

  test('are the same bytes for a seed in every engine', () => {
    const hash = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
    expect(hash(pixelsOf(small.train))).toBe('95dd69164eec2a38bc88d79295d68dd19e39b4d86b25bb3b7502e5080c4c37cc');
    expect(hash(small.train.fields['label'].data as Uint8Array)).toBe(
      'f7534a82757dc6d1df97042f4ec299eb341a176ca28468df916f95f16c5e056a',
    );
  });

  test('do not depend on how many are drawn', async () => {
    const few = await syntheticDigits({ train: 100, test: 1, seed: 7 });
    expect(pixelsOf(few.train)).toEqual(pixelsOf(small.train).slice(0, 100 * PIXELS));
  });

  test('differ between seeds, and between training and test', async () => {
    const other = await syntheticDigits({ train: 500, test: 1, seed: 8 });
    expect(pixelsOf(other.train)).not.toEqual(pixelsOf(small.train).slice(0, 500 * PIXELS));
    expect(pixelsOf(small.test)).not.toEqual(pixelsOf(small.train).slice(0, 500 * PIXELS));
  });

  test('stand in the middle of their pictures by their mass, and within a box of 20', () => {
    const pixels = pixelsOf(small.train);
    for (let image = 0; image < 2000; image++) {
      let [mass, x, y] = [0, 0, 0];
      const rows = new Set<number>();
      const columns = new Set<number>();
      for (let at = 0; at < PIXELS; at++) {
        const ink = pixels[image * PIXELS + at];
        if (ink > 127) {
          rows.add(Math.floor(at / 28));
          columns.add(at % 28);
        }
        mass += ink;
        x += ink * ((at % 28) + 0.5);
        y += ink * (Math.floor(at / 28) + 0.5);
      }
      expect(mass).toBeGreaterThan(20 * 255);
      // Moved by whole pixels, before the grain.
      expect(Math.abs(x / mass - 14)).toBeLessThan(0.6);
      expect(Math.abs(y / mass - 14)).toBeLessThan(0.6);
      expect(Math.max(rows.size, columns.size)).toBeLessThanOrEqual(21);
    }
  });

  test('to be none are refused', async () => {
    await expect(syntheticDigits({ train: 0 })).rejects.toThrow(
      '[syntheticDigits] train is 0 but must be a whole number above 0',
    );
    await expect(syntheticDigits({ test: 1.5 })).rejects.toThrow('[syntheticDigits] test is 1.5 but must be');
  });

  test('are drawn bit by bit, so that their drawing can be followed and ended', async () => {
    const ending = new AbortController();
    const seen: number[] = [];
    const progress = (drawn: number, total: number): void => {
      seen.push(drawn);
      expect(total).toBe(3100);
      if (drawn >= 1000) setImmediate(() => ending.abort(new Error('enough')));
    };
    const sizes = { train: 3000, test: 100, progress };
    await expect(syntheticDigits({ ...sizes, signal: ending.signal })).rejects.toThrow('enough');
    expect(seen.at(-1)).toBeLessThan(2000);
    seen.length = 0;
    await syntheticDigits(sizes);
    expect([seen[0], seen.at(-1)]).toEqual([0, 3100]);
    expect(seen).toEqual(seen.toSorted((a, b) => a - b));
  });
});

const root = process.env['MILLRACE_DATA'];

test.runIf(root)('a network that saw synthetic digits alone reads handwriting', async () => {
  const { train } = await syntheticDigits({ train: 12_000, test: 1, seed: 1 });
  const { test: written } = await mnist(folder(join(root!, 'mnist')));
  const trainer = await createTrainer({
    model: sequential(flatten, linear(PIXELS, 128), relu, linear(128, 10)),
    loss: crossEntropy,
    optimizer: adam({ learningRate: 3e-3 }),
    batchSize: 128,
    seed: 1,
    device: await sharedDevice(),
  });
  try {
    for await (const _ of trainer.fit(train, { epochs: 4 }));
    const { accuracy } = await trainer.evaluate(written);
    expect(accuracy).toBeGreaterThan(0.8);
  } finally {
    trainer.destroy();
  }
});
