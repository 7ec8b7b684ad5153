// What a thread runs, and the kernels, by the names by which ops ask for them.
export { dissolve, enter, run, serve } from './team';
export { batchNorm, batchNormGrad, channelDeviations, channelMoments } from './batchNorm';
export { attentionBackward, attentionForward } from './attention';
export { patches, patchWeights, tapPanels } from './convolution';
export { gather, scatterAdd } from './gather';
export { depthwise, depthwiseWeights } from './depthwise';
export { maxPool, maxPoolGrad, windowSpread, windowSum } from './pooling';
export { countBad, Operation, pointwise } from './pointwise';
export { columnPanels, columnSums, product } from './product';
export { Cell, previousHidden, recurrentBackward, recurrentForward } from './recurrent';
export {
  accumulate,
  adadeltaUpdate,
  adagradUpdate,
  adamaxUpdate,
  adamUpdate,
  Clip,
  lionUpdate,
  momentumUpdate,
  nadamUpdate,
  nesterovUpdate,
  norms,
  radamUpdate,
  rmspropUpdate,
  sgdUpdate,
} from './update';
export { crossEntropy, crossEntropyGrad, softmax, softmaxGrad } from './losses';
export { Taken, takeSamples } from './samples';
export { largest, smallest, sums } from './sums';
export { swiglu, swigluGrad } from './swiglu';
export { channelSums, groupNorm, groupNormGrad } from './norms';
export { dropout, Law, random } from './random';
export { copyBox, fill } from './copies';
