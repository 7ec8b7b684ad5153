import { describe, expect, test } from 'vitest';
import { schedules } from '../../src/index.ts';

const RATE = 0.3;
const STEPS = 60;

/** Rounding of f64 in recursions of sixty steps. */
const TOLERANCE = 1e-12;

function expectRates(schedule: (step: number) => number, expected: (step: number) => number, count = STEPS): void {
  for (let step = 0; step < count; step++) {
    const right = expected(step);
    expect(Math.abs(schedule(step) - right), `step ${step}`).toBeLessThanOrEqual(TOLERANCE * Math.abs(right) + 1e-17);
  }
}

/** The rates of a rule that makes each from the one before it, as PyTorch's chainable forms do. */
const recursion =
  (first: number, next: (rate: number, step: number) => number) =>
  (step: number): number => {
    let rate = first;
    for (let at = 1; at <= step; at++) rate = next(rate, at);
    return rate;
  };

test('constant is one rate', () => expectRates(schedules.constant(RATE), () => 0.3));

test('step multiplies by a tenth after each so many steps', () =>
  expectRates(
    schedules.step(RATE, { every: 7 }),
    recursion(RATE, (rate, at) => (at % 7 === 0 ? rate * 0.1 : rate)),
  ));

test('multiStep multiplies at its steps, twice at one that is named twice', () => {
  const at = [3, 10, 10, 31];
  expectRates(
    schedules.multiStep(RATE, { at, factor: 0.5 }),
    recursion(RATE, (rate, step) => rate * 0.5 ** at.filter((named) => named === step).length),
  );
  expect(schedules.multiStep(1, { at: [2] })(2)).toBe(0.1);
});

test('exponential multiplies after each step', () =>
  expectRates(
    schedules.exponential(RATE, { factor: 0.93 }),
    recursion(RATE, (rate) => rate * 0.93),
  ));

test.each([1, 2, 0.5])('polynomial of power %s falls to 0 and stays there', (power) => {
  const schedule = schedules.polynomial(RATE, { steps: 40, power });
  expectRates(
    schedule,
    recursion(RATE, (rate, at) => (at > 40 ? 0 : rate * ((40 - at) / (41 - at)) ** power)),
  );
  expect(schedule(40)).toBe(0);
});

describe('warmUp', () => {
  test('rises evenly from a third, and then begins the schedule', () => {
    const then = schedules.exponential(RATE, { factor: 0.9 });
    const schedule = schedules.warmUp(then, { steps: 10 });
    expect(schedule(0)).toBeCloseTo(0.1, 15);
    expect(schedule(5)).toBeCloseTo(0.2, 15);
    expectRates(schedule, (step) => (step < 10 ? 0.1 + 0.02 * step : 0.3 * 0.9 ** (step - 10)));
  });
  test('takes a number for a constant, and may begin at 0', () =>
    expectRates(schedules.warmUp(RATE, { steps: 4, from: 0 }), (step) => Math.min(step, 4) * 0.075));
  test('of no steps is the schedule', () => expectRates(schedules.warmUp(RATE, { steps: 0 }), () => RATE));
});

describe('cosine', () => {
  test('is the recursion by which PyTorch computes it', () => {
    const [steps, minimum] = [40, 0.01];
    const wave = (at: number): number => 1 + Math.cos((Math.PI * at) / steps);
    expectRates(
      schedules.cosine(RATE, { steps, minimum }),
      recursion(RATE, (rate, at) => (wave(at) / wave(at - 1)) * (rate - minimum) + minimum),
      steps,
    );
  });
  test('begins at the rate, is in the middle halfway, ends at the minimum, and rises again', () => {
    const schedule = schedules.cosine(1, { steps: 20, minimum: 0.2 });
    expect([0, 10, 20, 30, 40].map((step) => +schedule(step).toFixed(12))).toEqual([1, 0.6, 0.2, 0.6, 1]);
  });
  test('has 0 for a minimum', () => expect(schedules.cosine(1, { steps: 9 })(9)).toBe(0));
});

describe('cosineRestarts', () => {
  /** PyTorch's counters: how far the period is, and how long it lasts. */
  function counted(steps: number, growth: number, minimum: number): (step: number) => number {
    return (step) => {
      let [current, length] = [0, steps];
      for (let at = 0; at < step; at++) {
        current++;
        if (current >= length) [current, length] = [current - length, length * growth];
      }
      return minimum + (RATE - minimum) * Math.cos((Math.PI * current) / length / 2) ** 2;
    };
  }
  test.each([
    [7, 1, 0],
    [5, 2, 0.01],
    [3, 3, 0],
  ])('of %s steps, growing by %s, with the minimum %s', (steps, growth, minimum) =>
    expectRates(schedules.cosineRestarts(RATE, { steps, growth, minimum }), counted(steps, growth, minimum)),
  );
  test('is at the rate wherever a period begins', () => {
    const schedule = schedules.cosineRestarts(RATE, { steps: 5, growth: 2 });
    expect([0, 5, 15, 35].map(schedule)).toEqual([RATE, RATE, RATE, RATE]);
  });
});

describe('oneCycle', () => {
  test('with its defaults passes through the corners that PyTorch gives them', () => {
    const schedule = schedules.oneCycle(1, { steps: 100 });
    expect(schedule(0)).toBeCloseTo(0.04, 15);
    expect(schedule(29)).toBeCloseTo(1, 15);
    expect(schedule(64)).toBeCloseTo((1 + 4e-6) / 2, 15);
    expect(schedule(99)).toBeCloseTo(4e-6, 15);
    expect(schedule(500)).toBe(4e-6);
  });
  test('rises and falls along half a cosine', () =>
    expectRates(schedules.oneCycle(RATE, { steps: 50, rise: 0.2, divisor: 10, finalDivisor: 100 }), (step) => {
      const between = (low: number, part: number): number => low + (RATE - low) * Math.sin((Math.PI * part) / 2) ** 2;
      if (step <= 9) return between(0.03, step / 9);
      return between(0.0003, (49 - Math.min(step, 49)) / 40);
    }));
  test('in three parts falls back along lines', () =>
    expectRates(
      schedules.oneCycle(RATE, {
        steps: 50,
        rise: 0.4,
        divisor: 10,
        finalDivisor: 100,
        shape: 'line',
        symmetric: true,
      }),
      (step) => {
        if (step <= 19) return 0.03 + (0.27 * step) / 19;
        if (step <= 38) return 0.3 - (0.27 * (step - 19)) / 19;
        return 0.03 - (0.0297 * Math.min(step - 38, 11)) / 11;
      },
    ));
});

describe('at its edges', () => {
  test('a rise of one step is at the peak with it, whatever the number of steps', () => {
    for (const steps of [1, 2, 4, 5, 10, 20, 25, 50, 100, 1000]) {
      expect(schedules.oneCycle(RATE, { steps, rise: 1 / steps })(0), `${steps} steps`).toBe(RATE);
    }
    expect(schedules.oneCycle(RATE, { steps: 10, rise: 0.1, shape: 'line' })(0)).toBe(RATE);
    const symmetric = schedules.oneCycle(1, { steps: 10, rise: 0.1, symmetric: true });
    expect([0, 9, 10].map(symmetric)).toEqual([1, 4e-6, 4e-6]);
  });
  test('a rise of less than a step begins beyond the peak, as it does in PyTorch', () => {
    // The peak lies at −0.5, and the end at 9.
    const part = 0.5 / 9.5;
    const right = 4e-6 + ((1 - 4e-6) / 2) * (1 + Math.cos(Math.PI * part));
    expect(schedules.oneCycle(1, { steps: 10, rise: 0.05 })(0)).toBeCloseTo(right, 15);
  });
  test('a rise of all steps ends at the peak', () =>
    expect([0, 4, 9].map(schedules.oneCycle(1, { steps: 10, rise: 1, shape: 'line' }))).toEqual([
      0.04,
      0.04 + (0.96 * 4) / 9,
      1,
    ]));
  test('no steps are over from the start', () => {
    expect([0, 1, 7].map(schedules.cosine(RATE, { steps: 0, minimum: 0.1 }))).toEqual([0.1, 0.1, 0.1]);
    expect([0, 1, 7].map(schedules.polynomial(RATE, { steps: 0 }))).toEqual([0, 0, 0]);
    expect([0, 1, 7].map(schedules.polynomial(RATE, { steps: 0, power: 0 }))).toEqual([RATE, RATE, RATE]);
    expect([0, 1].map(schedules.oneCycle(0.5, { steps: 0, divisor: 1, finalDivisor: 4 }))).toEqual([0.125, 0.125]);
    expect([0, 1].map(schedules.warmUp(RATE, { steps: 0, from: 0 }))).toEqual([RATE, RATE]);
  });
  test('one step is its first, and the next one is behind it', () => {
    expect([0, 1].map(schedules.cosine(RATE, { steps: 1 }))).toEqual([RATE, 0]);
    expect([0, 1, 2].map(schedules.polynomial(RATE, { steps: 1 }))).toEqual([RATE, 0, 0]);
    expect([0, 1].map(schedules.warmUp(RATE, { steps: 1, from: 0 }))).toEqual([0, RATE]);
    expect([0, 1, 2].map(schedules.cosineRestarts(RATE, { steps: 1 }))).toEqual([RATE, RATE, RATE]);
    expect([0, 1, 2].map(schedules.step(1, { every: 1, factor: 0.5 }))).toEqual([1, 0.5, 0.25]);
    expect([0, 1].map(schedules.multiStep(1, { at: [0] }))).toEqual([0.1, 0.1]);
    expect([0, 1].map(schedules.exponential(RATE, { factor: 0 }))).toEqual([RATE, 0]);
  });
  test('periods that hardly grow are found without counting them', () => {
    const schedule = schedules.cosineRestarts(1, { steps: 10, growth: 1 + 1e-12 });
    expect(schedule(1e15 + 5)).toBeGreaterThanOrEqual(0);
    expect(schedules.cosineRestarts(1, { steps: 1, growth: 1.5 })(2 ** 40)).toBeLessThanOrEqual(1);
  });
  test('where a period begins, it is at the rate, however many were before', () => {
    for (const [steps, growth] of [
      [3, 2],
      [7, 3],
      [1, 5],
    ]) {
      let begin = 0;
      for (let period = 0; begin < 2 ** 45; period++) {
        expect(schedules.cosineRestarts(RATE, { steps, growth })(begin), `${begin}`).toBe(RATE);
        begin += steps * growth ** period;
      }
    }
  });
  test('a cycle stays at its end, however long its fall would take', () => {
    const cycle = schedules.oneCycle(1, { steps: 10, rise: 0.8, symmetric: true });
    for (const at of [10, 12, 1000]) expect(cycle(at)).toBe(1 / 25 / 1e4);
  });
  test('no rate is ever NaN or below 0, far beyond the end either', () => {
    for (const steps of [0, 1, 2, 3, 10, 2.5]) {
      const all = [
        schedules.cosine(RATE, { steps }),
        schedules.polynomial(RATE, { steps, power: 0.5 }),
        schedules.warmUp(schedules.cosine(RATE, { steps }), { steps }),
        ...[0, 0.1, 1 / 3, 0.5, 1].flatMap((rise) => [
          schedules.oneCycle(RATE, { steps, rise }),
          schedules.oneCycle(RATE, { steps, rise, symmetric: true }),
        ]),
        ...(steps > 0 ? [1, 1.5, 2].map((growth) => schedules.cosineRestarts(RATE, { steps, growth })) : []),
      ];
      for (const at of [0, 1, 2, 3, 9, 10, 11, 1e6, 2 ** 32, 2 ** 53]) {
        all.forEach((schedule, i) => {
          const rate = schedule(at);
          expect(rate >= 0 && rate <= RATE, `schedule ${i} of ${steps} steps is ${rate} at ${at}`).toBe(true);
        });
      }
    }
  });
});
