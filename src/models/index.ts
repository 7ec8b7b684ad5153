export { cnn } from './cnn.ts';
export type { ImageModelOptions, SizedModelOptions } from './images.ts';
export { gpt, type GptOptions } from './gpt.ts';
export { forecaster } from './forecaster.ts';
export { lenet } from './lenet.ts';
export { resnet, type ResnetOptions } from './resnet.ts';
export { translator, type Translated, type TranslatorOptions } from './translator.ts';
