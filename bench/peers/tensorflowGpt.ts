import type * as TensorFlow from '@tensorflow/tfjs-core';
import type { Tensor, Variable } from '@tensorflow/tfjs-core';
import type { Gpt } from '../networks.ts';

/** nanoGPT's model. Legend: tokens[B · T]. */
export function gptLogits(
  tf: typeof TensorFlow,
  { context: T, width: E, heads: H, layers }: Gpt,
  [table, places, ...others]: Variable[],
  tokens: Tensor,
): Tensor {
  const rows = tokens.shape[0];
  const [B, D] = [rows / T, E / H];
  const hidden = tf.mul(tf.sub(1, tf.linalg.bandPart(tf.ones([T, T]), -1, 0)), -1e9);
  const norm = (x: Tensor, gamma: Tensor): Tensor => {
    const { mean, variance } = tf.moments(x, -1, true);
    return tf.mul(tf.mul(tf.sub(x, mean), tf.rsqrt(tf.add(variance, 1e-5))), gamma);
  };
  const product = (a: Tensor, b: Tensor): Tensor => tf.fused.matMul({ a, b });
  /** Heads before time, as its products want them. */
  const attend = (all: Tensor): Tensor => {
    const [q, k, v] = tf.split(tf.transpose(tf.reshape(all, [B, T, 3 * H, D]), [0, 2, 1, 3]), 3, 1);
    const scores = tf.add(tf.mul(tf.matMul(q, k, false, true), 1 / Math.sqrt(D)), hidden);
    return tf.reshape(tf.transpose(tf.matMul(tf.softmax(scores), v), [0, 2, 1, 3]), [rows, E]);
  };
  const gelu = (x: Tensor): Tensor => tf.mul(tf.mul(x, 0.5), tf.add(1, tf.erf(tf.mul(x, Math.SQRT1_2))));
  let past: Tensor = tf.reshape(tf.add(tf.reshape(tf.gather(table, tokens as never), [B, T, E]), places), [rows, E]);
  for (let block = 0; block < layers; block++) {
    const [norm1, input, output, norm2, up, down] = others.slice(6 * block);
    past = tf.add(past, product(attend(product(norm(past, norm1), input)), output));
    past = tf.add(past, product(gelu(product(norm(past, norm2), up)), down));
  }
  return tf.matMul(norm(past, others.at(-1)!), table, false, true);
}
