import {
  lastWindow,
  prepareSeries,
  readSeriesForm,
  readTable,
  windows,
  type PrepareSeriesOptions,
} from '../../src/data/index.ts';
import { forecaster, input } from '../../src/index.ts';
import { Registry } from '../../src/nn/registry.ts';
import { Tracer } from '../../src/nn/tracer.ts';
import type { Case } from '../support/provoke.ts';

/** A table of so many steps. */
const table = (cells: (at: number) => string, steps = 60) =>
  readTable('s.csv', `month,kind,y\n${Array.from({ length: steps }, (_, at) => cells(at)).join('\n')}\n`);

const prepare =
  (cells: (at: number) => string, options: PrepareSeriesOptions = {}) =>
  async () =>
    prepareSeries(await table(cells), { length: 6, horizon: 3, ...options });

const fine = (at: number): string => `m${at},${at % 5},${(at * at) % 7}`;
const number = { kind: 'number', name: 'y', mean: 0, deviation: 1 };
const form = { length: 6, horizon: 3, columns: [number], target: 'y' };

const described = [
  null,
  { ...form, length: 0 },
  { ...form, horizon: '3' },
  { ...form, columns: [] },
  { ...form, target: 'z' },
].map((given): Case => ['[series] the description', () => readSeriesForm(given)]);

export const series: readonly Case[] = [
  ['[windows] there are', () => windows({ columns: ['y'], data: new Float32Array(8) }, { length: 6, horizon: 3 })],
  ['[series] <file> has <n steps>, but', prepare(fine, { length: 60 })],
  ['[series] <file>: column', prepare((at) => `m${at},${at % 2 ? 'odd' : 'even'},${at}`)],
  ['[series] <file> has no column', prepare((at) => `m${at},3,4`)],
  ['[series] <file>: line', prepare((at) => `m${at},${at % 5},${at === 40 ? '' : at % 7}`)],
  ['[series] <file>: "<name>" is to be told', prepare(fine, { target: 'month' })],
  ['[series] <file>: "<name>" is to be told', prepare(fine, { drop: ['y'] })],
  ['[series] <file> has <n> steps', async () => lastWindow(readSeriesForm(form), await table(fine, 5))],
  ...described,
  [
    '[forecaster] x is',
    () =>
      new Tracer(new Registry(1), 'train', null).apply(
        forecaster((x) => x),
        input('x', { shape: [2, 6], dtype: 'f32' }),
      ),
  ],
];
