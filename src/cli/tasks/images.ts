import { sizeOf } from '../../core/shape.ts';
import { bytesText, thousands } from '../../core/textFormat.ts';
import {
  augment,
  cnn,
  crossEntropy,
  FormatError,
  lenet,
  resnet,
  type AugmentOptions,
  type Context,
  type Layer,
  type Value,
} from '../../index.ts';
import { cifar10Classes, type Mnist, type MnistOptions, type SyntheticDigitsOptions } from '../../data/index.ts';
import { drawn } from '../../data/mnist/load.ts';
import { syntheticMnist } from '../../data/mnist/mnist.ts';
import { cifar10, fashionMnist, mnist } from '../../node/data.ts';
import { folder } from '../../node.ts';
import { modelNames, type ImageModelName, type ImageSet, type TrainCommand } from '../command/commands.ts';
import { formatMistakes } from '../evaluationReport.ts';
import { levelsOf, type Levels } from '../pictures/negatives.ts';
import { decodePng } from '../pictures/png.ts';
import { readImages } from '../pictures/readImages.ts';
import { Amount } from '../progress.ts';
import { areFinite, areNames, classLines, judgeClasses } from './classification.ts';
import { perceptron, perceptronLayers, perceptronSize } from './perceptron.ts';
import type { Defaults, LearningTask, Loading, ModelForm, Task } from './task.ts';

/** Images of bytes, and the classes that they are of. */
export interface ImageForm {
  readonly kind: 'image';
  readonly shape: readonly number[];
  readonly classes: readonly string[];
  /** What the model sees of a byte; 0 … 1 if left out. */
  readonly scaling?: { readonly scale: number; readonly offset: number };
  /** How light those are that it was trained on; not in files of old. */
  readonly levels?: Levels;
}

const DIGITS = Array.from({ length: 10 }, (_, digit) => String(digit));

/** Source: github.com/zalandoresearch/fashion-mnist */
const CLOTHES = 'T-shirt,trouser,pullover,dress,coat,sandal,shirt,sneaker,bag,ankle boot'.split(',');

/** A set of images; null where a command names none. */
export function loadImageSet(command: TrainCommand, loading: Loading): Promise<LearningTask<ImageForm>> | null {
  switch (command.dataset as ImageSet) {
    case 'mnist':
      return loadImages('MNIST', DIGITS, mnist, command, loading);
    case 'fashion-mnist':
      return loadImages('Fashion-MNIST', CLOTHES, fashionMnist, command, loading);
    case 'cifar10': {
      // Nothing is drawn in its place.
      const load = ({ synthetic: _synthetic, ...options }: MnistOptions): Promise<Mnist> =>
        cifar10({ ...options, decode: decodePng, ground: command.ground });
      return loadImages('CIFAR-10', cifar10Classes, load, command, loading);
    }
    case 'digits':
      return drawnDigits(command.seed, loading);
    default:
      return null;
  }
}

const drawnDigits = async (seed: number, loading: Loading): Promise<LearningTask<ImageForm>> =>
  imageTask('Synthetic digits', DIGITS, await drawn(syntheticMnist, toDraw(seed, loading)));

/** As many digits as MNIST has, under the run's own seed. */
function toDraw(seed: number, { signal, terminal }: Loading): SyntheticDigitsOptions {
  const amount = new Amount(terminal);
  const progress = (done: number, total: number): void =>
    amount.show(done, total, `drawing  ${thousands(done)} of ${thousands(total)} digits`);
  return { train: 60_000, test: 10_000, seed, progress, signal };
}

async function loadImages(
  title: string,
  classes: readonly string[],
  load: (options: MnistOptions) => Promise<Mnist>,
  { data, seed }: TrainCommand,
  loading: Loading,
): Promise<LearningTask<ImageForm>> {
  const download = new Amount(loading.terminal);
  const set = await load({
    source: data === undefined ? undefined : folder(data),
    signal: loading.signal,
    progress: ({ received, total }) =>
      download.show(received, total, `downloading  ${bytesText(received)} of ${bytesText(total)}`),
    // Said even to those who want one line only: digits of another kind are another result.
    warn: (text) => void process.stderr.write(`${text}\n`),
    synthetic: toDraw(seed, loading),
  }).finally(() => download.close());
  return imageTask(set.origin.kind === 'synthetic' ? 'Synthetic digits' : title, classes, set);
}

function imageTask(title: string, classes: readonly string[], { train, test, origin }: Mnist): LearningTask<ImageForm> {
  const { data, shape, scale } = train.fields['image'];
  return {
    about: `${title} from ${origin.text}: ${thousands(train.length)} training and ${thousands(test.length)} test images`,
    notes: [],
    from: origin.text,
    train,
    test,
    input: {
      kind: 'image',
      shape,
      classes,
      ...(scale && { scaling: scale }),
      levels: levelsOf(data as Uint8Array, shape),
    },
  };
}

const widthsOf = ({ input, hidden }: ModelForm<ImageForm>): readonly number[] => [
  sizeOf(input.shape),
  ...hidden,
  input.classes.length,
];

/** The model, without what happens to images in training. */
function plainNetwork(form: ModelForm<ImageForm>): Layer {
  const { input, model = 'mlp' } = form;
  if (model === 'mlp') return perceptron(widthsOf(form));
  const [rows, columns, channels = 1] = input.shape;
  const options = { channels, classes: input.classes.length };
  if (model === 'cnn') return cnn({ ...options, size: [rows, columns] });
  if (model === 'lenet') return lenet({ ...options, size: [rows, columns] });
  return resnet(Number(model.slice('resnet'.length)), options);
}

/** As He et al. 2015, 4.2, but for fewer steps. */
const resnetDefaults: Defaults = { batch: 128, epochs: 30, optimizer: 'sgd', weightDecay: 5e-4 };

const defaults: Readonly<Record<ImageModelName, Defaults>> = {
  mlp: { hidden: [128], batch: 128, epochs: 4, optimizer: 'adam', weightDecay: 0 },
  lenet: { batch: 128, epochs: 8, optimizer: 'adamw', weightDecay: 0.01 },
  cnn: { batch: 64, epochs: 12, optimizer: 'adamw', weightDecay: 0.05 },
  resnet8: resnetDefaults,
  resnet14: resnetDefaults,
  resnet18: resnetDefaults,
};

/** Writing varies in place, slant and size. */
const writing: AugmentOptions = { shift: 2, rotate: 10, scale: 0.1 };

/**
 * What usually happens to the images of a set, whosever files it is read from. What may vary without becoming something
 * else is known of what they show, not of their pixels: a mirrored digit is none, and clothes lie as straight as they fit.
 */
const changesOf: Readonly<Record<ImageSet, AugmentOptions>> = {
  mnist: writing,
  digits: writing,
  'fashion-mnist': { shift: 1, flip: true },
  // As He et al. 2015, 4.2.
  cifar10: { shift: 4, flip: true },
};

function read(given: Partial<ImageForm>, path: string): ImageForm {
  if (!isImages(given))
    throw new FormatError(
      `[model] ${path} does not say what it takes in: give a file that \`millrace train --save\` wrote`,
    );
  const { kind, shape, classes, scaling, levels } = given;
  if (levels && !areLevels(levels))
    throw new FormatError(
      `[model] ${path} does not say how light its images are: give a file that \`millrace train --save\` wrote`,
    );
  if (scaling && !areFinite(scaling.scale, scaling.offset))
    throw new FormatError(
      `[model] ${path} does not say how its images are scaled: give a file that \`millrace train --save\` wrote`,
    );
  return { kind, shape, classes, ...(scaling && { scaling }), ...(levels && { levels }) };
}

/** Height, width and channels, if there are several, and the names of classes. */
function isImages(given: Partial<ImageForm>): given is ImageForm {
  const { shape, classes } = given;
  const isShape = Array.isArray(shape) && [2, 3].includes(shape.length);
  return isShape && shape.every((extent) => Number.isSafeInteger(extent) && extent > 0) && areNames(classes);
}

const areLevels = ({ ground, border, whole }: Partial<Levels>): boolean =>
  Array.isArray(ground) &&
  [1, 3].includes(ground.length) &&
  areFinite(...ground, border?.mean, border?.deviation, whole?.mean, whole?.deviation);

export const images: Task<ImageForm> = {
  models: modelNames,
  seen: 'image',
  samples: ({ shape, scaling }) => ({ image: { shape, dtype: 'u8', ...(scaling && { scale: scaling }) } }),
  network(form, changes, network = plainNetwork(form)) {
    if (!changes) return network;
    const changed = augment(changes as AugmentOptions);
    return (x: Value, context: Context) => context.apply(network, context.apply(changed, x, 'augment'), '');
  },
  layersOf(form) {
    const { model = 'mlp' } = form;
    return model === 'mlp' ? perceptronLayers(widthsOf(form)) : [model];
  },
  sizeOf: (form) => ((form.model ?? 'mlp') === 'mlp' ? perceptronSize(widthsOf(form)) : 0),
  learnedBy: () => ({ loss: crossEntropy }),
  classes: ({ classes }) => classes,
  defaults: ({ model }) => defaults[model as ImageModelName],
  // If it is not said, with convolutional models only.
  changes: ({ augment: wished, model, dataset }) =>
    (wished ?? model !== 'mlp') ? changesOf[dataset as ImageSet] : null,
  judge: (judged, evaluation) =>
    judgeClasses(judged, judged.learningTask.input.classes, evaluation, (said, terminal) =>
      formatMistakes(judged.learningTask.test, said, terminal),
    ),
  read,
  predict: {
    takesPictures: true,
    question: ({ input: path, pictures }, { input }) => readImages(path, input, pictures),
    answer: async ({ input: { classes } }, data, predictor) =>
      classLines('class', classes, (await predictor.predict(data)).data),
  },
};
