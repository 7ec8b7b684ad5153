import { inOrder, listed, unlisted, type ListedLayer } from '../../interop/keras/listedWeights.ts';
import { layersListed } from '../../interop/keras/weightList.ts';
import type { Trainer } from '../../train/trainer.ts';
import type { NamedArrays } from '../options.ts';
import type { ArrayLayout } from './layoutOf.ts';
import { floatsIn, putInto, requireSame, trainedForward } from './trainedArrays.ts';

/** Arrays as Keras' `model.get_weights()` lists them, called by their numbers: "0", "1", … */
export function kerasLayout(trainer: Trainer): ArrayLayout {
  let known: readonly ListedLayer[] | undefined;
  /** What is trained, and its list, which is to be that of some arrays, or by itself. */
  const current = async (like?: NamedArrays) => {
    const { tensors, ...forward } = await trainedForward(trainer);
    const layers = (known ??= await layersListed('joinFlower', { ...forward, tensors }));
    const usual = layers.flatMap(({ weights }) => weights);
    const shapes = like
      ? Array.from({ length: like.size }, (_, at) => like.get(String(at))?.shape)
      : usual.map(({ shape }) => shape);
    const list = inOrder('joinFlower', layers, shapes);
    const expected = new Map(list.map((weight, at) => [String(at), weight]));
    if (like) requireSame(expected, like);
    return { list, tensors, names: [...expected.keys()] };
  };
  return {
    async take(arrays) {
      const came = floatsIn(arrays);
      const { list, tensors, names } = await current(arrays);
      const inTurn = names.map((name) => came.get(name)!);
      await putInto(trainer, unlisted('joinFlower', list, tensors, inTurn));
    },
    async give(like) {
      const { list, tensors, names } = await current(like);
      const own = listed(list, tensors, like && names.map((name) => like.get(name)!));
      return new Map(Array.from(like?.keys() ?? names, (name) => [name, own[Number(name)]]));
    },
  };
}
