import { describe, expect, test } from 'vitest';
import { forecastsOf, lastWindow, prepareSeries, readSeriesForm, readTable, windows } from '../../src/data/index.ts';
import { adamw, createTrainer, forecaster, linear, flatten, meanSquaredError, sequential } from '../../src/index.ts';

const numbersOf = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, at) => from + at);

describe('windows', () => {
  // Two columns: t and 100 + t.
  const series = { columns: ['a', 'b'], data: Float32Array.from(numbersOf(0, 20), (at) => (at % 2) * 100 + (at >> 1)) };

  test('see so many steps, and tell the target columns of those behind them', () => {
    const { length, fields } = windows(series, { length: 3, horizon: 2, targets: ['b'] });
    expect(length).toBe(6);
    expect([fields.x.shape, fields.target.shape]).toEqual([
      [3, 2],
      [2, 1],
    ]);
    expect([...fields.x.data.subarray(6, 12)]).toEqual([1, 101, 2, 102, 3, 103]);
    expect([...fields.target.data.subarray(2, 4)]).toEqual([104, 105]);
  });

  test('begin a stride apart, and end with the series', () => {
    const { length, fields } = windows(series, { length: 2, horizon: 2, stride: 3 });
    expect(length).toBe(3);
    expect([...fields.target.data.subarray(-4)]).toEqual([8, 108, 9, 109]);
  });

  test.each([{ length: 0 }, { horizon: 0 }, { stride: 1.5 }, { targets: ['c'] }, { targets: [] }])(
    'are refused where %j is asked for',
    (wrong) => {
      expect(() => windows(series, { length: 3, horizon: 2, ...wrong })).toThrow(/^\[windows\] .* but must be/);
    },
  );
});

describe('a series of a table', () => {
  const cells = numbersOf(0, 60).map((t) => `2020-${t},${t % 4},${10 * (t % 4) + t}`);
  const table = (rows = cells) => readTable('s.csv', `month,quarter,sales\n${rows.join('\n')}\n`);
  const options = { length: 8, horizon: 4 };

  test('is parted in time: what is held out is told once, of what goes before, and changes no mean', async () => {
    const own = prepareSeries(await table(), options);
    expect(own.test.length).toBe(3);
    const other = prepareSeries(await table(cells.map((row, t) => (t < 48 ? row : `2020-${t},1,1e6`))), options);
    expect(other.form).toEqual(own.form);
    expect(other.train).toEqual(own.train);
    const { mean } = own.form.columns[1];
    expect(mean).toBeCloseTo(numbersOf(0, 48).reduce((sum, t) => sum + 10 * (t % 4) + t, 0) / 48, 6);
    const told = forecastsOf(own.form, own.test.fields.target.data);
    expect(told.map(Math.round)).toEqual(numbersOf(48, 60).map((t) => 10 * (t % 4) + t));
    expect(own.train.length).toBe(48 - 12 + 1);
  });

  test('repeats itself after its season', async () => {
    expect(prepareSeries(await table(), options).season).toBe(4);
  });

  test('leaves times out, and says so', async () => {
    const { form, notes } = prepareSeries(await table(), options);
    expect(form.columns.map(({ name }) => name)).toEqual(['quarter', 'sales']);
    expect(notes.join()).toContain('Dropped "month"');
  });

  test('ends in the window that is forecast from, in the form that was read back', async () => {
    const { form, test: held } = prepareSeries(await table(), options);
    const again = readSeriesForm(JSON.parse(JSON.stringify(form)));
    const before = lastWindow(again, await table(cells.slice(0, 56)));
    expect([...before.fields.x.data]).toEqual([...held.fields.x.data.subarray(-16)]);
  });
});

test('forecasts rise beyond what was learned from, since each window has its own level', async () => {
  // A line: its training part ends at 1.7 deviations above its mean.
  const table = await readTable(
    'line.csv',
    `y\n${numbersOf(0, 100)
      .map((t) => 3 * t + (t % 2))
      .join('\n')}\n`,
  );
  const { train, test: held, form } = prepareSeries(table, { length: 8, horizon: 4, heldOut: 0.4 });
  const trainer = await createTrainer({
    model: forecaster(sequential(flatten, linear(8, 4))),
    loss: meanSquaredError,
    optimizer: adamw({ learningRate: 0.01 }),
    batchSize: 16,
    backend: 'cpu',
  });
  await trainer.fit(train, { steps: 400 });
  const told = forecastsOf(form, (await trainer.predict(held)).data);
  const right = forecastsOf(form, held.fields.target.data);
  expect(Math.max(...told.map((y, at) => Math.abs(y - right[at])))).toBeLessThan(3);
  trainer.destroy();
});
