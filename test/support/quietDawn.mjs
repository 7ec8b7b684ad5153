// While anything of WebGPU's is awaited, npm's `webgpu` asks Dawn for news in each turn of the event loop. That keeps a
// core busy, which the compiling of kernels and a driver in software could use: where there are two cores, tests take
// twice as long. So it asks in each turn for as long as what is quick takes, and once a millisecond from then on.
// Loaded by `--import` before all else, since Dawn looks the global up at each turn.

const QUICK_MS = 0.5;
const PAUSE_MS = 1;

const { setImmediate } = globalThis;
const textOf = Function.prototype.toString;
let isAsking = false;
let askedSince = 0;

/** @type {(task: (...given: unknown[]) => void, ...given: unknown[]) => unknown} */
function setQuietImmediate(task, ...given) {
  if (!textOf.call(task).includes('[native code]')) return setImmediate(task, ...given);
  const now = performance.now();
  // The first turn of a wait is asked for from outside of one.
  if (!isAsking) askedSince = now;
  const ask = () => {
    isAsking = true;
    try {
      task();
    } finally {
      isAsking = false;
    }
  };
  return now - askedSince < QUICK_MS ? setImmediate(ask) : setTimeout(ask, PAUSE_MS);
}

globalThis.setImmediate = Object.assign(setQuietImmediate, setImmediate);
