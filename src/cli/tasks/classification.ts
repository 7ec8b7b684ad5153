import type { Evaluation } from '../../index.ts';
import { answersTo, formatClasses, type Classified } from '../evaluationReport.ts';
import { percent, type Terminal } from '../terminal.ts';
import { csvCell } from './csvLines.ts';
import type { InputForm, Judged, Judgement } from './task.ts';

/* What tasks have in common that tell samples of classes apart. */

/** @param mistakes what is shown of those that are told wrong, where a terminal can */
export async function judgeClasses<I extends InputForm>(
  { command, learningTask: { test }, trainer, terminal }: Judged<I>,
  classes: readonly string[],
  { loss: testLoss, accuracy }: Evaluation,
  mistakes: (said: Classified, terminal: Terminal) => string | null = () => null,
): Promise<Judgement> {
  const sentence = `Test accuracy ${percent(accuracy)}, test loss ${testLoss.toFixed(4)}.`;
  const judgement = { sentence, figures: { testAccuracy: accuracy, testLoss } };
  if (!terminal && command.pictures === undefined) return judgement;
  const { data } = await trainer.predict(test);
  const said = { classes, labels: test.fields['label'].data, ...answersTo(data, classes.length) };
  if (terminal) show([formatClasses(said), terminal.interactive ? mistakes(said, terminal) : null], terminal);
  return { ...judgement, said };
}

function show([table, mistakes]: readonly (string | null)[], terminal: Terminal): void {
  if (table) terminal.line(`\n${table}\n`);
  if (mistakes) terminal.line(`${mistakes}\n`);
}

/** The likeliest class of each sample, and how sure of it the model is. @param name of what is told */
export function classLines(name: string, classes: readonly string[], logits: ArrayLike<number>): string[] {
  const { answers, certainty } = answersTo(logits, classes.length);
  return [
    `${csvCell(name)},probability`,
    ...answers.map((answer, at) => `${csvCell(classes[answer])},${certainty[at].toFixed(4)}`),
  ];
}

/** Whether a file names classes. */
export const areNames = (classes: unknown): classes is readonly string[] =>
  Array.isArray(classes) && classes.length > 0 && classes.every((name) => typeof name === 'string');

export const areFinite = (...numbers: readonly unknown[]): boolean => numbers.every(Number.isFinite);
