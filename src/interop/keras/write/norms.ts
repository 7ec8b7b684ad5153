import { sizeOf, type Shape } from '../../../core/shape.ts';
import type { Node } from '../../../graph/graph.ts';
import type { Write, Writes } from './definitions.ts';
import { floatsOf, type Known, type KerasWriter, type WrittenWeight } from './kerasWriter.ts';
import { alike } from './products.ts';

/* Norms, with the averages that they keep. */

function knownOf(node: Node, at: number, to: KerasWriter): Known {
  const found = to.known(node.inputs[at]);
  return found ?? to.refuse(node.op.name, 'its factors follow from the samples', 'multiply behind the norm');
}

const weightOf = (name: string, known: Known, shape: Shape): WrittenWeight => ({ name, shape, data: floatsOf(known) });

/** Gamma and beta, without those that are 1 and 0 and nobody learns. */
function affineOf(gamma: Known, beta: Known, shape: Shape) {
  const scale = gamma.name !== undefined || !alike(gamma.numbers, 1);
  const center = beta.name !== undefined || !alike(beta.numbers, 0);
  const weights = [
    ...(scale ? [weightOf('gamma', gamma, shape)] : []),
    ...(center ? [weightOf('beta', beta, shape)] : []),
  ];
  return { scale, center, weights };
}

const batchNorm: Write = (node, to) => {
  const { epsilon } = node.attrs as { readonly epsilon: number };
  const [mean, variance, gamma, beta] = [1, 2, 3, 4].map((at) => knownOf(node, at, to));
  const shape = [sizeOf(mean.shape)];
  const { scale, center, weights } = affineOf(gamma, beta, shape);
  const kept = [weightOf('moving_mean', mean, shape), weightOf('moving_variance', variance, shape)];
  const x = to.rows(node.inputs[0], shape[0]);
  const config = { axis: x.shape.length - 1, epsilon, scale, center, momentum: MOMENTUM };
  const all = [...weights, ...kept];
  to.write(node.outputs[0], to.layer('BatchNormalization', config, [x], x.shape, all, [gamma, beta, mean, variance]));
};

/** Keras' own: a graph of evaluation does not tell how averages are kept. */
const MOMENTUM = 0.99;

interface Grouped {
  readonly samples: number;
  readonly groups: number;
  readonly epsilon: number;
  readonly centered: boolean;
}

const groupNorm: Write = (node, to) => {
  const { samples, groups, epsilon, centered } = node.attrs as Grouped;
  const [gamma, beta] = [1, 2].map((at) => knownOf(node, at, to));
  const [x] = node.inputs;
  const own = gamma.shape;
  const { shape } = x.spec;
  const isLast = groups === 1 && samples * sizeOf(own) === sizeOf(shape);
  if (isLast) {
    const given = own.length === 1 ? to.rows(x, own[0]) : to.read(x);
    const { scale, center, weights } = affineOf(gamma, beta, own);
    const axis = own.map((_, at) => at - own.length);
    if (!centered) {
      if (center || to.target !== 'keras') {
        to.refuse(
          node.op.name,
          center ? 'a norm without a mean has no beta in Keras' : 'TensorFlow.js has no RMS norm',
          'use layerNorm',
        );
      }
      const factors = weights.length > 0 ? weights : [weightOf('scale', gamma, own)];
      const named = factors.map((weight) => ({ ...weight, name: 'scale' }));
      return to.write(
        node.outputs[0],
        to.layer('RMSNormalization', { axis, epsilon }, [given], given.shape, named, [gamma]),
      );
    }
    const config = { axis: own.length === 1 ? -1 : axis, epsilon, scale, center };
    return to.write(
      node.outputs[0],
      to.layer('LayerNormalization', config, [given], given.shape, weights, [gamma, beta]),
    );
  }
  if (to.target !== 'keras')
    to.refuse(node.op.name, 'TensorFlow.js has no norm of groups', 'write the model by toKeras or toOnnx');
  if (!centered || samples !== shape[0] || own.length !== 1) {
    to.refuse(node.op.name, 'Keras has groups of channels over the pixels of each sample alone', 'use groupNorm');
  }
  const { scale, center, weights } = affineOf(gamma, beta, own);
  const given = to.read(x);
  to.write(
    node.outputs[0],
    to.layer('GroupNormalization', { groups, axis: -1, epsilon, scale, center }, [given], given.shape, weights, [
      gamma,
      beta,
    ]),
  );
};

export const normWrites: Writes = { batchNorm, groupNorm };
