import { basename } from 'node:path';
import { thousands } from '../../core/textFormat.ts';
import { forecaster, FormatError, meanSquaredError, type Evaluation } from '../../index.ts';
import { forecastsOf, lastWindow, prepareSeries, readSeriesForm, type SeriesForm } from '../../data/index.ts';
import { isRecurrent, recurrentNames, type SequenceWishes, type TrainCommand } from '../command/commands.ts';
import { judgeNumbers, repeatedOf } from '../evaluationReport.ts';
import { percent, short } from '../terminal.ts';
import { numberLines } from './csvLines.ts';
import { perceptron, perceptronLayers, perceptronSize } from './perceptron.ts';
import { stepReader } from './stepReader.ts';
import { openTable } from './tables.ts';
import type { Defaults, Judged, Judgement, LearningTask, ModelForm, Task } from './task.ts';

/** Windows of a series. */
export interface SeriesInput {
  readonly kind: 'series';
  readonly series: SeriesForm;
  /** After so many steps the series repeats itself best. */
  readonly season: number;
}

export async function loadSeries(
  { dataset: path, table: wishes }: TrainCommand,
  sequence: SequenceWishes,
): Promise<LearningTask<SeriesInput>> {
  const { target, drop, heldOut } = wishes;
  const table = await openTable(path, wishes);
  const { train, test, form, season, notes } = prepareSeries(table, { ...sequence, target, drop, heldOut });
  const told = test.length * form.horizon;
  return {
    about: `${basename(path)}: ${thousands(table.rows.length)} steps, the last ${thousands(told)} held out; "${form.target}" is forecast for ${form.horizon} steps from the ${form.length} before, ${thousands(train.length)} windows to learn from`,
    notes,
    from: path,
    train,
    test,
    input: { kind: 'series', series: form, season },
  };
}

function widthsOf({ input: { series: form }, hidden }: ModelForm<SeriesInput>): readonly number[] {
  const { length, horizon, columns } = form;
  return [length * columns.length, ...hidden, horizon];
}

const targetAt = ({ columns, target }: SeriesForm): number => columns.findIndex(({ name }) => name === target);

/** As tables, but of few weights, since windows overlap: what they have in common is little. */
const defaults = (windows: number): Defaults => ({
  hidden: [64],
  batch: Math.min(32, windows),
  epochs: 0,
  steps: 1000,
  optimizer: 'adamw',
  weightDecay: 1,
});

/** Of an error. */
const DIGITS = 4;

const inPercent = (share: number | null): string => (share === null ? '' : ` (${percent(share)})`);

/** Forecasts beside the same steps of a season before, in the target's own unit. */
async function judge(
  { learningTask: { input, test }, trainer }: Judged<SeriesInput>,
  { loss: testLoss }: Evaluation,
): Promise<Judgement> {
  const { series: form, season } = input;
  const { data } = await trainer.predict(test);
  const told = forecastsOf(form, test.fields['target'].data);
  const own = judgeNumbers(form.target, forecastsOf(form, data), told);
  const repeated = judgeNumbers(form.target, repeatedOf(test, form, season), told);
  const sentence = `Of "${form.target}", the last ${told.length} steps forecast: root mean squared error ${short(own.rmse, DIGITS)}${inPercent(own.percentage)}, mean absolute error ${short(own.meanAbsoluteError, DIGITS)}; repeating the ${season} steps before: ${short(repeated.rmse, DIGITS)}${inPercent(repeated.percentage)}; test loss ${testLoss.toFixed(4)}.`;
  const figures = {
    testAccuracy: null,
    testLoss,
    testRootMeanSquaredError: own.rmse,
    testMeanAbsoluteError: own.meanAbsoluteError,
    testMeanAbsolutePercentageError: own.percentage,
    testR2: own.r2,
    repeatedSteps: season,
    repeatedRootMeanSquaredError: repeated.rmse,
    repeatedMeanAbsoluteError: repeated.meanAbsoluteError,
    repeatedMeanAbsolutePercentageError: repeated.percentage,
  };
  return { sentence, figures };
}

const isDense = ({ model }: ModelForm): boolean => !isRecurrent(model);

export const series: Task<SeriesInput> = {
  models: ['mlp', ...recurrentNames],
  network(form) {
    const { input, model } = form;
    const { columns, horizon } = input.series;
    const network = isRecurrent(model) ? stepReader(model, columns.length, horizon) : perceptron(widthsOf(form));
    return forecaster(network, targetAt(input.series));
  },
  layersOf: (form) => (isRecurrent(form.model) ? [form.model, 'linear'] : perceptronLayers(widthsOf(form))),
  sizeOf: (form) => (isDense(form) ? perceptronSize(widthsOf(form)) : 0),
  learnedBy: () => ({ loss: meanSquaredError }),
  defaults: (_, windows) => defaults(windows),
  judge,
  read({ season, series: form }, path) {
    if (!Number.isSafeInteger(season))
      throw new FormatError(
        `[model] ${path} does not say after how many steps its series repeats itself: give a file that \`millrace train --save\` wrote`,
      );
    return { kind: 'series', series: readSeriesForm(form), season: season! };
  },
  predict: {
    async question(command, { input }) {
      const table = await openTable(command.input, command.table);
      return { data: lastWindow(input.series, table), notes: table.notes ?? [] };
    },
    answer: async ({ input: { series: form } }, data, predictor) =>
      numberLines(form.target, forecastsOf(form, (await predictor.predict(data)).data)),
  },
};
