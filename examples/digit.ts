// Say a digit. Two recurrent nets listen to a word frame by frame: a plain one, and an LSTM. Only when it has ended are they
// asked which digit it was; the error is known there, and flows back through all the frames that were heard. What they learn
// from are words that this page speaks by itself, or recordings that it is given.

import {
  adam,
  augmentSequences,
  createTrainer,
  crossEntropy,
  features,
  linear,
  logMel,
  lstm,
  reshape,
  rnn,
  type Context,
  type Dataset,
  type RecurrentLayer,
  type Sequenced,
  type Trainer,
  type Value,
} from '../src/index.ts';
import { standardized, type Recording } from '../src/data/index.ts';
import { digitNames, SAMPLE_RATE, spokenDigits } from './stage/digitWords.ts';
import { openForgetGates } from './stage/forgetGates.ts';
import { UNKNOWN, type Recordings } from './stage/givenRecordings.ts';
import { LossChart } from './stage/lossChart.ts';
import { lossText, percent, restart, show } from './stage/page.ts';
import { Score } from './stage/score.ts';
import { SoundDesk } from './stage/soundDesk.ts';
import { perform } from './stage/stage.ts';

// A frame is 32 ms of sound; there is room for a second of them.
const front = logMel({ sampleRate: SAMPLE_RATE, frame: 32, hop: 16, mels: 24, low: 100, floor: 0.03 });
const [FRAMES, MELS, UNITS, DIGITS] = [64, front.features, 32, digitNames.length];
const BATCH = 32;

type Field = 'x' | 'length' | 'label';
type Heard = Dataset<Field>;
type Told = Record<'answer' | 'told' | 'sequence', Value<'f32'>>;

/** What is heard, in f32[FRAMES, MELS] a sound, each sound standardised by itself: so a microphone's tone does not matter. */
const hear = async (sounds: readonly Recording[], device?: GPUDevice): Promise<Heard> =>
  standardized(await features(sounds, front, { frames: FRAMES, backend: 'auto', device }));

/** A net, and what it answers: at the end of the word, which is what it is taught, and as if it had ended at each frame. */
function listener(net: RecurrentLayer<Sequenced>) {
  const blurred = augmentSequences({ noise: 0.3, featureMasks: { count: 1, longest: 4 } });
  const tell = linear(UNITS, DIGITS);
  return ({ x, length: lengths }: Record<'x' | 'length', Value>, context: Context): Told => {
    const { sequence, hidden } = context.apply(net, { x: context.apply(blurred, x), lengths });
    const atEnd = reshape(hidden, [-1, UNITS]);
    return { answer: context.apply(tell, atEnd, 'tell'), told: context.apply(tell, sequence, 'tell'), sequence };
  };
}

/** Probabilities from logits, `[…, DIGITS]`. */
function softmax(logits: Float32Array): Float32Array {
  const exponentials = logits.map(Math.exp);
  const sumAt = (at: number): number => {
    const first = at - (at % DIGITS);
    return exponentials.subarray(first, first + DIGITS).reduce((sum, each) => sum + each, 0);
  };
  return exponentials.map((each, at) => each / sumAt(at));
}

/** How loud each pitch is, in 0 … 1: from a deviation below what is usual in a sound to two and a half above it. */
const loudnessIn = ({ fields: { x } }: Heard): Float32Array =>
  Float32Array.from(x.data, (deviations) => Math.min(1, Math.max(0, (deviations + 1) / 3.5)));

const likeliest = (numbers: Float32Array): number => numbers.indexOf(Math.max(...numbers));

/** The length of ∂loss / ∂x at each frame: all that comes from the frames behind it, for the loss is of the last alone. */
async function errorByFrame(trainer: Trainer, { fields: { x, length } }: Heard, label: number): Promise<number[]> {
  const { layers } = await trainer.inspect({ x: x.data, length: length.data, label: [label] });
  const { gradient } = layers.find(({ kind }) => kind === 'augmentSequences')!;
  const squares = new Array<number>(length.data[0]).fill(0);
  squares.forEach((_, frame) => {
    for (let mel = 0; mel < MELS; mel++) squares[frame] += gradient![frame * MELS + mel] ** 2;
  });
  return squares.map(Math.sqrt);
}

interface Sound {
  readonly recording: Recording;
  readonly heard: Heard;
}

let words: Recordings = {
  train: spokenDigits(600, 1),
  test: spokenDigits(96, 2),
  origin: 'Learns from 600 words that this page speaks by itself, and is judged by 96 others.',
};
let sound: Sound | undefined;
let spoken = 0;

const score = new Score({ frames: FRAMES, pitches: MELS, classes: DIGITS, units: UNITS });
const lines = [
  { label: 'Plain', token: '--one' },
  { label: 'LSTM', token: '--two' },
];
const chart = new LossChart('chart', lines);

/** Asks both nets what a sound is, and paints what they make of it. @returns it in figures */
async function ask(
  { recording, heard }: Sound,
  trainers: readonly Trainer<Field, Told>[],
): Promise<Record<string, string>> {
  const told = await Promise.all(trainers.map((trainer) => trainer.predict(heard)));
  const answers = told.map(({ outputs }) => likeliest(outputs.answer.data));
  const [plain, gated] = answers.map((digit) => digitNames[digit]);
  // Of a voice that nobody labelled, it is the error that the net would have if its answer were right.
  const label = recording.label === UNKNOWN ? answers[1] : recording.label;
  const errors = await Promise.all(trainers.map((trainer) => errorByFrame(trainer, heard, label)));
  const { told: logits, sequence } = told[1].outputs;
  score.show({
    length: heard.fields.length.data[0],
    loudness: loudnessIn(heard),
    probabilities: softmax(logits.data),
    hidden: sequence.data,
    errors: errors.map((error, at) => ({ ...lines[at], error })),
  });
  const [plainLeft, gatedLeft] = errors.map((error) => lossText(error[0] / error.at(-1)!));
  const figures = { 'plain-answer': plain, answer: gated, 'plain-left': plainLeft, left: gatedLeft };
  return { ...figures, heard: `${recording.name}: the LSTM hears “${gated}”, the plain net “${plain}”.` };
}

const repaint = perform({ lastStep: 400, stepsAtOnce: 4 }, async ({ seed, rate, forget }, device) => {
  show('origin', words.origin);
  const [learned, judged] = [await hear(words.train, device), await hear(words.test, device)];
  const nets = [rnn(MELS, UNITS, { returns: 'all' }), lstm(MELS, UNITS, { returns: 'all' })];
  const trainers = await Promise.all(
    nets.map((net) =>
      createTrainer({
        model: listener(net),
        // From the labels it also tells the share of right answers.
        loss: ({ answer }, batch) => crossEntropy(answer, batch),
        targets: 'label',
        optimizer: adam({ learningRate: rate }),
        batchSize: Math.min(BATCH, learned.length),
        seed,
        backend: 'auto',
        device,
        data: learned,
      }),
    ),
  );
  await openForgetGates(trainers[1], forget);
  chart.clear();
  let plainLoss = NaN;

  return {
    trainers,
    async train(steps) {
      const runs = trainers.map(async (trainer) => {
        const reports = [];
        for await (const report of trainer.fit(learned, { steps })) reports.push(report);
        return reports;
      });
      const [plain, gated] = await Promise.all(runs);
      gated.forEach(({ step, loss }, at) => chart.push(step, plain[at].loss, loss));
      plainLoss = plain.at(-1)!.loss;
      return gated.at(-1)!;
    },
    async paint() {
      chart.paint();
      const accuracies = await Promise.all(trainers.map(async (trainer) => (await trainer.evaluate(judged)).accuracy));
      const [plainAccuracy, accuracy] = accuracies.map((share) => percent(share));
      const figures = {
        accuracy,
        'plain-accuracy': plainAccuracy,
        'plain-loss': Number.isNaN(plainLoss) ? '–' : lossText(plainLoss),
      };
      return sound ? { ...figures, ...(await ask(sound, trainers)) } : figures;
    },
  };
});

const desk = new SoundDesk({
  sampleRate: SAMPLE_RATE,
  next: () => words.test[spoken++ % words.test.length],
  async hear(recording) {
    sound = { recording, heard: await hear([recording]) };
    repaint();
  },
  follow: (seconds) => void score.follow(seconds),
  learn(recordings) {
    words = recordings;
    spoken = 0;
    restart();
  },
});
void desk.next(false);
