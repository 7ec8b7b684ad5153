import { DataError } from '../core/errors.ts';
import type { FlowerOptions, FlowerSummary } from './options.ts';

/** Makes a trainer a node of a Flower federation. */
export async function joinFlower(options: FlowerOptions): Promise<FlowerSummary> {
  throw new DataError(`[joinFlower] ${options.superlink} cannot be joined yet: wait`);
}
