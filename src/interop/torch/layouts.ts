import type { Tensor } from '../../data/safetensors.ts';
import { permuted } from '../permuted.ts';

/** What PyTorch calls a tensor, and which of its axes, here, each axis is there; the same ones if left out. */
export interface Layout {
  readonly name: string;
  readonly axes?: readonly number[];
}

const bias: Layout = { name: 'bias' };
/** [rows, columns, in, out] as [out, in, rows, columns]; of a transposed one the other way round, which is the same. */
const kernel: Layout = { name: 'weight', axes: [3, 2, 0, 1] };
const norm: Readonly<Record<string, Layout>> = { gamma: { name: 'weight' }, beta: bias };

/** Tensors of layers, by kind. */
export const layouts: Readonly<Record<string, Readonly<Record<string, Layout>>>> = {
  linear: { weight: { name: 'weight', axes: [1, 0] }, bias },
  conv1d: { weight: { name: 'weight', axes: [2, 1, 0] }, bias },
  conv2d: { weight: kernel, bias },
  convTranspose2d: { weight: kernel, bias },
  embedding: { weight: { name: 'weight' } },
  positions: { weight: { name: 'weight' } },
  batchNorm: { ...norm, runningMean: { name: 'running_mean' }, runningVariance: { name: 'running_var' } },
  layerNorm: norm,
  rmsNorm: norm,
  groupNorm: norm,
};

/** A norm of images by themselves is over [rows, columns, channels], in PyTorch over [channels, rows, columns]. */
const ofImages = [2, 0, 1];

const axesOf = ({ axes }: Layout, kind: string, { shape }: Tensor): readonly number[] | undefined =>
  axes ?? (['layerNorm', 'rmsNorm'].includes(kind) && shape.length === 3 ? ofImages : undefined);

/** A tensor as it lies in PyTorch. */
export function theirLayout(layout: Layout, kind: string, tensor: Tensor): Tensor {
  const axes = axesOf(layout, kind, tensor);
  return axes ? permuted(tensor, axes) : tensor;
}

/** A tensor of PyTorch's as it lies here. */
export function ownLayout(layout: Layout, kind: string, tensor: Tensor): Tensor {
  const axes = axesOf(layout, kind, tensor);
  return axes
    ? permuted(
        tensor,
        axes.map((_, axis) => axes.indexOf(axis)),
      )
    : tensor;
}
