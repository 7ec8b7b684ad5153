import { describe, expect, test } from 'vitest';
import { Random, seedKey } from '../../src/core/random.ts';
import { sizeOf, spec, type Numbers, type Shape } from '../../src/core/shape.ts';
import type { State, Value } from '../../src/graph/graph.ts';
import { constant } from '../../src/graph/leaf.ts';
import { BAD, ledgerState } from '../../src/ops/training/badStepLedger.ts';
import { record, type RecordOptions } from '../../src/ops/training/record.ts';
import type { Backend } from '../../src/scheduler/backend.ts';
import { CpuBackend } from '../../src/scheduler/cpuBackend.ts';
import { expectFaithful } from '../support/checkOp.ts';
import { sharedBackend } from '../support/device.ts';

const backends: readonly (readonly [string, () => Promise<Backend>])[] = [
  ['CPU', async () => new CpuBackend()],
  ['GPU', sharedBackend],
];

const ROWS = 8;
const COLUMNS = 20;
const LAST = 2 ** 32 - 1;

interface Words {
  readonly step?: number;
  readonly part?: number;
  readonly epoch?: number;
  readonly position?: number;
}

const words = ({ step = 0, part = 0, epoch = 0, position = 0 }: Words): number[] => [
  step,
  part,
  ...seedKey(2 ** 40 + 5),
  epoch,
  position,
];

/** What is in the ring before: at each place a number of its own, which no metric has. */
const leftOver = Float32Array.from({ length: ROWS * COLUMNS }, (_, at) => 1000 + at);

interface Metric {
  readonly value: Value;
  readonly numbers: Numbers;
}

const random = new Random(3, 'metrics');

function metricOf(shape: Shape): Metric {
  const numbers = Float32Array.from({ length: sizeOf(shape) }, () => random.normal());
  return { value: constant(numbers, spec(shape)), numbers };
}

/** A schedule whose rows have one number. */
const repeated = (number: number): Value => constant(new Float32Array(8).fill(number), spec([2, 4]));

const total = ({ numbers }: Metric): number => Array.from(numbers).reduce((sum, each) => sum + each, 0);
const sizes = ({ numbers }: Metric): number => Array.from(numbers).reduce((sum, each) => sum + Math.abs(each), 0);

interface Recording extends Partial<RecordOptions> {
  readonly metrics: readonly Metric[];
}

interface Left {
  readonly control: readonly number[];
  readonly ring: Float32Array;
  readonly launches: number;
  /** Bad numbers that the ledger counts. */
  readonly bad: number;
}

/** What some recordings, one after the other, leave behind; each launch as its reference has it. */
async function recorded(
  backend: Backend,
  at: Words,
  recordings: readonly Recording[],
  before = leftOver,
): Promise<Left> {
  const control: State = { name: 'control', spec: spec([6], 'u32'), initial: () => Uint32Array.from(words(at)) };
  const ring: State = { name: 'ring', spec: spec([ROWS, COLUMNS]), initial: () => before };
  const ledger = ledgerState('ledger');
  let launches = 0;
  try {
    for (const { metrics, column = 0, counts = 'nothing', ...options } of recordings) {
      const values = metrics.map(({ value }) => value);
      const { writes } = record(control, ring, values, { column, counts, ledger, ...options });
      const program = await backend.compile({ outputs: {}, writes });
      expectFaithful(program.order, await backend.observe(program, {}));
      launches += program.launches.length;
      program.destroy();
    }
    return {
      control: [...(await backend.readState(control))],
      ring: (await backend.readState(ring)) as Float32Array,
      launches,
      bad: (await backend.readState(ledger))[BAD],
    };
  } finally {
    backend.destroy();
  }
}

/** f32 adds up one number after the other: each is rounded as often as numbers follow, and three times more. */
const boundOf = (metric: Metric, factor: number): number =>
  2 ** -24 * (metric.numbers.length + 3) * sizes(metric) * factor;

describe.each(backends)('on the %s', (_, make) => {
  const shapes: Shape[] = [[], [1], [7], [3, 5], [0x401], [2, 3, 4]];

  test('a metric’s mean stands in the row of its step, from the column on', async () => {
    const metrics = shapes.map(metricOf);
    const { ring } = await recorded(await make(), { step: 3 }, [{ metrics, column: 5 }]);
    metrics.forEach((metric, j) => {
      const { length } = metric.numbers;
      const error = Math.abs(ring[3 * COLUMNS + 5 + j] - total(metric) / length);
      expect(error).toBeLessThanOrEqual(boundOf(metric, 1 / length));
    });
  });

  test('in place of means, totals are not divided', async () => {
    const metrics = shapes.map(metricOf);
    const { ring } = await recorded(await make(), { step: 3 }, [{ metrics, totals: true }]);
    metrics.forEach((metric, j) =>
      expect(Math.abs(ring[3 * COLUMNS + j] - total(metric))).toBeLessThanOrEqual(boundOf(metric, 1)),
    );
  });

  test.each([0, 3, ROWS - 1, ROWS, 1024 * ROWS + 5, LAST])(
    'at step %i nothing changes but the metrics’ places in its row',
    async (step) => {
      const metrics = Array.from({ length: 8 }, () => metricOf([]));
      const { ring } = await recorded(await make(), { step }, [{ metrics, column: 4 }]);
      const expected = leftOver.slice();
      metrics.forEach(({ numbers }, j) => (expected[(step % ROWS) * COLUMNS + 4 + j] = numbers[0]));
      expect(ring).toEqual(expected);
    },
  );

  describe.each([1, 2, 5, 6, 7, 12, 13, 14])('%i metrics', (count) => {
    const metrics = Array.from({ length: count }, () => metricOf([]));
    const schedule = metricOf([5, 4]);
    const own = metrics.map(({ numbers }) => numbers[0]);

    test('stand side by side', async () => {
      const { ring } = await recorded(await make(), {}, [{ metrics, column: 2 }]);
      expect([...ring.subarray(2, 2 + count)]).toEqual(own);
    });

    test('are followed by the last number of the schedule’s row', async () => {
      const { ring } = await recorded(await make(), { step: 13 }, [{ metrics, column: 2, schedule: schedule.value }]);
      const row = 5 * COLUMNS;
      expect([...ring.subarray(row + 2, row + 3 + count)]).toEqual([...own, schedule.numbers[4 * 3 + 3]]);
    });

    test('let the control count one step, however many launches they take', async () => {
      const recording = { metrics, schedule: schedule.value, counts: 'step', taken: 3, length: 10 } as const;
      const { control } = await recorded(await make(), { step: 13, position: 1 }, [recording]);
      expect(control).toEqual(words({ step: 14, position: 4 }));
    });

    test('let the control count one part, however many launches they take', async () => {
      const { control } = await recorded(await make(), { step: 13 }, [{ metrics, counts: 'part' }]);
      expect(control).toEqual(words({ step: 13, part: 1 }));
    });
  });

  test('the schedule alone can be recorded', async () => {
    const schedule = metricOf([5, 4]);
    const { ring } = await recorded(await make(), { step: 4 }, [{ metrics: [], schedule: schedule.value }]);
    expect(ring[4 * COLUMNS]).toBe(schedule.numbers[19]);
  });

  test('a schedule’s number is not divided by a share’s parts', async () => {
    const schedule = metricOf([5, 4]);
    const { ring } = await recorded(await make(), { step: 1 }, [
      { metrics: [metricOf([9])], schedule: schedule.value },
    ]);
    expect(ring[COLUMNS + 1]).toBe(schedule.numbers[7]);
  });

  const loss = { column: 1, width: 1, stride: 0, parts: 1 };
  const infinite: Metric = {
    value: constant(Float32Array.of(Infinity), spec([1])),
    numbers: Float32Array.of(Infinity),
  };
  const [one, another] = [metricOf([4]), metricOf([])];

  test.each<readonly [string, number, readonly Recording[]]>([
    ['a loss is counted', 1, [{ metrics: [one, infinite], loss }]],
    ['a loss of an earlier launch is counted', 1, [{ metrics: [one, infinite] }, { metrics: [], column: 2, loss }]],
    ['a learning rate is counted', 1, [{ metrics: [one, another], loss, schedule: repeated(Infinity) }]],
    ['any other metric is not', 0, [{ metrics: [infinite, another, infinite], loss, schedule: repeated(1) }]],
  ])('of what is no number, %s', async (__, counted, recordings) => {
    const { bad } = await recorded(await make(), { step: 2 }, recordings);
    expect(bad).toBe(counted);
  });

  const shares = [3, 3, 3, 1].map((rows) => ({ rows, share: rows / 10 }));

  test.each([NaN, 12])('parts’ shares add up to the mean of all, whatever was there: %s', async (left) => {
    const parts = shares.map(({ rows, share }) => ({
      metrics: Array.from({ length: 8 }, (__, j) => metricOf(j % 2 ? [rows, 2] : [])),
      counts: 'part' as const,
      share,
    }));
    const before = new Float32Array(ROWS * COLUMNS).fill(left);
    const { ring } = await recorded(await make(), { step: 9 }, parts, before);
    for (let j = 0; j < 8; j++) {
      const own = parts.map(({ metrics, share }) => ({
        metric: metrics[j],
        factor: share / metrics[j].numbers.length,
      }));
      const expected = own.reduce((sum, { metric, factor }) => sum + factor * total(metric), 0);
      // Each sum of the four is rounded once more.
      const bound = own.reduce((sum, { metric, factor }) => sum + 2 * boundOf(metric, factor), 0);
      expect(Math.abs(ring[COLUMNS + j] - expected)).toBeLessThanOrEqual(bound);
    }
  });

  test('a share of 1 adds nothing up, in whatever part', async () => {
    const metric = metricOf([]);
    const { ring } = await recorded(await make(), { part: 2 }, [{ metrics: [metric], counts: 'part', share: 1 }]);
    expect(ring[0]).toBe(metric.numbers[0]);
  });

  test('no earlier part’s numbers are taken for those of another column', async () => {
    const [first, second] = [metricOf([]), metricOf([])];
    const { ring } = await recorded(await make(), {}, [
      { metrics: [first], column: 0, counts: 'restart' },
      { metrics: [second], column: 1, counts: 'part', share: 0.5 },
    ]);
    expect([...ring.subarray(0, 3)]).toEqual([first.numbers[0], second.numbers[0] / 2, leftOver[2]]);
  });

  test.each<readonly [string, Words, Partial<RecordOptions>, Words]>([
    ['nothing', { step: 4, part: 2 }, { counts: 'nothing' }, { step: 4, part: 2 }],
    ['a part', { step: 4, part: 2 }, { counts: 'part' }, { step: 4, part: 3 }],
    ['back to the first part', { step: 4, part: 2 }, { counts: 'restart' }, { step: 4, part: 0 }],
    ['a step', { step: 4, part: 2 }, { counts: 'step', taken: 7, length: 50 }, { step: 5, position: 7 }],
    [
      'a step up to the last sample but one',
      { epoch: 2, position: 42 },
      { counts: 'step', taken: 7, length: 50 },
      { step: 1, epoch: 2, position: 49 },
    ],
    [
      'a step up to the last sample',
      { epoch: 2, position: 43 },
      { counts: 'step', taken: 7, length: 50 },
      { step: 1, epoch: 3 },
    ],
    [
      'a step across an epoch’s end',
      { epoch: 2, position: 48 },
      { counts: 'step', taken: 7, length: 50 },
      { step: 1, epoch: 3, position: 5 },
    ],
    [
      'a step of more than three epochs',
      { epoch: 2, position: 2 },
      { counts: 'step', taken: 10, length: 3 },
      { step: 1, epoch: 6, position: 0 },
    ],
    [
      'a step out of the last epoch that 32 bits count',
      { epoch: LAST, position: 2 },
      { counts: 'step', taken: 7, length: 5 },
      { step: 1, epoch: 0, position: 4 },
    ],
    [
      'a step out of the last step that 32 bits count',
      { step: LAST },
      { counts: 'step', taken: 1, length: 5 },
      { position: 1 },
    ],
    [
      'a step in an epoch of 2³¹ samples',
      { position: 2 ** 31 - 3 },
      { counts: 'step', taken: 2 ** 30, length: 2 ** 31 },
      { step: 1, epoch: 1, position: 2 ** 30 - 3 },
    ],
  ])('the control counts %s', async (__, before, options, after) => {
    const { control } = await recorded(await make(), before, [{ metrics: [metricOf([3])], ...options }]);
    expect(control).toEqual(words(after));
  });

  test('a ring that ten steps go round holds the last eight', async () => {
    const steps = Array.from({ length: 10 }, () => metricOf([]));
    const recordings = steps.map((metric) => ({ metrics: [metric], counts: 'step' as const, taken: 1, length: 4 }));
    const { ring, control } = await recorded(await make(), { step: LAST - 7 }, recordings);
    expect(control).toEqual(words({ step: 2, epoch: 2, position: 2 }));
    const expected = [8, 9, 2, 3, 4, 5, 6, 7].map((at) => steps[at].numbers[0]);
    expect(Array.from({ length: ROWS }, (__, row) => ring[row * COLUMNS])).toEqual(expected);
  });
});

test('14 metrics and a schedule take three launches', async () => {
  const metrics = Array.from({ length: 14 }, () => metricOf([]));
  const schedule = metricOf([5, 4]).value;
  expect((await recorded(await sharedBackend(), {}, [{ metrics, schedule }])).launches).toBe(3);
});
