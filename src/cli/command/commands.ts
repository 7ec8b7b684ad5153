import type { BackendName } from '../../core/places.ts';
import type { Ground } from '../../data/index.ts';
import type { FlowerLayout } from '../../flower/index.ts';
import type { OnNaN } from '../../index.ts';

/* What can be asked for on the command line. */

/** The models of images; all but the first are convolutional. */
export const modelNames = ['mlp', 'cnn', 'lenet', 'resnet8', 'resnet14', 'resnet18'] as const;
/** The models that read words and series step by step. */
export const recurrentNames = ['lstm', 'gru'] as const;
/** The models of text that look at all of it at once: `gpt` at what came before, `transformer` at all. */
export const attentionNames = ['gpt', 'transformer'] as const;
export type ImageModelName = (typeof modelNames)[number];
export type RecurrentName = (typeof recurrentNames)[number];
export type ModelName = ImageModelName | RecurrentName | (typeof attentionNames)[number];

export const isRecurrent = (model: ModelName | undefined): model is RecurrentName =>
  recurrentNames.some((name) => name === model);

/** What is learned of text, with the models that can; the first is taken if none is named. */
export const textModels = {
  text: ['gpt', ...recurrentNames],
  sentiment: ['cnn', ...recurrentNames, 'transformer'],
  translation: ['transformer'],
  dialogue: ['gpt', ...recurrentNames],
} as const satisfies Readonly<Record<string, readonly ModelName[]>>;
export type TextKind = keyof typeof textModels;

export const isTextual = (dataset: string): dataset is TextKind => Object.keys(textModels).includes(dataset);

/** What stands for a text's pieces: see `tokenizer`. */
export const tokenizerNames = ['characters', 'bytes', 'words', 'pairs'] as const;

/** Sets of images; any other word is a file. */
export const imageSets = ['mnist', 'fashion-mnist', 'cifar10', 'digits'] as const;
export type ImageSet = (typeof imageSets)[number];

/** What a run of training is asked for; what is undefined depends on the data. */
export interface TrainCommand {
  readonly command: 'train';
  /** `mnist`, `fashion-mnist`, `cifar10`, `digits`, `speech`, a kind of text, or the path of a table. */
  readonly dataset: string;
  /** Where texts are. */
  readonly files: readonly string[];
  readonly text: TextWishes;
  /** How many parts of labelled lines are each to be told by what is learned of the others. */
  readonly folds: number | undefined;
  /** Which of them is held out in this run. */
  readonly fold?: FoldWish;
  readonly data: string | undefined;
  readonly epochs: number | undefined;
  readonly steps: number | undefined;
  readonly batch: number | undefined;
  readonly learningRate: number | undefined;
  readonly weightDecay: number | undefined;
  readonly optimizer: 'adam' | 'adamw' | 'sgd' | undefined;
  readonly schedule: 'cosine' | 'constant';
  readonly model: ModelName;
  /** Of an mlp. */
  readonly hidden: readonly number[] | undefined;
  /** Whether images are changed at random, as is usual for their set; undefined: where the model gains by it. */
  readonly augment: boolean | undefined;
  /** What lies behind what is transparent in pictures. */
  readonly ground: Ground | undefined;
  readonly backend: BackendName;
  readonly seed: number;
  /** What becomes of a step in which a number is NaN or infinite. */
  readonly onNaN: OnNaN;
  readonly table: TableWishes;
  /** How a table whose rows follow each other in time is to be forecast; undefined: its rows stand for themselves. */
  readonly sequence: SequenceWishes | undefined;
  /** Whether strings of spoken words are learned, and not one word at a time. */
  readonly transcribe: boolean;
  /** The speaker of FSDD of whom nothing is learned, and who is judged by. */
  readonly leaveOut: string | undefined;
  /** A model that training begins with: of another framework, or one that `train --save` wrote. */
  readonly from: string | undefined;
  readonly save: string | undefined;
  /** The folder of checkpoints. */
  readonly checkpoint: string | undefined;
  /** Whether the newest of them is gone on from. */
  readonly resume: boolean;
  readonly report: string | undefined;
  /** The folder for pictures of what was learned. */
  readonly pictures: string | undefined;
  /** Steps to time, once all are taken. */
  readonly profile: number | undefined;
  readonly quiet: boolean;
}

/** How a table is to be read, where its cells do not tell. */
export interface TableWishes {
  readonly target: string | number | undefined;
  readonly task: 'classification' | 'regression' | undefined;
  readonly heldOut: number | undefined;
  readonly drop: readonly (string | number)[] | undefined;
  readonly header: boolean | undefined;
  readonly delimiter: string | undefined;
  readonly decimal: '.' | ',' | undefined;
  readonly missing: readonly string[] | undefined;
}

/** One of so many equal parts. */
export interface FoldWish {
  readonly at: number;
  readonly of: number;
}

/** How large a model of text is, and what it reads; what is undefined is usual. */
export interface TextWishes {
  readonly tokenizer: (typeof tokenizerNames)[number] | undefined;
  /** The most tokens that are told apart. */
  readonly vocabulary: number | undefined;
  /** The most tokens that are looked at together. */
  readonly context: number | undefined;
  readonly layers: number | undefined;
  readonly heads: number | undefined;
  readonly width: number | undefined;
  /** The share of a layer's numbers that is dropped in training. */
  readonly dropout: number | undefined;
}

/** How many steps are seen and told; what is undefined is usual. */
export interface SequenceWishes {
  readonly length: number | undefined;
  readonly horizon: number | undefined;
}

/** How a node takes part in a federation; what is undefined is usual. */
export interface NodeCommand {
  readonly command: 'node';
  /** What it learns from, and how; `epochs` and `steps` are a round's. */
  readonly learning: TrainCommand;
  /** Where the SuperLink is. */
  readonly superlink: string;
  /** The file of its private key. */
  readonly key: string | undefined;
  readonly layout: FlowerLayout;
  /** PyTorch's names of modules, by those that they have here. */
  readonly names: Readonly<Record<string, string>> | undefined;
  /** Its share of the samples that are learned from. */
  readonly part: FoldWish | undefined;
  /** The classes that it learns from, as they were said: `0-4`, `cat`. */
  readonly labels: readonly string[] | undefined;
  /** What becomes of moments and schedule between rounds. */
  readonly optimizerState: 'reset' | 'keep';
  /** It leaves when so many have ended. */
  readonly runs: number | undefined;
  /** Seconds for which a lost connection is tried again. */
  readonly patience: number | undefined;
  readonly heartbeat: number | undefined;
}

export interface PredictCommand {
  readonly command: 'predict';
  /** The file that `train --save` wrote. */
  readonly model: string;
  /** A table, or images: IDX, PNG, or a batch of CIFAR-10's binary form. */
  readonly input: string;
  readonly backend: BackendName;
  readonly table: TableWishes;
  readonly pictures: PictureWishes;
}

/** How a picture is to be seen, where it does not tell itself. */
export interface PictureWishes {
  /** What lies behind what is transparent; what the model was trained on, if left out. */
  readonly ground?: Ground | undefined;
  /** Whether it becomes its negative; only where nothing is seen otherwise, if left out. */
  readonly invert?: boolean | undefined;
}

/** What a file holds. */
export interface InspectCommand {
  readonly command: 'inspect';
  readonly file: string;
  readonly report: string | undefined;
}

/** A model, or numbers, in another format. */
export interface ConvertCommand {
  readonly command: 'convert';
  readonly input: string;
  readonly output: string;
  /** Extents of a sample, of each input, where the file leaves them open. */
  readonly shape: readonly number[] | undefined;
  readonly opset: number | undefined;
}

export interface DevicesCommand {
  readonly command: 'devices';
}

/** How one token is chosen of those that may come next; what is undefined is usual. */
export interface Sampling {
  readonly temperature: number | undefined;
  readonly topK: number | undefined;
  readonly topP: number | undefined;
  readonly seed: number;
}

export interface GenerateCommand extends Sampling {
  readonly command: 'generate';
  /** The file that `train text --save` wrote. */
  readonly model: string;
  readonly prompt: string;
  readonly tokens: number;
  readonly backend: BackendName;
}

export interface TranslateCommand {
  readonly command: 'translate';
  /** The file that `train translation --save` wrote. */
  readonly model: string;
  /** A sentence a line; what comes in, if left out. */
  readonly input: string | undefined;
  /** What its translations are compared with, a line each. */
  readonly reference: string | undefined;
  readonly beams: number;
  readonly backend: BackendName;
}

export interface ChatCommand extends Sampling {
  readonly command: 'chat';
  /** The file that `train dialogue --save` wrote. */
  readonly model: string;
  readonly backend: BackendName;
}

export type Command =
  | TrainCommand
  | NodeCommand
  | PredictCommand
  | GenerateCommand
  | TranslateCommand
  | ChatCommand
  | InspectCommand
  | ConvertCommand
  | DevicesCommand;
