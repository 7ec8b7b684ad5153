/** Keeps downloaded files from run to run. Whoever reads one checks it: what is kept may be damaged. */
export interface Store {
  /** For a reader: "the cache /home/me/.cache/millrace/mnist". */
  readonly text: string;
  /** Null where there is no such file, or it cannot be read. */
  read(file: string): Promise<Uint8Array | null>;
  /** Whole or not at all. Rejects where nothing can be kept. */
  write(file: string, bytes: Uint8Array): Promise<void>;
  /** Does nothing where there is no such file. */
  remove(file: string): Promise<void>;
  /** Writes into a file that grows, at a place in it. Left out where files can only be kept whole. */
  extend?(file: string, bytes: Uint8Array, at: number): Promise<void>;
}

const CACHE = 'millrace';

/** Nobody fetches it: the Cache API wants an address as the key. */
const keyOf = (folder: string, file: string): string => `https://millrace.invalid/${folder}/${file}`;

/** The browser's Cache API as a store; null where the page has none, as over plain http. */
export async function browserStore(folder: string): Promise<Store | null> {
  if (!('caches' in globalThis)) return null;
  // Pages in a sandbox, and those whose storage is blocked, have one that does not open.
  const cache = await caches.open(CACHE).catch(() => null);
  if (!cache) return null;
  return {
    text: "the browser's cache",
    read: async (file) => {
      const found = await cache.match(keyOf(folder, file)).catch(() => undefined);
      return found ? new Uint8Array(await found.arrayBuffer()) : null;
    },
    write: (file, bytes) => cache.put(keyOf(folder, file), new Response(bytes as Uint8Array<ArrayBuffer>)),
    remove: async (file) => {
      await cache.delete(keyOf(folder, file));
    },
  };
}
