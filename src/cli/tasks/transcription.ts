import type { Evaluation, Outputs, Predictor } from '../../index.ts';
import type { Dataset } from '../../data/index.ts';
import { thousands } from '../../core/textFormat.ts';
import { percent } from '../terminal.ts';
import { csvCell } from './csvLines.ts';
import { readSoundForm, readSpeech, type SoundForm } from './recordings.ts';
import type { Defaults, Judged, Judgement, Task } from './task.ts';
import {
  errorRatesOf,
  transcriber,
  transcriberLayers,
  transcriberRoles,
  transcriptionLoss,
  wordsIn,
  type Transcript,
} from './transcriber.ts';
import { augmentedSpoken, speaking } from './words.ts';

/* Spoken words, one behind the other in a recording. */

/** Strings take longer than words, and are longer. */
const defaults = (strings: number): Defaults => ({
  batch: Math.min(16, strings),
  epochs: 10,
  optimizer: 'adamw',
  weightDecay: 0.01,
});

/** How much of held-out strings is told wrong. */
async function judge(
  { learningTask: { input, test }, trainer }: Judged<SoundForm>,
  { loss: testLoss }: Evaluation,
): Promise<Judgement> {
  const { outputs } = await trainer.predict(test);
  const { greedy, beam } = errorRatesOf(test, outputs as Outputs<Transcript>, input);
  const sentence = `Label error rate ${percent(beam)} by beam search, ${percent(greedy)} by the likeliest class of each frame, on ${thousands(test.length)} strings held out; test loss ${testLoss.toFixed(4)}.`;
  const figures = {
    testAccuracy: null,
    testLoss,
    testStrings: test.length,
    testGreedyLabelErrorRate: greedy,
    testBeamLabelErrorRate: beam,
  };
  return { sentence, figures };
}

/** All words of a sound, and the probability of all ways to say them. */
async function transcriptFor(form: SoundForm, data: Dataset, predictor: Pick<Predictor, 'predict'>): Promise<string[]> {
  const { outputs } = await predictor.predict(data);
  const found = wordsIn(data, outputs as Outputs<Transcript>, form);
  const lines = found.map(({ labels, logProbability }) => {
    const told = labels.map((label) => form.classes[label]).join(' ');
    return `${csvCell(told)},${Math.exp(logProbability).toFixed(4)}`;
  });
  return ['words,probability', ...lines];
}

export const transcription: Task<SoundForm> = {
  models: ['mlp'],
  network: ({ input }, changes) => augmentedSpoken(transcriber(input), changes),
  layersOf: () => transcriberLayers,
  learnedBy: (input) => ({ loss: transcriptionLoss(input), targets: transcriberRoles.targets }),
  inputs: () => transcriberRoles.inputs,
  defaults: (_, strings) => defaults(strings),
  changes: ({ augment }) => ((augment ?? true) ? speaking : null),
  judge,
  read: readSoundForm,
  predict: {
    async question(command, { input }) {
      return { data: await readSpeech(command, input, transcriberRoles.inputs), notes: [] };
    },
    answer: ({ input }, data, predictor) => transcriptFor(input, data, predictor),
  },
};
