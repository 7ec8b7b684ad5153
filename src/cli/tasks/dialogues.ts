import { basename } from 'node:path';
import { counted, thousands } from '../../core/textFormat.ts';
import {
  accuracy,
  crossEntropy,
  dataset,
  FormatError,
  type BatchValues,
  type Evaluation,
  type Value,
} from '../../index.ts';
import type { Tokenizer } from '../../data/index.ts';
import { textModels, type TrainCommand } from '../command/commands.ts';
import { percent } from '../terminal.ts';
import {
  languageModel,
  languageModelLayers,
  readTextForm,
  languageModelSize,
  sizeOf,
  tokenizerFor,
  type TextForm,
  usualSize,
} from './languageModel.ts';
import type { Defaults, Judged, Judgement, LearningTask, Task } from './task.ts';
import { openText } from './textFiles.ts';

/* Questions and answers, as a text with marks: what stands behind a question is told as the text's continuation. */

export interface Turn {
  readonly question: string;
  readonly answer: string;
}

/** A paragraph that begins with a question in bold, as Markdown has it. */
const BOLD = /^\*\*((?:(?!\*\*).)+\?)\*\*\s*(.+)$/s;
/** A question and its answer by their marks. */
const MARKED = /^Q:\s*(.+?)\s*\nA:\s*(.+)$/s;

/**
 * The questions of a text and their answers: of each paragraph that begins with `Q:`, and goes on with `A:` in another line,
 * or that begins with a question in bold.
 * @throws FormatError where there are none
 */
export function turnsIn(name: string, text: string): Turn[] {
  const paragraphs = text.replaceAll('\r\n', '\n').split(/\n\s*\n/);
  const turns = paragraphs.flatMap((paragraph) => turnOf(paragraph.trim()) ?? []);
  if (turns.length > 0) return turns;
  throw new FormatError(
    `[dialogue] ${name} has no questions with answers: write "Q: …", in the next line "A: …", and an empty line between two of them`,
  );
}

function turnOf(paragraph: string): Turn | null {
  const [, question, answer] = MARKED.exec(paragraph) ?? BOLD.exec(paragraph) ?? [];
  return question === undefined ? null : { question: inOneLine(question), answer: inOneLine(answer) };
}

const inOneLine = (text: string): string => text.trim().replaceAll(/\s+/g, ' ');

const SPECIAL = ['padding', 'unknown', 'begin', 'end'] as const;
/** Labels of what is not told: the question, and what fills up. */
const UNTOLD = -1;

/** What comes before an answer: the question between two marks. */
export const askedBy = (question: string, tokenizer: Tokenizer): number[] => {
  const { begin } = tokenizer.special;
  return [begin!, ...tokenizer.encode(question), begin!];
};

/** A turn's tokens, to the end of its answer. */
interface Encoded {
  readonly asked: readonly number[];
  readonly all: readonly number[];
}

function encoded({ question, answer }: Turn, tokenizer: Tokenizer): Encoded {
  const asked = askedBy(question, tokenizer);
  return { asked, all: [...asked, ...tokenizer.encode(answer), tokenizer.special.end!] };
}

/** Rows of a question, an answer and its end, each told from what is before it. */
function rowsOf(turns: readonly Encoded[], padding: number, context: number): LearningTask['train'] {
  const tokens = new Int32Array(turns.length * context).fill(padding);
  const target = new Int32Array(turns.length * context).fill(UNTOLD);
  for (const [row, { asked, all }] of turns.entries()) {
    tokens.set(all.slice(0, -1), row * context);
    target.set(all.slice(asked.length), row * context + asked.length - 1);
  }
  return dataset({ tokens: { data: tokens, shape: [context] }, target: { data: target, shape: [context] } });
}

const defaults = (turns: number): Defaults => ({
  batch: Math.min(16, turns),
  epochs: 0,
  steps: 600,
  optimizer: 'adamw',
  learningRate: 1e-3,
  weightDecay: 0.1,
  warmUp: 50,
  clip: 1,
});

/** Nothing is held out: an answer that was never seen can only be guessed. */
export async function loadDialogues(command: TrainCommand): Promise<LearningTask<TextForm>> {
  const [path] = command.files;
  const turns = turnsIn(path, await openText(path));
  const size = sizeOf(command.text, usualSize);
  const tokenizer = tokenizerFor(
    command,
    turns.flatMap(({ question, answer }) => [question, answer]),
    SPECIAL,
  );
  const rows = turns.map((turn) => encoded(turn, tokenizer));
  // The end is told, and not read.
  const lengths = rows.map(({ all }) => all.length - 1);
  const context = command.text.context ?? Math.max(...lengths);
  const long = lengths.findIndex((length) => length > context);
  if (long >= 0) {
    throw new FormatError(
      `[dialogue] "${turns[long].question}" and its answer are ${lengths[long]} tokens, but --context is ${context}: give as many, or leave it out`,
    );
  }
  const set = rowsOf(rows, tokenizer.special.padding!, context);
  return {
    about: `${basename(path)}: ${counted(turns.length, 'question')} with answers, up to ${thousands(context)} tokens each, of ${thousands(tokenizer.size)} different ones`,
    notes: ['It learns these answers, and says one of them to whatever it is asked: it is no more than that.'],
    from: path,
    train: set,
    test: set,
    input: { kind: 'text', tokenizer: tokenizer.form, context, turns: true, ...size },
  };
}

async function judge(
  { learningTask: { test } }: Judged<TextForm>,
  { loss: testLoss, accuracy: testAccuracy }: Evaluation,
): Promise<Judgement> {
  const sentence = `Of ${counted(test.length, 'answer')} ${percent(testAccuracy)} of the tokens are told right from those before; loss ${testLoss.toFixed(4)}.`;
  return { sentence, figures: { testAccuracy, testLoss } };
}

export const dialogues: Task<TextForm> = {
  models: textModels.dialogue,
  network: languageModel,
  layersOf: languageModelLayers,
  sizeOf: languageModelSize,
  learnedBy: () => ({
    loss: (logits: Value, { target }: BatchValues) => ({
      loss: crossEntropy(logits, target, { ignoreIndex: UNTOLD }),
      accuracy: accuracy(logits, target, { ignoreIndex: UNTOLD }),
    }),
  }),
  defaults: (_, turns) => defaults(turns),
  judge,
  read: readTextForm,
  predict: { instead: 'chat' },
};
