import { DeviceError } from '../core/errors.ts';
import { THREAD_ROOM } from '../core/wasmLaunch.ts';
import { whenAsked } from '../core/whenAsked.ts';
import { Heap } from './heap.ts';
import base64 from './assembly/asconfig.json?wasm';

/** The first byte that the module's own words do not need: `memoryBase` of its `asconfig.json`. */
const HEAP_START = 4096;

/** What the module exports beside its kernels. */
interface Exports {
  readonly table: WebAssembly.Table;
  enter(room: number, waits: boolean): void;
  run(commands: number, count: number, threads: number): void;
  dissolve(): void;
}

interface Thread {
  /** It works along from now on. */
  readonly ready: Promise<void>;
  stop(): void;
}

interface NodeWorker {
  postMessage(message: unknown, transfer: readonly object[]): void;
  terminate(): unknown;
  once(event: string, listener: (message: unknown) => void): void;
  unref(): void;
}

interface Platform {
  readonly process?: {
    getBuiltinModule?(name: string): { readonly Worker: new (file: URL, options: object) => NodeWorker };
  };
  readonly navigator?: { readonly hardwareConcurrency?: number };
  readonly crossOriginIsolated?: boolean;
}

/** What a thread's word says: it works along, or it is too late. */
const IN = 1;
const OUT = 2;

/** How long a thread may take until it works along. */
const READY_MS = 10_000;
/** More would wait for each other more than they would work. */
const MOST_THREADS = 8;

const nodeThreads = () => (globalThis as Platform).process?.getBuiltinModule?.('node:worker_threads');

/** Whether the engine lets threads share memory: a page's must be isolated. */
const sharesMemory = (): boolean => Boolean(nodeThreads()) || (globalThis as Platform).crossOriginIsolated === true;

/** Threads that this machine has for a team. */
export function availableThreads(): number {
  const { navigator, process } = globalThis as Platform;
  if (!sharesMemory()) return 1;
  const os = process?.getBuiltinModule?.('node:os') as { availableParallelism?(): number } | undefined;
  return Math.min(MOST_THREADS, os?.availableParallelism?.() ?? navigator?.hardwareConcurrency ?? 1);
}

async function compileText(text: string): Promise<WebAssembly.Module> {
  const deflated = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  const stream = new Blob([deflated]).stream().pipeThrough(new DecompressionStream('deflate-raw'));
  return WebAssembly.compile(await new Response(stream).arrayBuffer());
}

/** The module's code. @throws DeviceError where there is no WebAssembly, no SIMD, or a policy against it */
export async function compileModule(): Promise<WebAssembly.Module> {
  try {
    return await compileText(base64);
  } catch (error) {
    throw new DeviceError(
      `[wasm] WebAssembly with SIMD and threads does not compile here (${(error as Error).message}): use a newer engine, give a page's Content-Security-Policy 'wasm-unsafe-eval' in script-src, or pass backend: 'cpu'`,
    );
  }
}

const compiled = whenAsked(compileModule);

/** The same of relaxed vectors, whose bits differ by machine; undefined where the engine has none. */
const relaxedModule = whenAsked(async (): Promise<WebAssembly.Module | undefined> => {
  const { default: text } = await import('./assembly/relaxed.json?wasm');
  return compileText(text).catch(() => undefined);
});

/** @throws DeviceError where the engine has no more addresses */
export function sharedMemory(): WebAssembly.Memory {
  try {
    return new WebAssembly.Memory({ initial: 1, maximum: 65_536, shared: true });
  } catch (error) {
    throw new DeviceError(
      `[wasm] the engine gives no further memory (${(error as Error).message}): destroy trainers and predictors that are done, or pass backend: 'cpu'`,
    );
  }
}

/** Whether this thread may lie down until another one wakes it: a page's own may not. */
function mayWait(): boolean {
  try {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 1, 0);
    return true;
  } catch {
    return false;
  }
}

/** A WebAssembly memory with the module over it, and the threads that run its programs. */
export class Machine {
  readonly memory: WebAssembly.Memory;
  readonly heap: Heap;
  /** By the name of a kernel: where it stands in the table. By that of a constant: what it is. */
  readonly names: ReadonlyMap<string, number>;
  /** Whether its bits may be other ones on other machines. */
  readonly isRelaxed: boolean;
  readonly #exports: Exports;
  readonly #threads: readonly Thread[];
  #isOver = false;

  private constructor(
    heap: Heap,
    exports: Exports,
    names: ReadonlyMap<string, number>,
    threads: readonly Thread[],
    isRelaxed: boolean,
  ) {
    this.isRelaxed = isRelaxed;
    this.memory = heap.memory;
    this.heap = heap;
    this.#exports = exports;
    this.names = names;
    this.#threads = threads;
  }

  /**
   * @param threads as many as there are to be; where an engine has fewer, or a thread does not begin, there are fewer: the
   * bits do not depend on it   @param relaxed whether products may be taken and added in one rounding, where the engine can
   * @throws DeviceError where there is no WebAssembly
   */
  static async open(threads = availableThreads(), relaxed = false): Promise<Machine> {
    const fused = relaxed ? await relaxedModule() : undefined;
    const module = fused ?? (await compiled());
    const memory = sharedMemory();
    const { exports } = await WebAssembly.instantiate(module, { env: { memory } });
    const names = Object.keys(exports).filter((name) => typeof exports[name] === 'function');
    const constants = Object.entries(exports).flatMap(([name, value]) =>
      value instanceof WebAssembly.Global ? [[name, value.value as number] as const] : [],
    );
    const { table, enter } = exports as unknown as Exports;
    const first = table.grow(names.length);
    names.forEach((name, at) => table.set(first + at, exports[name]));
    const heap = new Heap(memory, HEAP_START);
    enter(heap.allocate('a thread', THREAD_ROOM).at, mayWait());
    const others = Array.from({ length: sharesMemory() ? threads - 1 : 0 }, () => {
      const room = heap.allocate('a thread', THREAD_ROOM).at;
      // A word by which both agree, once, whether it is one of the team.
      const word = new Int32Array(memory.buffer, room, 1);
      return {
        thread: startThread({ module, memory, room, names }),
        isOne: () => Atomics.compareExchange(word, 0, 0, OUT) === IN,
      };
    });
    const begun = await Promise.all(
      others.map(async ({ thread, isOne }) => {
        await settled(thread);
        if (isOne()) return [thread];
        thread.stop();
        return [];
      }),
    );
    return new Machine(
      heap,
      exports as unknown as Exports,
      new Map([...names.map((name, at) => [name, first + at] as const), ...constants]),
      begun.flat(),
      fused !== undefined,
    );
  }

  /** Threads that work, this one among them. */
  get threads(): number {
    return 1 + this.#threads.length;
  }

  /** Runs commands that lie in memory. @param alone whether they are not worth other threads */
  run(commands: number, count: number, alone: boolean): void {
    this.#exports.run(commands, count, alone ? 1 : this.threads);
  }

  destroy(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#exports.dissolve();
    for (const thread of this.#threads) thread.stop();
  }
}

/** Waits until a thread works along, or failed, or took too long. */
async function settled(thread: Thread): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, READY_MS);
  });
  await Promise.race([thread.ready.catch(() => {}), late]);
  clearTimeout(timer);
}

/** A thread of Node, or a page's worker. */
function startThread(begin: object): Thread {
  const node = nodeThreads();
  if (node) {
    const worker = new node.Worker(new URL('./thread.mjs', import.meta.url), { execArgv: [] });
    const ready = new Promise<void>((resolve, reject) => {
      worker.once('message', () => resolve());
      worker.once('error', reject);
    });
    worker.postMessage(begin, []);
    // No program is kept from ending by it.
    void ready.then(
      () => worker.unref(),
      () => {},
    );
    return { ready, stop: () => void worker.terminate() };
  }
  const worker = new Worker(new URL('./thread.mjs', import.meta.url), { type: 'module' });
  const ready = new Promise<void>((resolve, reject) => {
    worker.addEventListener('message', () => resolve());
    worker.addEventListener('error', () => reject(new Error('a worker did not begin')));
  });
  worker.postMessage(begin, []);
  return { ready, stop: () => worker.terminate() };
}
