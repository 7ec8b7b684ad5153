/**
 * Lets others have a turn: events of a page, signals and files in Node. Work that never waits calls it now and then.
 * Node's timers would not do: one that is always due keeps it from ever looking at its files and signals.
 */
export function yieldToEvents(): Promise<void> {
  const { setImmediate } = globalThis as { setImmediate?: (done: () => void) => unknown };
  return new Promise((resolve) => void (setImmediate ? setImmediate(resolve) : setTimeout(resolve)));
}
