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
  rows,
  type PreparedTable,
  type Table,
  type TableForm,
  type TableOptions,
} from '../../data/index.ts';
import { splitRows } from '../../data/table/split.ts';
import type { PredictCommand, TrainCommand } from '../command/commands.ts';
import { UsageError } from '../command/usageError.ts';
import { judgeNumbers } from '../evaluationReport.ts';
import { reasonOf } from '../outputPaths.ts';
import { short } from '../terminal.ts';
import { classLines, judgeClasses } from './classification.ts';
import { numberLines } from './csvLines.ts';
import { perceptron, perceptronLayers, perceptronSize } from './perceptron.ts';
import type { Defaults, InputForm, Judged, Judgement, LearningTask, ModelForm, Question, Task } from './task.ts';

/** Rows of a table. */
export interface TableInput {
  readonly kind: 'table';
  readonly table: TableForm;
}

/** @param like the input of a model that is gone on with: its columns, classes and scales are those that it has learned */
export async function loadTable(command: TrainCommand, like?: InputForm): Promise<LearningTask<TableInput>> {
  const { dataset: path } = command;
  const { train, test, form, notes } = await (like
    ? preparedAs(await tableIn(like, command), command)
    : prepared(command));
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

type Prepared = Pick<PreparedTable, 'train' | 'test' | 'form' | 'notes'>;

async function prepared({ dataset: path, table: wishes, seed }: TrainCommand): Promise<Prepared> {
  const { target, task, drop, heldOut } = wishes;
  return prepareTable(await openTable(path, wishes), { target, task, drop, heldOut, seed });
}

/** The form of a model's table. @throws UsageError where it is of something else, or tells something else than is wished */
async function tableIn(like: InputForm, command: TrainCommand): Promise<TableForm> {
  const { from, dataset, table } = command;
  if (like.kind !== 'table') {
    throw new UsageError(`${from} is of no table, and ${dataset} is one: give a model that learned from a table`);
  }
  const { target, task, drop } = table;
  const isSaid = [target, task, drop].some((wish) => wish !== undefined);
  if (!isSaid || columnsOf((await prepared(command)).form) === columnsOf(like.table)) return like.table;
  throw new UsageError(
    `--from goes on with ${from}, which tells "${like.table.target.name}" from its own columns: leave --target, --task and --drop out`,
  );
}

/** Which columns a form has, and for what. */
const columnsOf = ({ features, target }: TableForm): string =>
  JSON.stringify([...features, target].map(({ name, kind }) => [name, kind]));

/** Rows as a model sees them that learned from others. */
async function preparedAs(form: TableForm, { dataset: path, table: wishes, seed }: TrainCommand): Promise<Prepared> {
  const { target } = form;
  const { data, notes } = encodeTable(form, await openFurther(form, path, wishes));
  if (Object.keys(data.fields).length === 1) {
    throw new FormatError(
      `[table] ${path} does not have "${target.name}" in every row, so nothing can be learned of it`,
    );
  }
  const places = Array.from({ length: data.length }, (_, place) => place);
  const { label } = data.fields;
  const strata =
    target.kind === 'class'
      ? target.classes.map((_, at) => places.filter((place) => label.data[place] === at))
      : [places];
  // Those that are held out of the same file where nothing is gone on with.
  const { train, test } = splitRows(strata, wishes.heldOut ?? HELD_OUT, seed);
  return { train: rows(data, train), test: rows(data, test), form, notes };
}

/** The share of the rows to test on. */
const HELD_OUT = 0.2;

/** A table whose columns a form names. */
function openFurther(form: TableForm, path: string, wishes: TableOptions): Promise<Table> {
  const header = wishes.header ?? ((cells: readonly string[]) => namesColumns(form, cells));
  return openTable(path, { ...wishes, header });
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
const defaults = (samples: number): Defaults => ({
  hidden: [64, 32],
  batch: Math.min(32, samples),
  epochs: 960 / Math.sqrt(samples),
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
  const further = await openFurther(input.table, command.input, command.table);
  const { data, notes } = encodeTable(input.table, further);
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
  defaults: (_, samples) => defaults(samples),
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
