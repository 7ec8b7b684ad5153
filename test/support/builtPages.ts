// The pages as they are built and served: made small, under their own policy, at a path that is not the server's root.

import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

const root = fileURLToPath(new URL('../..', import.meta.url));

const kinds: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.webp': 'image/webp',
  '.wasm': 'application/wasm',
};

const PATH = '/some/where/';

export interface Served {
  readonly url: string;
  close(): Promise<void>;
}

/** A folder of files on a server of its own, below a path. @param headers of every answer */
export async function serveFolder(folder: string, headers: Readonly<Record<string, string>> = {}): Promise<Served> {
  const server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url ?? '/', 'http://here').pathname);
    const inside = normalize(path.startsWith(PATH) ? path.slice(PATH.length) : 'nowhere');
    const file = extname(inside) ? inside : join(inside, 'index.html');
    readFile(join(folder, file)).then(
      (bytes) =>
        response.writeHead(200, { ...headers, 'content-type': kinds[extname(file)] ?? 'text/plain' }).end(bytes),
      () => response.writeHead(404).end(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}${PATH}`,
    close: () => new Promise((resolve) => void server.close(() => resolve())),
  };
}

/** Builds the pages into a folder that lasts as long as its server. */
export async function servePages(): Promise<Served> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-pages-'));
  await build({
    root,
    configFile: join(root, 'vite.config.ts'),
    logLevel: 'error',
    build: { outDir: folder, emptyOutDir: true },
  });
  const served = await serveFolder(folder);
  return {
    ...served,
    close: async () => {
      await served.close();
      await rm(folder, { recursive: true });
    },
  };
}
