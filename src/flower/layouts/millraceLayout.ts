import type { Trainer } from '../../train/trainer.ts';
import type { NamedArrays } from '../options.ts';
import type { ArrayLayout } from './layoutOf.ts';
import { floatsIn, putInto, requireSame, trainedForward } from './trainedArrays.ts';

/** Arrays under the names, and in the shapes, of `saveWeights`. */
export function millraceLayout(trainer: Trainer): ArrayLayout {
  const own = async (): Promise<NamedArrays> => new Map(Object.entries((await trainedForward(trainer)).tensors));
  return {
    async take(arrays) {
      const came = floatsIn(arrays);
      requireSame(await own(), came);
      await putInto(trainer, Object.fromEntries(came));
    },
    async give(like) {
      const arrays = await own();
      if (!like) return arrays;
      requireSame(arrays, like);
      return new Map(Array.from(like.keys(), (name) => [name, arrays.get(name)!]));
    },
  };
}
