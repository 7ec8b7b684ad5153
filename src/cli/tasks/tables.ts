import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { thousands } from '../../core/textFormat.ts';
import { crossEntropy, FormatError, meanSquaredError, type Evaluation } from '../../index.ts';
import {
  answersOf,
  encodeTable,
  featureCount,
  namesColumns,
  outputCount,
  prepareTable,
  readTable,
  readTableForm,
  type Table,
  type TableForm,
  type TableOptions,
} from '../../data/index.ts';
import type { PredictCommand, TrainCommand } from '../command/commands.ts';
import { judgeNumbers } from '../evaluationReport.ts';
import { reasonOf } from '../outputPaths.ts';
import { short } from '../terminal.ts';
import { classLines, judgeClasses } from './classification.ts';
import { numberLines } from './csvLines.ts';
import { perceptron, perceptronLayers, perceptronSize } from './perceptron.ts';
import type { Defaults, Judged, Judgement, LearningTask, ModelForm, Question, Task } from './task.ts';

/** Rows of a table. */
export interface TableInput {
  readonly kind: 'table';
  readonly table: TableForm;
}

export async function loadTable({
  dataset: path,
  table: wishes,
  seed,
}: TrainCommand): Promise<LearningTask<TableInput>> {
  const { target: which, task: wished, drop, heldOut } = wishes;
  const table = await openTable(path, wishes);
  const { train, test, form, notes } = prepareTable(table, { target: which, task: wished, drop, heldOut, seed });
  const { target } = form;
  const task = target.kind === 'class' ? `one of ${thousands(target.classes.length)} classes` : 'a number';
  return {
    about: `${basename(path)}: ${thousands(train.length)} rows to learn from and ${thousands(test.length)} held out; "${target.name}" is told, ${task}, from ${thousands(form.features.length)} columns`,
    notes,
    from: path,
    train,
    test,
    input: { kind: 'table', table: form },
  };
}

/**
 * @param header whether line 1 names the columns, if that is known
 * @throws FormatError if there is no such file, or it holds no table
 */
export async function openTable(path: string, { header, delimiter, decimal, missing }: TableOptions): Promise<Table> {
  const bytes = await readFile(path).catch((cause: NodeJS.ErrnoException) => {
    throw new FormatError(`[table] ${path} cannot be read: ${reasonOf(cause)}`, { cause });
  });
  return readTable(basename(path), bytes, { header, delimiter, decimal, missing });
}

const widthsOf = ({ input: { table }, hidden }: ModelForm<TableInput>): readonly number[] => [
  featureCount(table),
  ...hidden,
  outputCount(table),
];

/** One rule for tables of any size: the more rows, the more steps, but the fewer passes over them. */
const defaults = (rows: number): Defaults => ({
  hidden: [64, 32],
  batch: Math.min(32, rows),
  epochs: 960 / Math.sqrt(rows),
  optimizer: 'adamw',
  weightDecay: 0.1,
});

/** Of an error. */
const DIGITS = 4;

/** Errors in the target's own unit. */
async function judgeTarget(
  { learningTask: { input, test }, trainer }: Judged<TableInput>,
  { loss: testLoss }: Evaluation,
): Promise<Judgement> {
  const { table } = input;
  const { data } = await trainer.predict(test);
  const inUnits = (numbers: ArrayLike<number>) => answersOf(table, numbers) as readonly number[];
  const targets = inUnits(test.fields['target'].data);
  const { name, rmse, meanAbsoluteError, r2 } = judgeNumbers(table.target.name, inUnits(data), targets);
  const sentence = `Of "${name}", held out: root mean squared error ${short(rmse, DIGITS)}, mean absolute error ${short(meanAbsoluteError, DIGITS)}, R² ${r2 === null ? 'not defined' : r2.toFixed(3)}; test loss ${testLoss.toFixed(4)}.`;
  const figures = {
    testAccuracy: null,
    testLoss,
    testRootMeanSquaredError: rmse,
    testMeanAbsoluteError: meanAbsoluteError,
    testR2: r2,
  };
  return { sentence, figures };
}

async function question(command: PredictCommand, { input }: ModelForm<TableInput>): Promise<Question> {
  const { table: wishes } = command;
  const header = wishes.header ?? ((cells: readonly string[]) => namesColumns(input.table, cells));
  const { data, notes } = encodeTable(input.table, await openTable(command.input, { ...wishes, header }));
  const { features } = data.fields;
  return { data: { length: data.length, fields: { features } }, notes };
}

export const tables: Task<TableInput> = {
  models: ['mlp'],
  seen: 'features',
  network: (form, _, other) => other ?? perceptron(widthsOf(form)),
  layersOf: (form) => perceptronLayers(widthsOf(form)),
  sizeOf: (form) => perceptronSize(widthsOf(form)),
  learnedBy: ({ table }) => ({ loss: table.target.kind === 'number' ? meanSquaredError : crossEntropy }),
  classes: ({ table: { target } }) => (target.kind === 'class' ? target.classes : undefined),
  samples: ({ table }) => ({ features: { shape: [featureCount(table)], dtype: 'f32', scale: null } }),
  defaults: (_, rows) => defaults(rows),
  judge(judged, evaluation) {
    const { target } = judged.learningTask.input.table;
    return target.kind === 'class' ? judgeClasses(judged, target.classes, evaluation) : judgeTarget(judged, evaluation);
  },
  read: ({ table }) => ({ kind: 'table', table: readTableForm(table) }),
  predict: {
    question,
    async answer({ input: { table } }, data, predictor) {
      const { target } = table;
      const { data: outputs } = await predictor.predict(data);
      if (target.kind === 'class') return classLines(target.name, target.classes, outputs);
      return numberLines(target.name, answersOf(table, outputs) as readonly number[]);
    },
  },
};
