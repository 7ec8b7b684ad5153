export { cnn } from './cnn.ts';
export type { ImageModelOptions, SizedModelOptions } from './images.ts';
export { forecaster } from './forecaster.ts';
export { lenet } from './lenet.ts';
export { resnet, type ResnetOptions } from './resnet.ts';
