import { basename, extname } from 'node:path';
import { counted, thousands } from '../../core/textFormat.ts';
import { crossEntropy, FormatError, type Context, type Model } from '../../index.ts';
import {
  bucketedLines,
  dataset,
  encodeTexts,
  folds,
  labelledLines,
  linesOfTable,
  readClassFiles,
  readLabelledLines,
  readLinesForm,
  readTokenizer,
  split,
  tokenizer,
  type Dataset,
  type LabelledLine,
  type LinesForm,
} from '../../data/index.ts';
import { isFolder } from '../../node/folder.ts';
import { textFiles } from '../../node/textFiles.ts';
import { isRecurrent, textModels, type TrainCommand } from '../command/commands.ts';
import { percent } from '../terminal.ts';
import { classLines, judgeClasses } from './classification.ts';
import {
  attentiveReader,
  convolutionsOverWords,
  recurrentReader,
  withNgrams,
  type Line,
  type LineClassifier,
} from './lineClassifiers.ts';
import { leastSize, readSize, sizeOf, type Size } from './languageModel.ts';
import { openTable } from './tables.ts';
import type { Defaults, LearningTask, ModelForm, Task } from './task.ts';
import { bytesOfText, openLines } from './textFiles.ts';

/* Lines of text of which is told what they are of: good or bad, or whichever classes there are. */

/** Lines, and the classes that they are of. */
export interface LinesInput extends Size {
  readonly kind: 'lines';
  readonly lines: LinesForm;
}

/** Lines of a table, of a file that names the label of each, or of a folder with a file for each class. */
async function linesAt(path: string, command: TrainCommand): Promise<readonly LabelledLine[]> {
  if (['.csv', '.tsv'].includes(extname(path.replace(/\.gz$/i, '')))) {
    return linesOfTable(await openTable(path, command.table));
  }
  if (await isFolder(path)) return readClassFiles(await textFiles(path));
  return readLabelledLines(basename(path), await bytesOfText(path));
}

/** The share that is held out where nothing else is said. */
const HELD_OUT = 0.1;

/** Lines to learn from, and lines to judge by. */
async function partsOf(command: TrainCommand): Promise<(readonly LabelledLine[])[]> {
  const { files, table, seed, fold } = command;
  const [lines, apart] = await Promise.all(files.map((path) => linesAt(path, command)));
  if (apart) return [lines, apart];
  const classes = [...new Set(lines.map(({ label }) => label))];
  const places = dataset({
    at: Int32Array.from(lines, (_, at) => at),
    label: Int32Array.from(lines, ({ label }) => classes.indexOf(label)),
  });
  const options = { seed, stratify: 'label' } as const;
  const parts = fold
    ? Object.values(folds(places, fold.of, options)[fold.at])
    : split(places, 1 - (table.heldOut ?? HELD_OUT), options);
  return parts.map(({ fields }: Dataset) => Array.from(fields['at'].data, (at) => lines[at]));
}

const usualSize: Size = { layers: 1, heads: 4, width: 64, dropout: 0.5 };
/** Words of a run that has a weight of its own, at most. */
const NGRAMS = 2;

export async function loadSentiments(command: TrainCommand): Promise<LearningTask<LinesInput>> {
  const size = sizeOf(command.text, usualSize);
  const [learned, held] = await partsOf(command);
  const words = tokenizer(
    learned.map(({ text }) => text),
    { kind: 'words', maxSize: command.text.vocabulary },
  );
  const train = labelledLines(learned, { tokenizer: words, length: command.text.context, ngrams: NGRAMS });
  const test = labelledLines(held, { form: train.form });
  const batchSize = command.batch ?? defaults(learned.length).batch;
  const batches = bucketedLines(train, { batchSize, seed: command.seed });
  const { classes, length } = train.form;
  const from = command.files.join(', ');
  return {
    about: `${command.files.map((path) => basename(path)).join(', ')}: ${thousands(learned.length)} lines to learn from and ${thousands(held.length)} held out; one of ${thousands(classes.length)} classes is told, from up to ${thousands(length)} words of ${thousands(words.size)}`,
    notes: [
      `Batches have ${counted(batches.shapes.length, 'length')}, and ${percent(batches.padding, 1)} of them are padding`,
      ...train.notes,
      ...test.notes.map((note) => `of what is held out, ${note}`),
    ],
    from,
    train: train.data,
    test: test.data,
    batches,
    input: { kind: 'lines', lines: train.form, ...size },
  };
}

function classifier({ input, model }: ModelForm<LinesInput>): LineClassifier {
  const { lines, width, heads, layers, dropout } = input;
  const { size: vocabulary, special } = readTokenizer(lines.tokenizer);
  const { padding, unknown } = special as Required<typeof special>;
  const [classes, ngrams] = [lines.classes.length, lines.ngrams!.known.length];
  const options = { vocabulary, padding, unknown, ngrams, classes, width, dropout };
  const reader = isRecurrent(model)
    ? recurrentReader({ ...options, cell: model, layers })
    : model === 'transformer'
      ? attentiveReader({ ...options, heads, layers })
      : convolutionsOverWords(options);
  return withNgrams(reader, options);
}

const defaults = (lines: number): Defaults => ({
  batch: Math.min(50, lines),
  epochs: 6,
  optimizer: 'adamw',
  learningRate: 1e-3,
  weightDecay: 0.01,
});

export const sentiments: Task<LinesInput> = {
  models: textModels.sentiment,
  network(form): Model {
    const network = classifier(form);
    return (line: Line, context: Context) => context.apply(network, line, '');
  },
  layersOf: ({ model }) => ['embedding', model!, 'linear'],
  sizeOf({ input, model }) {
    const { tokenizer: words, ngrams, classes } = input.lines;
    // Convolutions are one layer, whatever was asked for.
    const reader = leastSize(words, model === 'cnn' ? { ...input, layers: 0 } : input);
    return reader + ngrams!.known.length * classes.length;
  },
  learnedBy: () => ({ loss: crossEntropy }),
  classes: ({ lines }) => lines.classes,
  inputs: () => ['tokens', 'length', 'ngrams'],
  defaults: (_, lines) => defaults(lines),
  judge: (judged, evaluation) => judgeClasses(judged, judged.learningTask.input.lines.classes, evaluation),
  read({ lines, ...size }, path) {
    const form = readLinesForm(lines);
    if (!form.ngrams) {
      throw new FormatError(
        `[model] ${path} does not say which runs of words it knows: give a file that \`millrace train --save\` wrote`,
      );
    }
    return { kind: 'lines', lines: form, ...readSize(size, path) };
  },
  predict: {
    async question(command, { input }) {
      return { data: encodeTexts(input.lines, await openLines(command.input)), notes: [] };
    },
    answer: async ({ input: { lines } }, data, predictor) =>
      classLines('class', lines.classes, (await predictor.predict(data)).data),
  },
};
