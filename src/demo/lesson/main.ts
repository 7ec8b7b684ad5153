// The live parts of the lesson: each takes the place of what stands there without a script.

import { find, nextFrame } from '../page.ts';
import { showActivations } from './activationPlots.ts';
import { showWorkedHead } from './headFigure.ts';
import { showLearningRates } from './learningRates.ts';
import { showWorkedNetwork } from './workedFigure.ts';

const parts = {
  'live-activations': showActivations,
  'live-worked': showWorkedNetwork,
  'live-learning-rates': showLearningRates,
  'live-attention': showWorkedHead,
};
for (const [id, show] of Object.entries(parts)) {
  // Each in a task of its own: the page stays quick to the touch.
  await nextFrame();
  await show(find(id, HTMLElement));
}
