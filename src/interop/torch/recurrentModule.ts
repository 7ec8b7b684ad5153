import type { Tensor } from '../../data/safetensors.ts';
import { recurrentWeights, type RecurrentWeights } from '../../nn/recurrentWeights.ts';
import { permuted } from '../permuted.ts';
import { below, type ModuleSource, type TorchModule } from './torchModule.ts';

export const recurrentKinds = ['lstm', 'gru', 'rnn'] as const;

type Kind = (typeof recurrentKinds)[number];

/** By the names here, those within PyTorch's module, without the layer and direction. */
const names: Readonly<Record<keyof RecurrentWeights, string>> = {
  inputWeight: 'weight_ih',
  hiddenWeight: 'weight_hh',
  inputBias: 'bias_ih',
  hiddenBias: 'bias_hh',
};

const own = Object.keys(names) as (keyof RecurrentWeights)[];

/** `layer1Reverse` as `_l1_reverse`. */
const ending = (net: string): string =>
  net.replace(/^layer(\d+)(Reverse)?$/, (_, at: string, reverse?: string) => {
    return `_l${at}${reverse ? '_reverse' : ''}`;
  });

/** [C, H, gates] as [gates · H, C], and [H, gates] as [gates · H]. */
function rowsOfGates(tensor: Tensor): Tensor {
  const turned = permuted(tensor, tensor.shape.map((_, axis) => axis).reverse());
  const [gates, units, ...features] = turned.shape;
  return { shape: [gates * units, ...features], data: turned.data };
}

/** A recurrent layer, all layers and directions of which are one module; undefined of one direction by itself. */
export function recurrentModule({ path, kind, own: tensors }: ModuleSource): TorchModule | undefined {
  const nets = Object.keys(tensors).flatMap((name) => /^(layer\d+(?:Reverse)?)\.inputWeight$/.exec(name)?.[1] ?? []);
  if (nets.length === 0) return undefined;
  const written = nets.flatMap((net) =>
    own.map((name) => [names[name] + ending(net), rowsOfGates(tensors[`${net}.${name}`])] as const),
  );
  return {
    path,
    kind,
    tensors: Object.fromEntries(written),
    here: nets.flatMap((net) => own.map((name) => `${net}.${name}`)),
    optional: written.map(([name]) => name).filter((name) => name.startsWith('bias')),
    taken(theirs) {
      const all = nets.map((net) => {
        const [features, units] = tensors[`${net}.inputWeight`].shape;
        const given = own.flatMap((name) => {
          const tensor = theirs[names[name] + ending(net)];
          return tensor ? [[names[name], tensor.data] as const] : [];
        });
        const source = { kind: kind as Kind, from: 'pytorch', features, units } as const;
        const found = recurrentWeights(source, Object.fromEntries(given));
        return own.map(
          (name) => [below(path, `${net}.${name}`), found[name], tensors[`${net}.${name}`].shape] as const,
        );
      });
      return Object.fromEntries(all.flat().map(([name, data, shape]): [string, Tensor] => [name, { shape, data }]));
    },
  };
}
