/*
 * Walks along a graph, with a stack of their own: a graph of ten thousand nodes in a row is deeper than what a function
 * may call itself.
 */

/** All that the roots reach, each as it is first met: it, then what lies behind its first neighbour. */
export function reached<T>(roots: readonly T[], next: (item: T) => readonly T[]): Set<T> {
  const met = new Set<T>();
  const stack = roots.toReversed();
  for (let item = stack.pop(); item !== undefined; item = stack.pop()) {
    if (met.has(item)) continue;
    met.add(item);
    stack.push(
      ...next(item)
        .filter((other) => !met.has(other))
        .reverse(),
    );
  }
  return met;
}

/**
 * All that the roots need, and they themselves, each behind what it needs.
 * @param before what must come before an item, asked once; its first one comes first
 * @param circle what is wrong with an item that needs itself   @throws Error that says so
 */
export function inOrder<T>(
  roots: readonly T[],
  before: (item: T) => readonly T[],
  circle: (item: T) => string = () => '[graph] a node reads what it makes',
): T[] {
  const order: T[] = [];
  const state = new Map<T, 'open' | 'done'>();
  const stack = roots.toReversed();
  for (let item = stack.at(-1); item !== undefined; item = stack.at(-1)) {
    if (!state.has(item)) {
      state.set(item, 'open');
      // In reverse, so that the first one is the next to be taken.
      for (const other of before(item).toReversed()) {
        if (state.get(other) === 'open') throw new Error(circle(other));
        if (!state.has(other)) stack.push(other);
      }
      continue;
    }
    stack.pop();
    if (state.get(item) === 'done') continue;
    state.set(item, 'done');
    order.push(item);
  }
  return order;
}
