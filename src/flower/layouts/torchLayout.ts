import { foundIn, isCounter, stateDictOf, type TorchTensor } from '../../interop/torch/stateDict.ts';
import type { Names } from '../../interop/torch/torchNames.ts';
import type { Forward } from '../../train/emission/forward.ts';
import type { Trainer } from '../../train/trainer.ts';
import type { NamedArrays } from '../options.ts';
import type { ArrayLayout } from './layoutOf.ts';
import { floatsIn, putInto, requireSame, trainedForward, WHAT_CAME } from './trainedArrays.ts';

/*
 * `num_batches_tracked` goes out as it came. Batch norms here have a momentum, and PyTorch's that have one never look at it:
 * those without take it for the number of batches of which their averages are means, which those from here are not.
 */

const withoutCounters = <T>(arrays: ReadonlyMap<string, T>): ReadonlyMap<string, T> =>
  new Map([...arrays].filter(([name]) => !isCounter(name)));

const arrayOf = ({ shape, data }: TorchTensor) => ({
  shape,
  data: data instanceof Float32Array ? data : Int32Array.from(data, Number),
});

/** A model's arrays as PyTorch has them. @param names of modules */
const dictOf = (forward: Forward, names: Names): NamedArrays =>
  new Map(Array.from(stateDictOf('joinFlower', forward, names, 0), ([name, tensor]) => [name, arrayOf(tensor)]));

/** Arrays as a state dict of PyTorch's has them. @param names of modules, where shapes and numbers leave doubt */
export function torchLayout(trainer: Trainer, names: Names): ArrayLayout {
  /** What came as it is called here, and what is here under the names that came. */
  const matched = async (arrays: NamedArrays) => {
    const came = floatsIn(withoutCounters(arrays));
    const forward = await trainedForward(trainer);
    const found = foundIn('joinFlower', WHAT_CAME, forward, Object.fromEntries(came), names);
    const dict = dictOf(forward, { ...names, ...found.names });
    requireSame(withoutCounters(dict), came);
    // What a batch leaves to the next one PyTorch does not have.
    return { own: { ...forward.tensors, ...found.own }, dict };
  };
  return {
    async take(arrays) {
      await putInto(trainer, (await matched(arrays)).own);
    },
    async give(like) {
      if (!like) return dictOf(await trainedForward(trainer), names);
      const { dict } = await matched(like);
      return new Map(Array.from(like, ([name, array]) => [name, isCounter(name) ? array : dict.get(name)!]));
    },
  };
}
