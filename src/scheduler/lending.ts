import { isLent, type Slot } from './memory.ts';

/** Buffers that programs use in turn, by key of the slots, or undefined for those that any slot may have. */
export type Pool<B> = Map<string | undefined, Set<B>>;

export const copyOf = <B>(pool: Pool<B>): Pool<B> =>
  new Map([...pool].map(([key, buffers]) => [key, new Set(buffers)]));

export function addTo<B>(pool: Pool<B>, key: string | undefined, buffer: B): void {
  pool.set(key, (pool.get(key) ?? new Set()).add(buffer));
}

/** Which buffer of a pool each slot may have, no two the same; and the slots for which there is none. */
export function taken<B extends { readonly size: number }>(
  slots: readonly Slot[],
  pool: Pool<B>,
): { readonly lent: Map<Slot, B>; readonly missing: readonly Slot[] } {
  const free = new Map([...pool].map(([key, buffers]) => [key, [...buffers].sort((a, b) => a.size - b.size)]));
  const lent = new Map<Slot, B>();
  const missing: Slot[] = [];
  for (const slot of slots.toSorted((a, b) => b.bytes - a.bytes)) {
    const buffers = isLent(slot) ? (free.get(slot.key) ?? []) : [];
    const at = firstOf(buffers, slot.bytes);
    if (at === buffers.length) missing.push(slot);
    else lent.set(slot, buffers.splice(at, 1)[0]);
  }
  return { lent, missing };
}

/** Where in a list by size the buffers begin that have so many bytes: a long recurrence has thousands. */
function firstOf(buffers: readonly { readonly size: number }[], bytes: number): number {
  let [low, high] = [0, buffers.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (buffers[middle].size < bytes) low = middle + 1;
    else high = middle;
  }
  return low;
}
