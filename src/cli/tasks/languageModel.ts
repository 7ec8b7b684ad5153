import { embedding, FormatError, gpt, gru, linear, lstm, sequential, type Model } from '../../index.ts';
import {
  bytePairTokenizer,
  readTokenizer,
  tokenizer,
  type Special,
  type Tokenizer,
  type TokenizerForm,
} from '../../data/index.ts';
import { isRecurrent, type TextWishes, type TrainCommand } from '../command/commands.ts';
import { UsageError } from '../command/usageError.ts';
import type { InputForm, ModelForm } from './task.ts';

/* What models of text have in common: how large they are, and what they read. */

/** How large a model is. */
export interface Size {
  readonly layers: number;
  readonly heads: number;
  readonly width: number;
  readonly dropout: number;
}

/** A text, token by token; or questions and answers, one behind the other. */
export interface TextForm extends Size {
  readonly kind: 'text';
  readonly tokenizer: TokenizerForm;
  /** Tokens that are looked at together. */
  readonly context: number;
  /** Whether it is of questions, each with its answer. */
  readonly turns?: true;
}

/** As nanoGPT has it for a CPU. */
export const usualSize: Size = { layers: 4, heads: 4, width: 128, dropout: 0 };

/** Whether a form is of questions with answers. */
export const hasTurns = (input: InputForm): input is TextForm => input.kind === 'text' && input.turns === true;

/** What is wished of a size, or else what is usual. */
export function sizeOf({ layers, heads, width, dropout }: TextWishes, usual: Size): Size {
  const size = {
    layers: layers ?? usual.layers,
    heads: heads ?? usual.heads,
    width: width ?? usual.width,
    dropout: dropout ?? usual.dropout,
  };
  if (size.width % size.heads !== 0) {
    throw new UsageError(
      `--width is ${size.width} and --heads ${size.heads}: each head has a part of the width, so give a multiple`,
    );
  }
  return size;
}

/** A model that tells the next token behind each: `[N, T]` to `[N, T, vocabulary]`. */
export function languageModel({ input, model }: ModelForm<TextForm>): Model {
  const { context, layers, heads, width, dropout } = input;
  const vocabulary = readTokenizer(input.tokenizer).size;
  if (!isRecurrent(model)) return gpt({ vocabulary, context, width, heads, layers, dropout });
  const net = { lstm, gru }[model](width, width, { layers, dropout });
  return sequential(embedding(vocabulary, width), net, linear(width, vocabulary));
}

/** Weights of a layer of a model at least: some products of its width with itself. */
const leastOfLayers = ({ layers, width }: Size): number => layers * width * width;

/** Weights that a form of tokens describes at least. */
export const leastSize = (form: TokenizerForm, size: Size): number =>
  readTokenizer(form).size * size.width + leastOfLayers(size);

export const languageModelSize = ({ input, model }: ModelForm<TextForm>): number =>
  leastSize(input.tokenizer, input) + (isRecurrent(model) ? 0 : input.context * input.width);

/** The same in words. */
export const languageModelLayers = ({ input: { layers }, model }: ModelForm<TextForm>): readonly string[] => [
  'embedding',
  ...Array.from({ length: layers }, () => (isRecurrent(model) ? model : 'transformerEncoderLayer')),
  'linear',
];

/** Whether a file's numbers are a size. */
const areCounts = (...counts: readonly unknown[]): boolean =>
  counts.every((count) => Number.isSafeInteger(count) && (count as number) > 0);

/** @throws FormatError where a model's file does not say how large it is */
export function readSize({ layers, heads, width, dropout }: Partial<Size>, path: string): Size {
  const isShare = typeof dropout === 'number' && dropout >= 0 && dropout < 1;
  if (!areCounts(layers, heads, width) || !isShare) {
    throw new FormatError(
      `[model] ${path} does not say how large its model is: give a file that \`millrace train --save\` wrote`,
    );
  }
  return { layers: layers!, heads: heads!, width: width!, dropout };
}

/** What a model's file says of texts. */
export function readTextForm(given: Partial<TextForm>, path: string): TextForm {
  const { tokenizer: form, context, turns } = given;
  if (!areCounts(context)) {
    throw new FormatError(
      `[model] ${path} does not say how many tokens it looks at: give a file that \`millrace train --save\` wrote`,
    );
  }
  return {
    kind: 'text',
    tokenizer: readTokenizer(form).form,
    context: context!,
    ...readSize(given, path),
    ...(turns === true && { turns }),
  };
}

/** The tokenizer that is wished for. @param special tokens that stand for no text */
export function tokenizerFor(
  { text: { tokenizer: kind = 'characters', vocabulary } }: TrainCommand,
  texts: string | readonly string[],
  special: readonly Special[],
): Tokenizer {
  return kind === 'pairs'
    ? bytePairTokenizer(texts, { size: vocabulary ?? PAIRS, special })
    : tokenizer(texts, { kind, maxSize: vocabulary, special });
}

/** Tokens of parts of words, unless it is said. */
const PAIRS = 2048;
