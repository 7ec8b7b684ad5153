import type { PredictCommand } from './commands.ts';
import { UsageError } from './usageError.ts';

/** @throws UsageError where options are of pictures, and the model takes none */
export function requireNoPictures({ model, pictures }: PredictCommand): void {
  if (pictures.ground === undefined && pictures.invert === undefined) return;
  throw new UsageError(`--ground and --invert are for pictures, and ${model} takes none: leave them out`);
}
