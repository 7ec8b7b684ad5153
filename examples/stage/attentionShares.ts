/** Numbers of a prediction, and their shape. */
export interface Numbers {
  readonly shape: readonly number[];
  readonly data: ArrayLike<number>;
}

/** Shares of 1 by logits. */
export function softmax(logits: readonly number[]): number[] {
  const largest = Math.max(...logits);
  const exponentials = logits.map((logit) => Math.exp(logit - largest));
  const sum = exponentials.reduce((all, each) => all + each, 0);
  return exponentials.map((each) => each / sum);
}

/**
 * How a place of a text shares its attention among what it sees, in one head: the softmax of its scores.
 * @param queries,keys `[1, T, heads, D]`, or of more samples, of which it is the first
 * @param seen so many places, the first ones; those up to its own if left out
 */
export function sharesOf(queries: Numbers, keys: Numbers, place: number, head: number, seen = place + 1): number[] {
  const [, , heads, D] = queries.shape;
  const scores = Array.from({ length: seen }, (_, other) => {
    const [q, k] = [(place * heads + head) * D, (other * heads + head) * D];
    let product = 0;
    for (let d = 0; d < D; d++) product += queries.data[q + d] * keys.data[k + d];
    return product / Math.sqrt(D);
  });
  return softmax(scores);
}
