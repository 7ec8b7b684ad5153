import { basename } from 'node:path';
import { thousands } from '../../core/textFormat.ts';
import { crossEntropy, type Evaluation } from '../../index.ts';
import { readTokenizer, textStream, type Tokenizer } from '../../data/index.ts';
import { textModels, type TrainCommand } from '../command/commands.ts';
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

/* A text, of which is told what comes next. */

/** Both as nanoGPT has them for a CPU. */
const CONTEXT = 64;
const defaults: Defaults = {
  batch: 12,
  epochs: 0,
  steps: 2000,
  optimizer: 'adamw',
  learningRate: 3e-3,
  weightDecay: 0.1,
  warmUp: 100,
  least: 0.1,
  beta2: 0.99,
  clip: 1,
};

export async function loadTexts(command: TrainCommand): Promise<LearningTask<TextForm>> {
  const [path] = command.files;
  const text = await openText(path);
  const size = sizeOf(command.text, usualSize);
  const tokens = tokenizerFor(command, text, []);
  const context = command.text.context ?? CONTEXT;
  const encoded = tokens.encode(text);
  const { train, validation } = textStream(encoded, { context });
  const kind = tokens.form.kind === 'bytePairs' ? 'parts of words' : tokens.form.kind;
  return {
    about: `${basename(path)}: ${thousands(encoded.length)} tokens, ${thousands(tokens.size)} different ${kind}, the last tenth held out; each is told from up to ${thousands(context)} before it`,
    notes: [],
    from: path,
    train,
    test: validation,
    input: { kind: 'text', tokenizer: tokens.form, context, ...size },
  };
}

/** How many characters a token of held-out text stands for. */
function charactersPerToken(tokens: Tokenizer, { fields }: LearningTask['test']): number {
  const { data } = fields['target'];
  return Array.from(tokens.decode(data)).length / data.length;
}

async function judge(
  { learningTask: { input, test } }: Judged<TextForm>,
  { loss: testLoss }: Evaluation,
): Promise<Judgement> {
  const bits = testLoss / Math.LN2 / charactersPerToken(readTokenizer(input.tokenizer), test);
  const perplexity = Math.exp(testLoss);
  const sentence = `Validation loss ${testLoss.toFixed(4)}, perplexity ${perplexity.toFixed(2)}, ${bits.toFixed(3)} bits per character.`;
  return {
    sentence,
    figures: { testAccuracy: null, testLoss, testPerplexity: perplexity, testBitsPerCharacter: bits },
  };
}

export const texts: Task<TextForm> = {
  models: textModels.text,
  network: languageModel,
  layersOf: languageModelLayers,
  sizeOf: languageModelSize,
  learnedBy: () => ({ loss: crossEntropy }),
  defaults: () => defaults,
  judge,
  read: readTextForm,
  predict: { instead: 'generate' },
};
