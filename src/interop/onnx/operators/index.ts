import type { NodeProto } from '../onnx_pb.ts';
import type { Operator, Operators } from '../operator.ts';
import { attentionOperators } from './attention.ts';
import { constantOperators } from './constants.ts';
import { controlOperators } from './control.ts';
import { einsumOperators } from './einsum.ts';
import { imageOperators } from './images.ts';
import { indexingOperators } from './indexing.ts';
import { lossOperators } from './losses.ts';
import { normalizationOperators } from './normalization.ts';
import { pieceOperators } from './pieces.ts';
import { pointwiseOperators } from './pointwise.ts';
import { poolOperators } from './pools.ts';
import { productOperators } from './products.ts';
import { rankingOperators } from './ranking.ts';
import { recurrentOperators } from './recurrent.ts';
import { reductionOperators } from './reductions.ts';
import { resizeOperators } from './resize.ts';
import { rotaryOperators } from './rotary.ts';
import { samplingOperators } from './sampling.ts';
import { scanOperators } from './scans.ts';
import { scatteringOperators } from './scattering.ts';
import { shapingOperators } from './shaping.ts';
import { trigonometricOperators } from './trigonometry.ts';
import { tableOperators } from './tables.ts';

/** Every operator of ONNX that is read, by name. */
export const operators: Operators = {
  ...attentionOperators,
  ...constantOperators,
  ...controlOperators,
  ...einsumOperators,
  ...imageOperators,
  ...indexingOperators,
  ...lossOperators,
  ...normalizationOperators,
  ...pieceOperators,
  ...pointwiseOperators,
  ...poolOperators,
  ...productOperators,
  ...rankingOperators,
  ...recurrentOperators,
  ...reductionOperators,
  ...resizeOperators,
  ...rotaryOperators,
  ...samplingOperators,
  ...scanOperators,
  ...scatteringOperators,
  ...shapingOperators,
  ...trigonometricOperators,
};

const domains: Readonly<Record<string, Operators>> = {
  '': operators,
  'ai.onnx': operators,
  'ai.onnx.ml': tableOperators,
};

/** What reads a node; undefined where it is not read. */
export function operatorOf({ domain, opType }: Pick<NodeProto, 'domain' | 'opType'>): Operator | undefined {
  const table = Object.hasOwn(domains, domain) ? domains[domain] : {};
  return Object.hasOwn(table, opType) ? table[opType] : undefined;
}
