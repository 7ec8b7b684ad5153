import { DataError } from '../../core/errors.ts';
import type { Trainer } from '../../train/trainer.ts';
import type { FlowerLayout, NamedArrays } from '../options.ts';
import { kerasLayout } from './kerasLayout.ts';
import { millraceLayout } from './millraceLayout.ts';
import { torchLayout } from './torchLayout.ts';

/** How a model's arrays are named and laid out in a run. */
export interface ArrayLayout {
  /** Puts a message's arrays into the trainer; all are checked before the first is written. @throws FormatError, changing nothing */
  take(arrays: NamedArrays): Promise<void>;
  /** The trainer's arrays under their names. @param like arrays that came in this run, whose names, order and extra entries are kept */
  give(like?: NamedArrays): Promise<NamedArrays>;
}

/** What a layout is made of. */
interface LayoutOptions {
  /** Whose data are known already. */
  readonly trainer: Trainer;
  readonly layout: FlowerLayout;
  /** PyTorch's names of modules: see `toTorch`. */
  readonly names?: Readonly<Record<string, string>> | undefined;
}

/** How a trainer's arrays go out and come in. @throws DataError for names where nothing is named by PyTorch */
export function layoutOf({ trainer, layout, names }: LayoutOptions): ArrayLayout {
  if (layout === 'torch') return torchLayout(trainer, names ?? {});
  if (names !== undefined) {
    throw new DataError(
      `[joinFlower] names are those of PyTorch's modules, but layout is "${layout}": leave them out, or take layout: 'torch'`,
    );
  }
  return layout === 'keras' ? kerasLayout(trainer) : millraceLayout(trainer);
}
