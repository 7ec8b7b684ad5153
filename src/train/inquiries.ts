/* What a trainer is asked beside training, loaded when it is first asked for any of it. */

export { forwardOf } from './emission/forward.ts';
export { wgslFunctionOf } from './emission/wgslFunction.ts';
export { Evaluator } from './evaluation/evaluator.ts';
export { Generator } from './generation/generator.ts';
export { EncodedPredictions } from './hosting/encodedPredictions.ts';
export { EncodedSteps } from './hosting/encodedSteps.ts';
export { Inspector } from './inspection/inspector.ts';
export { profileStep, requirePeak } from './inspection/profile.ts';
export { summarizeModel } from './inspection/summary.ts';
export { verifyStep } from './inspection/verifyStep.ts';
export { formatSteps } from './programs/formatSteps.ts';
