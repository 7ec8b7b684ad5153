import { basename } from 'node:path';
import { thousands } from '../../core/textFormat.ts';
import { accuracy, crossEntropy, translator, type BatchValues, type Evaluation, type Value } from '../../index.ts';
import {
  bucketed,
  bytePairTokenizer,
  pairedLines,
  readTokenizer,
  type SentencePair,
  type TokenizerForm,
} from '../../data/index.ts';
import { textModels, type TrainCommand } from '../command/commands.ts';
import { percent } from '../terminal.ts';
import { leastSize, readSize, sizeOf, type Size } from './languageModel.ts';
import type { Defaults, Judged, Judgement, LearningTask, Task } from './task.ts';
import { openText } from './textFiles.ts';

/* Sentences, and the same ones in another language. */

export interface TranslationForm extends Size {
  readonly kind: 'translation';
  /** Of both languages. */
  readonly tokenizer: TokenizerForm;
}

const SPECIAL = ['padding', 'begin', 'end'] as const;
/** Tokens of parts of words, unless it is said. */
const VOCABULARY = 8000;
const usualSize: Size = { layers: 3, heads: 4, width: 256, dropout: 0.1 };
/** Pairs that are held out, the last ones: a share of them, but no more than tell enough. */
const [HELD_OUT, MOST_HELD_OUT] = [0.05, 1000];

const defaults = (pairs: number): Defaults => ({
  batch: Math.min(64, pairs),
  epochs: 20,
  optimizer: 'adamw',
  learningRate: 1e-3,
  weightDecay: 0.01,
  warmUp: 1000,
  clip: 1,
});

async function pairsOf({ files: [source, target] }: TrainCommand): Promise<SentencePair[]> {
  const [text, other] = await Promise.all([source, target].map(openText));
  return pairedLines({ name: basename(source), text }, { name: basename(target), text: other });
}

export async function loadTranslations(command: TrainCommand): Promise<LearningTask<TranslationForm>> {
  const { text, files, seed } = command;
  const size = sizeOf(text, usualSize);
  const pairs = await pairsOf(command);
  const held = Math.max(1, Math.min(MOST_HELD_OUT, Math.floor(HELD_OUT * pairs.length)));
  const [learned, judged] = [pairs.slice(0, -held), pairs.slice(-held)];
  const tokenizer = bytePairTokenizer(learned.flat(), { size: text.vocabulary ?? VOCABULARY, special: SPECIAL });
  const longest = text.context ?? 128;
  const batchSize = command.batch ?? defaults(learned.length).batch;
  const batches = bucketed(learned, { tokenizer, batchSize, longest, seed });
  const { padding, shapes, padded } = batches;
  return {
    about: `${files.map((path) => basename(path)).join(' and ')}: ${thousands(learned.length)} pairs of sentences to learn from, the last ${thousands(held)} held out, ${thousands(tokenizer.size)} parts of words`,
    notes: [`Batches have ${shapes.length} shapes, and ${percent(padding, 1)} of them are padding`],
    from: files.join(', '),
    train: padded(learned),
    test: padded(judged),
    batches,
    input: { kind: 'translation', tokenizer: tokenizer.form, ...size },
  };
}

/** Smoothing of labels. Source: Vaswani et al. 2017, 5.4 */
const SMOOTHING = 0.1;

async function judge(
  { learningTask: { test } }: Judged<TranslationForm>,
  { loss: testLoss, accuracy: testAccuracy }: Evaluation,
): Promise<Judgement> {
  const sentence = `Of ${thousands(test.length)} sentences held out ${percent(testAccuracy)} of the tokens are told right from those before; test loss ${testLoss.toFixed(4)}.`;
  return { sentence, figures: { testAccuracy, testLoss } };
}

export const translations: Task<TranslationForm> = {
  models: textModels.translation,
  network({ input: { tokenizer: form, ...size } }) {
    const { size: vocabulary, special } = readTokenizer(form);
    const { layers, heads, width, dropout } = size;
    return translator({ vocabulary, padding: special.padding!, layers, heads, width, dropout });
  },
  layersOf: ({ input: { layers } }) => ['translator', `${layers} layers of each kind`],
  sizeOf: ({ input }) => leastSize(input.tokenizer, input),
  learnedBy({ tokenizer: form }) {
    const ignoreIndex = readTokenizer(form).special.padding!;
    return {
      loss: (logits: Value, { target }: BatchValues, { mode }) => ({
        loss: crossEntropy(logits, target, { ignoreIndex, labelSmoothing: mode === 'train' ? SMOOTHING : 0 }),
        accuracy: accuracy(logits, target, { ignoreIndex }),
      }),
      targets: ['target'],
    };
  },
  inputs: () => ['source', 'sourceLength', 'input'],
  defaults: (_, pairs) => defaults(pairs),
  judge,
  read: ({ tokenizer: form, ...size }, path) => ({
    kind: 'translation',
    tokenizer: readTokenizer(form).form,
    ...readSize(size, path),
  }),
  predict: { instead: 'translate' },
};
