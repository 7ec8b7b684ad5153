import type { Kernel } from '../../core/launch.ts';
import arithmetic from '../../../shaders/functions/arithmetic.wgsl?raw';
import exponential from '../../../shaders/functions/exponential.wgsl?raw';
import logarithm from '../../../shaders/functions/logarithm.wgsl?raw';
import nan from '../../../shaders/functions/nan.wgsl?raw';

/** The functions of shaders/functions in which NaN stays NaN, and small results are right, by the name under which kernels stand in for them. */
const guards: readonly (readonly [string, string])[] = [
  ['is_nan', nan],
  ['larger', arithmetic],
  ['exponential', exponential],
  ['logarithm', logarithm],
  ['logarithm_of_one_plus', logarithm],
  ['exponential_minus_one', exponential],
];

/** A kernel whose own plain `is_nan`, `larger`, `exponential`, `logarithm` and their like give way to the guarded ones. */
export function guarded(name: string, source: string): Pick<Kernel, 'name' | 'source' | 'functions' | 'includes'> {
  const used = guards.filter(([guard]) => source.includes(`fn ${guard}(`));
  return {
    name,
    source,
    functions: Object.fromEntries(used.map(([guard]) => [guard, ''])),
    includes: [nan, ...used.map(([, text]) => text)],
  };
}
