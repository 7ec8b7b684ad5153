import type {
  AugmentOptions,
  AugmentSequencesOptions,
  Batches,
  CommonOptions,
  Evaluation,
  Layer,
  LossOptions,
  Model,
  Predictor,
  Trainer,
} from '../../index.ts';
import type { Dataset } from '../../data/index.ts';
import type { ModelName, PredictCommand, TrainCommand } from '../command/commands.ts';
import type { Classified } from '../evaluationReport.ts';
import type { Terminal } from '../terminal.ts';
import type { ImageForm } from './images.ts';
import type { TextForm } from './languageModel.ts';
import type { SeriesInput } from './series.ts';
import type { SoundForm } from './recordings.ts';
import type { LinesInput } from './sentiments.ts';
import type { TranslationForm } from './translations.ts';
import type { TableInput } from './tables.ts';

/** What a model takes in and gives out. */
export type InputForm = ImageForm | SoundForm | TableInput | SeriesInput | TextForm | LinesInput | TranslationForm;

/** All that a model is but for its numbers. */
export interface ModelForm<I extends InputForm = InputForm> {
  readonly input: I;
  /** `mlp` if left out, as in files of old. */
  readonly model?: ModelName;
  /** Widths of an mlp's hidden layers. */
  readonly hidden: readonly number[];
}

/** What is to be learned. */
export interface LearningTask<I extends InputForm = InputForm> {
  /** In one line: what it is, where it came from, how much of it there is. */
  readonly about: string;
  /** What a user would not expect of it. */
  readonly notes: readonly string[];
  /** Where it came from, for reports. */
  readonly from: string;
  readonly train: Dataset;
  readonly test: Dataset;
  /** The samples of `train` in batches that differ in shape, if that spares much; of the size that the settings say. */
  readonly batches?: Batches;
  readonly input: I;
}

/** What loading may say, and what ends it. */
export interface Loading {
  readonly signal: AbortSignal;
  /** Null says nothing. */
  readonly terminal: Terminal | null;
}

/** What happens to samples in training. */
export type Changes = AugmentOptions | AugmentSequencesOptions;

/** How is learned what nobody said otherwise of. */
export interface Defaults {
  readonly hidden?: readonly number[];
  readonly batch: number;
  readonly epochs: number;
  /** In place of epochs. */
  readonly steps?: number;
  readonly optimizer: 'adam' | 'adamw' | 'sgd';
  readonly weightDecay: number;
  readonly learningRate?: number;
  /** Steps in which the learning rate rises to what it is. */
  readonly warmUp?: number;
  /** The share of the learning rate that a cosine ends at: 0. */
  readonly least?: number;
  /** How long Adam remembers squares of gradients: see `adam`. */
  readonly beta2?: number;
  /** The longest that the gradient may be. */
  readonly clip?: number;
}

/** What is judged, and who is told. */
export interface Judged<I extends InputForm = InputForm> {
  readonly command: TrainCommand;
  readonly learningTask: LearningTask<I>;
  readonly trainer: Trainer;
  /** Null says nothing. */
  readonly terminal: Terminal | null;
}

/** How well a model does on samples that it has not seen, as a sentence and as a report's fields. */
export interface Judgement {
  readonly sentence: string;
  readonly figures: { readonly testLoss: number } & Readonly<Record<string, number | null>>;
  /** Of classes, where somebody looks. */
  readonly said?: Classified;
}

/** What a model is asked. */
export interface Question {
  readonly data: Dataset;
  readonly notes: readonly string[];
}

/**
 * Everything that depends on what is learned from, images or tables or sounds: what models of it are, how they learn, how
 * they are judged, and what they are asked. How such samples are found and read is a function beside it, `load…`.
 */
export interface Task<I extends InputForm> {
  /** Those that there are of it. */
  readonly models: readonly ModelName[];
  /**
   * The model of a form, or another one in its place, where the task takes one. Its parameters have the same names whether or
   * not samples are changed in front of it.
   */
  network(form: ModelForm<I>, changes: Changes | null, other?: Layer): Model;
  /** The field that a model of another framework's sees, if such may take the place of one of ours. */
  readonly seen?: string;
  /** The same in words. */
  layersOf(form: ModelForm<I>): readonly string[];
  /** How many weights a form describes at least, where its widths are the file's word; else 0. */
  sizeOf?(form: ModelForm<I>): number;
  /** The loss, and what it is compared with, where there are several fields. */
  learnedBy(input: I): Pick<LossOptions, 'loss' | 'targets'>;
  /** The fields that go into the model, where there are several. */
  inputs?(form: ModelForm<I>): LossOptions['inputs'];
  /** What its samples are like, for who writes the model elsewhere; left out where that depends on more than the form. */
  samples?(input: I): CommonOptions['data'] & {};
  /** The classes that its field `label` counts, where it has such. */
  classes?(input: I): readonly string[] | undefined;
  defaults(command: TrainCommand, samples: number): Defaults;
  /** What is to happen to samples in training; null: nothing. */
  changes?(command: TrainCommand): Changes | null;
  /** @param evaluation loss and metrics on what is held out */
  judge(judged: Judged<I>, evaluation: Evaluation): Promise<Judgement>;
  /** What a model's file says of it, and nothing else. @throws FormatError naming the file where that does not do */
  read(given: Partial<I>, path: string): I;
  /** What `predict` does, or the command that there is instead of it. */
  readonly predict: Predicts<I> | Instead;
}

/** What `predict` asks of a file, and says of it. */
export interface Predicts<I extends InputForm> {
  /** Whether a file may be of pictures, of which more can be said. */
  readonly takesPictures?: true;
  question(command: PredictCommand, form: ModelForm<I>): Promise<Question>;
  /** Line by line, as CSV. */
  answer(form: ModelForm<I>, data: Dataset, predictor: Pick<Predictor, 'predict'>): Promise<string[]>;
}

export interface Instead {
  readonly instead: 'generate' | 'translate' | 'chat';
}
