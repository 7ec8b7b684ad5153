import type { Operators } from '../operator.ts';
import { controlOperators } from './control.ts';
import { imageOperators } from './images.ts';
import { normalizationOperators } from './normalization.ts';
import { pointwiseOperators } from './pointwise.ts';
import { productOperators } from './products.ts';
import { reductionOperators } from './reductions.ts';
import { shapingOperators } from './shaping.ts';

/** Every operator of ONNX that is read, by name. */
export const operators: Operators = {
  ...controlOperators,
  ...imageOperators,
  ...normalizationOperators,
  ...pointwiseOperators,
  ...productOperators,
  ...reductionOperators,
  ...shapingOperators,
};
