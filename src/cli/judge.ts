import type { Outputs, Trainer } from '../index.ts';
import { thousands } from '../core/textFormat.ts';
import { answersOf, forecastsOf } from '../data/index.ts';
import {
  answersTo,
  formatClasses,
  formatMistakes,
  judgeNumbers,
  repeatedOf,
  type Classified,
  type Regressed,
} from './evaluationReport.ts';
import { isRegression, type LearningTask } from './learningTask.ts';
import type { SeriesInput, SoundForm } from './network.ts';
import type { TrainCommand } from './command/commands.ts';
import { percent, short, type Terminal } from './terminal.ts';
import { errorRatesOf, type Transcript } from './transcription.ts';

/** How well the model does on samples that it has not seen, as a sentence and as a report's fields. */
export interface Judgement {
  readonly sentence: string;
  readonly figures: { readonly testLoss: number } & Readonly<Record<string, number | null>>;
  /** Of classes, where somebody looks. */
  readonly said?: Classified;
}

/** What is judged, and who is told. */
interface Judged {
  readonly command: TrainCommand;
  readonly learningTask: LearningTask;
  readonly trainer: Trainer;
  /** Null says nothing. */
  readonly terminal: Terminal | null;
}

export async function judge(judged: Judged): Promise<Judgement> {
  const { command, learningTask, trainer, terminal } = judged;
  const { loss: testLoss, accuracy } = await trainer.evaluate(learningTask.test);
  const { input } = learningTask;
  if (input.kind === 'sound' && input.transcribes) return judgeTranscripts(learningTask, input, trainer, testLoss);
  if (input.kind === 'series') return judgeForecasts(learningTask, input, trainer, testLoss);
  if (isRegression(learningTask)) return judgeRegression(judged, testLoss);
  const sentence = `Test accuracy ${percent(accuracy)}, test loss ${testLoss.toFixed(4)}.`;
  const judgement = { sentence, figures: { testAccuracy: accuracy, testLoss } };
  if (!terminal && command.pictures === undefined) return judgement;
  const said = await classify(learningTask, trainer);
  if (terminal) showClasses(learningTask, said, terminal);
  return { ...judgement, said };
}

/** How much of held-out strings is told wrong. */
async function judgeTranscripts(
  { test }: LearningTask,
  form: SoundForm,
  trainer: Trainer,
  testLoss: number,
): Promise<Judgement> {
  const { outputs } = await trainer.predict(test);
  const { greedy, beam } = errorRatesOf(test, outputs as Outputs<Transcript>, form);
  const sentence = `Label error rate ${percent(beam)} by beam search, ${percent(greedy)} by the likeliest class of each frame, on ${thousands(test.length)} strings held out; test loss ${testLoss.toFixed(4)}.`;
  const figures = {
    testAccuracy: null,
    testLoss,
    testStrings: test.length,
    testGreedyLabelErrorRate: greedy,
    testBeamLabelErrorRate: beam,
  };
  return { sentence, figures };
}

/** Of an error. */
const DIGITS = 4;

async function judgeRegression({ learningTask, trainer }: Judged, testLoss: number): Promise<Judgement> {
  const { name, rmse, meanAbsoluteError, r2 } = await judgeTargets(learningTask, trainer);
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

const inPercent = (share: number | null): string => (share === null ? '' : ` (${percent(share)})`);

/** Forecasts beside the same steps of a season before, in the target's own unit. */
async function judgeForecasts(
  { test }: LearningTask,
  { series, season }: SeriesInput,
  trainer: Trainer,
  testLoss: number,
): Promise<Judgement> {
  const { data } = await trainer.predict(test);
  const told = forecastsOf(series, test.fields['target'].data);
  const own = judgeNumbers(series.target, forecastsOf(series, data), told);
  const repeated = judgeNumbers(series.target, repeatedOf(test, series, season), told);
  const sentence = `Of "${series.target}", the last ${told.length} steps forecast: root mean squared error ${short(own.rmse, DIGITS)}${inPercent(own.percentage)}, mean absolute error ${short(own.meanAbsoluteError, DIGITS)}; repeating the ${season} steps before: ${short(repeated.rmse, DIGITS)}${inPercent(repeated.percentage)}; test loss ${testLoss.toFixed(4)}.`;
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

/** Errors in the target's own unit. */
async function judgeTargets({ input, test }: LearningTask, trainer: Trainer): Promise<Regressed> {
  if (input.kind !== 'table') throw new Error('[train] only tables have numbers as targets');
  const { data } = await trainer.predict(test);
  const inUnits = (numbers: ArrayLike<number>) => answersOf(input.table, numbers) as readonly number[];
  return judgeNumbers(input.table.target.name, inUnits(data), inUnits(test.fields['target'].data));
}

const classesOf = (learningTask: LearningTask): readonly string[] => {
  if (learningTask.input.kind === 'series') return [];
  if (learningTask.input.kind !== 'table') return learningTask.input.classes;
  const { target } = learningTask.input.table;
  return target.kind === 'class' ? target.classes : [];
};

async function classify(learningTask: LearningTask, trainer: Trainer): Promise<Classified> {
  const classes = classesOf(learningTask);
  const { data } = await trainer.predict(learningTask.test);
  return { classes, labels: learningTask.test.fields['label'].data, ...answersTo(data, classes.length) };
}

/** Class by class, and a few images that were read wrong. */
function showClasses({ input, test }: LearningTask, said: Classified, terminal: Terminal): void {
  const table = formatClasses(said);
  if (table) terminal.line(`\n${table}\n`);
  const mistakes = input.kind === 'image' && terminal.interactive ? formatMistakes(test, said, terminal) : null;
  if (mistakes) terminal.line(`${mistakes}\n`);
}
