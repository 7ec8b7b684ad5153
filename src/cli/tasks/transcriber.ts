import type { Dataset } from '../../data/index.ts';
import {
  batchNorm,
  conv1d,
  ctc,
  ctcBeamSearch,
  ctcGreedy,
  defineLayer,
  gru,
  labelErrorRate,
  linear,
  relu,
  sequential,
  type BatchValues,
  type Layer,
  type Outputs,
  type Transcription,
  type Value,
} from '../../index.ts';
import type { SoundForm } from './recordings.ts';

/** Features of a frame, and units of each direction. */
const [FEATURES, UNITS] = [64, 64];

/** Two convolutions leave a frame of 60 ms: the shortest word has some of them, and CTC learns from few sooner. */
const SLIDES = [
  { taps: 7, stride: 3 },
  { taps: 5, stride: 2 },
] as const;

/** A set whose `length` is of the frames that the network gives. */
export function shortened<F extends string>(set: Dataset<F>): Dataset<F>;
export function shortened(set: Dataset): Dataset {
  const { length } = set.fields;
  const data = Int32Array.from(length.data, (frames) =>
    SLIDES.reduce((left, { stride }) => Math.ceil(left / stride), frames),
  );
  return { length: set.length, fields: { ...set.fields, length: { ...length, data } } };
}

/** A set each of whose strings has room for so many words: those of the longest may be fewer. */
export function roomy(set: Dataset, words: number): Dataset {
  const { labels } = set.fields;
  const [own] = labels.shape;
  const data = new Int32Array(set.length * words);
  labels.data.forEach((label, at) => (data[Math.floor(at / own) * words + (at % own)] = label));
  return { length: set.length, fields: { ...set.fields, labels: { ...labels, data, shape: [words] } } };
}

/** Frames `[N, frames, features]`, and how many the network gives of each sample. */
export interface Spoken {
  readonly x: Value;
  readonly length: Value;
}

/** What stands for no word: the class behind all words. */
const blankOf = ({ classes }: SoundForm): number => classes.length;

/** By frame a logit for each word and for none, and the words by the likeliest of each frame. */
export interface Transcript {
  readonly logits: Value<'f32'>;
  readonly greedy: Value<'i32'>;
}

/** Two convolutions over time, each with a norm, and a recurrent net that reads them forward and backward. */
export function transcriber(form: SoundForm): Layer<Spoken, Transcript> {
  const front = sequential(
    // Of `same`, where windows begin depends on how many frames there are.
    ...SLIDES.flatMap(({ taps, stride }, at) => {
      const features = at === 0 ? form.statistics.mean.length : FEATURES;
      return [conv1d(features, FEATURES, taps, { stride, padding: (taps - 1) / 2 }), batchNorm(FEATURES), relu];
    }),
  );
  const both = gru(FEATURES, UNITS, { bidirectional: true });
  const head = linear(2 * UNITS, form.classes.length + 1);
  return defineLayer({
    name: 'transcriber',
    apply({ x, length }: Spoken, _, context) {
      const read = context.apply(both, { x: context.apply(front, x, 'front'), lengths: length }, 'gru');
      const logits = context.apply(head, read, 'head');
      return { logits, greedy: ctcGreedy(logits, { lengths: length, blank: blankOf(form) }).labels };
    },
  });
}

export const transcriberLayers: readonly string[] = [
  ...SLIDES.flatMap(() => ['conv1d', 'batchNorm', 'relu']),
  'gru',
  'linear',
];

/** What goes into a transcriber, and what it is compared with. */
export const transcriberRoles = { inputs: ['x', 'length'], targets: 'labels' } as const;

/** CTC of what a transcriber gives. */
export const transcriptionLoss =
  (form: SoundForm) =>
  ({ logits }: Transcript, { labels, labelLength, length }: BatchValues): Value =>
    ctc(logits, labels, { inputLengths: length, labelLengths: labelLength, blank: blankOf(form) });

/** How much of what was said is told wrong, left out, or told besides, as a share of it: 0 … 1, or more. */
interface ErrorRates {
  readonly greedy: number;
  readonly beam: number;
}

/** Errors of a transcriber on a set. */
export function errorRatesOf(set: Dataset, outputs: Outputs<Transcript>, form: SoundForm): ErrorRates {
  const { labels, labelLength } = set.fields;
  const [most] = labels.shape;
  const said = Array.from(labelLength.data, (count, at) => labels.data.slice(at * most, at * most + count));
  const found = wordsIn(set, outputs, form).map((words) => words.labels);
  return { greedy: labelErrorRate(outputs.greedy, said), beam: labelErrorRate(found, said) };
}

/** The likeliest words of each sample. */
export const wordsIn = ({ fields }: Dataset, { logits }: Outputs<Transcript>, form: SoundForm): Transcription[] =>
  ctcBeamSearch(logits, { lengths: fields['length'].data, blank: blankOf(form) });
