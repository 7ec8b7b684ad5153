import { describe, expect, test } from 'vitest';
import { Random } from '../../src/core/random.ts';
import {
  earlyStop,
  keepBest,
  reduceOnPlateau,
  type Decision,
  type EarlyStopOptions,
  type PlateauOptions,
  type Verdict,
} from '../../src/index.ts';

/** Fresh numbers at every run of the suite; the seed is printed with each failure, and can be pinned. */
const SEED = Number(process.env['MILLRACE_TEST_SEED'] ?? Date.now() % 1_000_000_007);
const RUNS = 300;

/** What a decision says to each of the numbers, the learning rate falling as it asks; a stop ends nothing here. */
function verdicts(decision: Decision, numbers: readonly number[], metric = 'loss', rate = 0.1): (Verdict | null)[] {
  const decide = decision.start();
  let learningRate = rate;
  return numbers.map((number, at) => {
    const verdict = decide({ [metric]: number, other: 0 }, { step: 10 * (at + 1), learningRate });
    learningRate *= verdict?.rateFactor ?? 1;
    return verdict;
  });
}

const stopsAt = (decision: Decision, numbers: readonly number[], metric?: string): number =>
  verdicts(decision, numbers, metric).findIndex((verdict) => verdict?.stop);
const keptAt = (decision: Decision, numbers: readonly number[], metric?: string): number[] =>
  verdicts(decision, numbers, metric).flatMap((verdict, at) => (verdict?.keep ? [at] : []));

/** Positive numbers that fall, with noise, to a plateau; some are NaN or infinite, and some equal the one before. */
function course(random: Random): number[] {
  const noise = random.uniform(0, 0.3);
  const numbers: number[] = [];
  for (let i = 0; i < 60; i++) {
    const kind = random.uniform();
    const next = Math.max(1e-3, Math.exp(-i / 8) + 0.2 + noise * random.normal());
    numbers.push(kind < 0.03 ? NaN : kind < 0.05 ? Infinity : kind < 0.15 && i > 0 ? numbers[i - 1] : next);
  }
  return numbers;
}

const choose = <T>(random: Random, ...choices: readonly T[]): T =>
  choices[Math.floor(random.uniform(0, choices.length))];

/** Keras's EarlyStopping, rule by rule: where it stops, and where it takes the weights as the best. */
function keras(numbers: readonly number[], { mode = 'min', patience = 0, minDelta = 0 }: EarlyStopOptions) {
  const delta = mode === 'min' ? -minDelta : minDelta;
  const better = (a: number, b: number): boolean => (mode === 'min' ? a - delta < b : a - delta > b);
  let best = mode === 'min' ? Infinity : -Infinity;
  let wait = 0;
  const kept: number[] = [];
  const stops: number[] = [];
  numbers.forEach((current, epoch) => {
    wait += 1;
    if (better(current, best)) {
      best = current;
      kept.push(epoch);
      wait = 0;
      return;
    }
    if (wait >= patience && epoch > 0) stops.push(epoch);
  });
  return { kept, stops };
}

/** PyTorch's ReduceLROnPlateau, rule by rule: the learning rate after each epoch. */
function torch(numbers: readonly number[], options: PlateauOptions, rate: number): number[] {
  const { mode = 'min', factor = 0.1, patience = 10, threshold = 1e-4, cooldown = 0, minRate = 0 } = options;
  let best = mode === 'min' ? Infinity : -Infinity;
  let badEpochs = 0;
  let cooldownCounter = 0;
  let lr = rate;
  return numbers.map((current) => {
    const better = mode === 'min' ? current < best * (1 - threshold) : current > best * (threshold + 1);
    if (better) {
      best = current;
      badEpochs = 0;
    } else badEpochs += 1;
    if (cooldownCounter > 0) {
      cooldownCounter -= 1;
      badEpochs = 0;
    }
    if (badEpochs > patience) {
      const next = Math.max(lr * factor, minRate);
      if (lr - next > 1e-8) lr = next;
      cooldownCounter = cooldown;
      badEpochs = 0;
    }
    return lr;
  });
}

describe('on random courses', () => {
  test('earlyStop stops and keeps where Keras does', () => {
    let stops = 0;
    for (let run = 0; run < RUNS; run++) {
      const random = new Random(SEED, `stop ${run}`);
      const options = {
        mode: choose(random, 'min', 'max'),
        patience: choose(random, 0, 1, 2, 3, 7),
        minDelta: choose(random, 0, 0.01, 0.1),
      } as const;
      const numbers = course(random).map((x) => (options.mode === 'max' ? 1 - x : x));
      const given = verdicts(earlyStop({ ...options, restoreBest: true }), numbers);
      const found = {
        kept: given.flatMap((verdict, at) => (verdict?.keep ? [at] : [])),
        stops: given.flatMap((verdict, at) => (verdict?.stop ? [at] : [])),
      };
      stops += found.stops.length;
      expect(found, `seed ${SEED}, run ${run}, ${JSON.stringify(options)}`).toEqual(keras(numbers, options));
    }
    expect(stops).toBeGreaterThan(RUNS);
  });

  test('reduceOnPlateau gives the learning rates of PyTorch', () => {
    let falls = 0;
    for (let run = 0; run < RUNS; run++) {
      const random = new Random(SEED, `plateau ${run}`);
      const options = {
        mode: choose(random, 'min', 'max'),
        factor: choose(random, 0, 0.1, 0.5, 0.9),
        patience: choose(random, 0, 1, 3, 10),
        threshold: choose(random, 0, 1e-4, 0.05),
        cooldown: choose(random, 0, 1, 4),
        minRate: choose(random, 0, 1e-3, 0.05, 0.2),
      } as const;
      const numbers = course(random).map((x) => (options.mode === 'max' ? 1 / x : x));
      let rate = 0.1;
      const rates = verdicts(reduceOnPlateau(options), numbers, 'loss', rate).map((verdict) => {
        if (verdict?.rateFactor !== undefined) falls++;
        return (rate *= verdict?.rateFactor ?? 1);
      });
      const expected = torch(numbers, options, 0.1);
      rates.forEach((found, at) =>
        expect(found, `seed ${SEED}, run ${run}, ${at}, ${JSON.stringify(options)}`).toBeCloseTo(expected[at], 12),
      );
    }
    expect(falls).toBeGreaterThan(RUNS);
  });
});

describe('earlyStop', () => {
  test('waits ten decisions if it is told nothing, and says why it stops', () => {
    const numbers = [0.5, ...Array.from({ length: 12 }, () => 0.6)];
    expect(stopsAt(earlyStop(), numbers)).toBe(10);
    expect(verdicts(earlyStop(), numbers)[10]).toEqual({
      stop: true,
      message: '"loss" was not better than 0.5 in the last 10 decisions',
    });
  });
  test('never stops at the first decision, though its number is NaN', () =>
    expect(stopsAt(earlyStop({ patience: 0 }), [NaN, NaN])).toBe(1));
  test('stops a run of NaN alone', () => expect(stopsAt(earlyStop({ patience: 3 }), [NaN, NaN, NaN, NaN])).toBe(2));
  test('does not count an equal number as better', () =>
    expect(stopsAt(earlyStop({ patience: 2 }), [1, 1, 1])).toBe(2));
  test('keeps nothing unless it is to restore the best', () => {
    expect(earlyStop().keeps).toBe(false);
    expect(keptAt(earlyStop(), [3, 2, 1])).toEqual([]);
    expect(earlyStop({ restoreBest: true }).keeps).toBe(true);
  });
  test('decides alike when it is started again', () => {
    const decision = earlyStop({ patience: 2 });
    const numbers = [1, 2, 3, 0.5, 0.6, 0.7];
    expect(verdicts(decision, numbers)).toEqual(verdicts(decision, numbers));
  });
});

describe('reduceOnPlateau', () => {
  test('says from what to what the learning rate falls, and why', () => {
    expect(verdicts(reduceOnPlateau({ patience: 1 }), [1, 1, 1])).toEqual([
      null,
      null,
      {
        rateFactor: 0.1,
        message: '"loss" was not better than 1 in the last 2 decisions: the learning rate falls from 0.1 to 0.01',
      },
    ]);
  });
  test('falls no lower than the least rate', () => {
    const given = verdicts(reduceOnPlateau({ patience: 0, minRate: 0.025 }), [1, 1, 1, 1]);
    expect(given.map((verdict) => verdict?.rateFactor)).toEqual([undefined, 0.25, undefined, undefined]);
  });
  test('leaves a learning rate of 0 as it is', () =>
    expect(verdicts(reduceOnPlateau({ patience: 0 }), [1, 1, 1], 'loss', 0)).toEqual([null, null, null]));
  test('does not call a negative loss better that is worse by less than the threshold', () => {
    const given = verdicts(reduceOnPlateau({ patience: 1 }), [-10, -9.9995, -9.999]);
    expect(given[2]?.rateFactor).toBe(0.1);
  });
  test('calls a negative loss better only beyond the threshold', () => {
    const falls = (next: number) => verdicts(reduceOnPlateau({ patience: 0 }), [-10, next])[1] !== null;
    expect([falls(-10.0005), falls(-10.002)]).toEqual([true, false]);
  });
});

describe('keepBest', () => {
  test('keeps at every number that is better than all before, never at NaN', () =>
    expect(keptAt(keepBest(), [NaN, 3, 3, NaN, 2, 4, 1.999])).toEqual([1, 4, 6]));
  test('never stops, and restores', () => {
    expect(stopsAt(keepBest(), [1, 2, 3, NaN])).toBe(-1);
    expect(keepBest().keeps).toBe(true);
  });
});

describe('more is better', () => {
  test.each(['accuracy', 'topFiveAccuracy', 'judge.accuracy', 'r2', 'price.r2', 'trainR2', 'val_r2'])(
    'of a metric "%s"',
    (metric) => expect(keptAt(keepBest({ metric }), [1, 2, 3], metric)).toEqual([0, 1, 2]),
  );
  test('of a metric of which that is said', () =>
    expect(keptAt(keepBest({ metric: 'gain', mode: 'max' }), [1, 2, 3], 'gain')).toEqual([0, 1, 2]));
  test.each(['loss', 'error2', 'accuracyLoss', 'judge.loss'])('not of a metric "%s"', (metric) =>
    expect(keptAt(keepBest({ metric }), [1, 2, 3], metric)).toEqual([0]),
  );
  test('not of an accuracy of which the contrary is said', () =>
    expect(keptAt(keepBest({ metric: 'accuracy', mode: 'min' }), [1, 2], 'accuracy')).toEqual([0]));
});

describe('a decision is refused', () => {
  const at = { step: 1, learningRate: 0.1 };
  test.each(['f1', 'toString'])('a metric "%s" that is not there, and told those that are', (metric) => {
    const decide = earlyStop({ metric }).start();
    expect(() => decide({ loss: 1, accuracy: 0.5 }, at)).toThrow(
      `[earlyStop] there is no metric "${metric}": name one of "loss", "accuracy"`,
    );
  });
  test.each([
    [() => earlyStop({ patience: -1 }), '[earlyStop] patience is -1 but must be a whole number, 0 or more'],
    [() => earlyStop({ patience: 1.5 }), '[earlyStop] patience is 1.5 but must be a whole number, 0 or more'],
    [() => earlyStop({ minDelta: -1 }), '[earlyStop] minDelta is -1 but must be at least 0 and below Infinity'],
    [() => reduceOnPlateau({ factor: 1 }), '[reduceOnPlateau] factor is 1 but must be at least 0 and below 1'],
    [() => reduceOnPlateau({ factor: -0.1 }), '[reduceOnPlateau] factor is -0.1 but must be at least 0 and below 1'],
    [() => reduceOnPlateau({ patience: NaN }), '[reduceOnPlateau] patience is NaN but must be a whole number'],
    [() => reduceOnPlateau({ threshold: 1 }), '[reduceOnPlateau] threshold is 1 but must be at least 0 and below 1'],
    [() => reduceOnPlateau({ cooldown: -2 }), '[reduceOnPlateau] cooldown is -2 but must be a whole number, 0 or more'],
    [() => reduceOnPlateau({ minRate: NaN }), '[reduceOnPlateau] minRate is NaN but must be at least 0'],
  ])('%s', (make, message) => expect(make).toThrow(message));
});
