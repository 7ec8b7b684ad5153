/* What a model has learned and where training is, out of the states and into them, and as files: loaded when it is asked for. */

export { weightsOf } from './checkpoint.ts';
export { learnedOf, parametersOf, putLearned, putParameters } from './learnedStates.ts';
export { Saver } from './saver.ts';
export { weightsFile, weightsIn } from './weights.ts';
