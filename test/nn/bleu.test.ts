import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { bleu, f1Scores } from '../../src/index.ts';

interface Golden {
  readonly predicted: readonly string[];
  readonly expected: readonly (readonly string[])[];
  readonly bleu: number;
}

const goldens = JSON.parse(readFileSync(new URL('../goldens/bleu.json', import.meta.url), 'utf8')) as readonly Golden[];

describe('BLEU', () => {
  test.each(goldens.map((golden, at) => [at, golden] as const))('of case %i is sacreBLEU’s', (_, golden) => {
    expect(Math.abs(bleu(golden.predicted, golden.expected) - golden.bleu)).toBeLessThan(1e-9);
  });

  test('takes one translation for each sample as it takes a list of one', () => {
    const { predicted, expected } = goldens[1];
    expect(
      bleu(
        predicted,
        expected.map(([one]) => one),
      ),
    ).toBe(bleu(predicted, expected));
  });

  test('is of the whole corpus, not a mean of its sentences', () => {
    const { predicted, expected } = goldens[1];
    const single = predicted.map((text, at) => bleu([text], [expected[at]]));
    const mean = single.reduce((sum, each) => sum + each, 0) / single.length;
    expect(Math.abs(bleu(predicted, expected) - mean)).toBeGreaterThan(0.1);
  });
});

test('F1 by class is the harmonic mean of precision and recall, and NaN of a class that is nowhere', () => {
  // Class 0: 2 right, 1 wrongly answered, 1 missed. Class 1: 1 right, 1 missed, 1 wrongly answered.
  expect(f1Scores([0, 0, 0, 1, 1], [0, 0, 1, 1, 0], 3)).toEqual([4 / 6, 2 / 4, NaN]);
});
