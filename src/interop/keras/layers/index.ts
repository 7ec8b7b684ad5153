import type { Definitions } from '../kerasLayer.ts';
import { activationDefinitions } from './activations.ts';
import { attentionDefinitions } from './attention.ts';
import { convolutionalDefinitions } from './convolutional.ts';
import { coreDefinitions } from './core.ts';
import { mergingDefinitions } from './merging.ts';
import { normalizationDefinitions } from './normalization.ts';
import { poolingDefinitions } from './pooling.ts';
import { recurrentDefinitions } from './recurrent.ts';
import { regularizationDefinitions } from './regularization.ts';
import { wrapperDefinitions } from './wrappers.ts';

/** All layers that are read, by the names of their classes. */
export const layerDefinitions: Definitions = {
  ...coreDefinitions,
  ...activationDefinitions,
  ...convolutionalDefinitions,
  ...poolingDefinitions,
  ...normalizationDefinitions,
  ...recurrentDefinitions,
  ...mergingDefinitions,
  ...attentionDefinitions,
  ...regularizationDefinitions,
  ...wrapperDefinitions,
};
