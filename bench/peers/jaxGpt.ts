import type * as Jax from '@jax-js/jax';
import type { Gpt } from '../networks.ts';

type JaxArray = Jax.Array;

/** nanoGPT's model of tokens that come as rows with a single 1, for there are no sums by index. Legend: x[B · T, V]. */
export function gptLogits(
  { numpy: np, nn }: typeof Jax,
  { context: T, width: E, heads: H, layers }: Gpt,
  [table, places, ...others]: JaxArray[],
  x: JaxArray,
): JaxArray {
  const rows = x.shape[0];
  const B = rows / T;
  const norm = (of: JaxArray, gamma: JaxArray): JaxArray => nn.standardize(of, -1, { epsilon: 1e-5 }).mul(gamma);
  let past = np.matmul(x, table.ref).reshape([B, T, E]).add(places).reshape([rows, E]);
  for (let block = 0; block < layers; block++) {
    const [norm1, input, output, norm2, up, down] = others.slice(6 * block);
    const all = np.matmul(norm(past.ref, norm1), input).reshape([B, T, 3 * H, E / H]);
    const [q, k, v] = np.split(all, 3, 2);
    const found = nn.dotProductAttention(q, k, v, { isCausal: true }).reshape([rows, E]);
    past = past.add(np.matmul(found, output));
    const inner = nn.gelu(np.matmul(norm(past.ref, norm2), up), { approximate: false });
    past = past.add(np.matmul(inner, down));
  }
  return np.matmul(norm(past, others.at(-1)!), table.transpose());
}
