import type { KernelChoice } from '../../scheduler/kernelChoice.ts';
import type { Fitting } from './weights.ts';

/** What `load` may be told. */
export interface LoadOptions {
  /** False takes what fits by name, where the file is no checkpoint of this training: true. */
  readonly strict?: boolean;
  /** The file's name, for messages. */
  readonly file?: string;
}

/** What was loaded. */
export interface Loaded extends Omit<Fitting, 'tensors'> {
  /** Whether training goes on in the bits of the trainer that was saved; where it does not, `why` says why. */
  readonly exact: boolean;
  readonly why: readonly string[];
  /** Which form each kind of kernel had, for `createTrainer`; null where none is known. */
  readonly kernels: KernelChoice | null;
  /** Steps of the trainer that was saved; this one's own where only weights were loaded. */
  readonly step: number;
}
