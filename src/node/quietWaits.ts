/* While anything of WebGPU's is awaited, npm's `webgpu` asks Dawn for news in each turn of the event loop, by `setImmediate`. */

/** What is quick is asked for in each turn for so long, and what takes longer once in so many milliseconds from then on. */
const QUICK_MS = 0.5;
const PAUSE_MS = 1;

let isQuiet = false;

/**
 * Keeps no core of the processor busy while npm's `webgpu` waits for the GPU. Where a software driver computes on the same
 * cores, a run gets them all; a wait lasts a millisecond longer at most. It is for programs, not for libraries, since it
 * replaces `globalThis.setImmediate` in all of the process: chains of native or bound functions that go on for long wait
 * in between, all others pass as they are. Called again, it does nothing.
 */
export function waitQuietly(): void {
  if (isQuiet) return;
  isQuiet = true;
  const { setImmediate } = globalThis;
  let isAsking = false;
  let askedSince = 0;
  const setQuietImmediate = (task: (...given: unknown[]) => void, ...given: unknown[]) => {
    if (!String(task).includes('[native code]')) return setImmediate(task, ...given);
    const now = performance.now();
    // The first turn of a wait is asked for from outside of one.
    if (!isAsking) askedSince = now;
    const ask = (): void => {
      isAsking = true;
      try {
        task(...given);
      } finally {
        isAsking = false;
      }
    };
    return now - askedSince < QUICK_MS ? setImmediate(ask) : setTimeout(ask, PAUSE_MS);
  };
  globalThis.setImmediate = Object.assign(setQuietImmediate, setImmediate);
}
