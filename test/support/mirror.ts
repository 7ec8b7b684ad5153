// A mirror on this machine that fails as real ones do, and a small set in MNIST's form for it to serve.

import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { Random } from '../../src/core/random.ts';
import type { CatalogueEntry, CatalogueFile } from '../../src/data/download/catalogue.ts';

/** What a request asked for, and how many bytes of a file it got. */
export interface Asked {
  readonly method: string;
  readonly file: string;
  readonly range: string | undefined;
  readonly ifRange: string | undefined;
  sent: number;
}

/** Answers one request for one file. */
export type Role = (file: Buffer, request: IncomingMessage, response: ServerResponse, asked: Asked) => void;

/** An IDX file of bytes, gzipped. */
function idx(shape: readonly number[], bytes: Uint8Array): Buffer {
  const header = Buffer.from([0, 0, 8, shape.length, ...shape.flatMap((extent) => [0, 0, extent >> 8, extent & 255])]);
  return gzipSync(Buffer.concat([header, bytes]));
}

/** Images of noise, which gzip cannot shrink, and their labels, as the files of MNIST. */
function noise(name: string, length: number, side: number): [string, Buffer][] {
  const random = new Random(1, name);
  const pixels = Uint8Array.from({ length: length * side * side }, () => Math.floor(random.uniform(0, 256)));
  const labels = Uint8Array.from({ length }, (_, at) => at % 10);
  return [
    [`${name}-images-idx3-ubyte.gz`, idx([length, side, side], pixels)],
    [`${name}-labels-idx1-ubyte.gz`, idx([length], labels)],
  ];
}

export const IMAGES = 'train-images-idx3-ubyte.gz';
export const TRAIN_LENGTH = 60;

/** Four files, the first of 47 kB. */
export const smallFiles: ReadonlyMap<string, Buffer> = new Map([
  ...noise('train', TRAIN_LENGTH, 28),
  ...noise('t10k', 10, 28),
]);

export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** The small set, as it is to be had from these mirrors. */
export const entryOf = (...urls: readonly string[]): CatalogueEntry => ({
  name: 'mnist',
  title: 'MNIST',
  folder: 'mnist',
  files: [...smallFiles].map(([name, file]): CatalogueFile => ({ name, bytes: file.length, sha256: sha256(file) })),
  mirrors: urls.map((url) => ({ url, cors: true })),
});

const ETAG = '"of the small file"';

/** As a good server does it: the bytes that are asked for. */
export const good: Role = (file, { headers }, response, asked) => {
  const start = Number(/^bytes=(\d+)-$/.exec(headers.range ?? '')?.[1] ?? 0);
  const ranged = headers.range !== undefined && [undefined, ETAG].includes(headers['if-range'] as string | undefined);
  const body = ranged ? file.subarray(start) : file;
  const place = { 'content-range': `bytes ${start}-${file.length - 1}/${file.length}` };
  response.writeHead(ranged ? 206 : 200, { etag: ETAG, 'content-length': body.length, ...(ranged ? place : {}) });
  response.end(body);
  asked.sent = body.length;
};

/** Knows nothing of ranges. */
export const rangeless: Role = (file, _, response, asked) =>
  good(file, { headers: {} } as IncomingMessage, response, asked);

/** Long enough for what was sent before to be read: by another process, and by this one in its next turns. */
const READ_MS = 60;
const onceRead = (next: () => void): void => void setTimeout(() => setImmediate(() => setImmediate(next)), READ_MS);

/** Sends so many bytes and hangs up. */
export const cutAfter =
  (bytes: number): Role =>
  (file, _, response, asked) => {
    response.writeHead(200, { etag: ETAG, 'content-length': file.length });
    response.write(file.subarray(0, bytes), () => onceRead(() => response.destroy()));
    asked.sent = bytes;
  };

/** Sends so many bytes, in two pieces, and then nothing; no head either if there are none. */
export const stallAfter =
  (bytes: number): Role =>
  (file, _, response, asked) => {
    if (bytes === 0) return;
    response.writeHead(200, { etag: ETAG, 'content-length': file.length });
    const middle = Math.ceil(bytes / 2);
    response.write(file.subarray(0, middle));
    onceRead(() => response.write(file.subarray(middle, bytes)));
    asked.sent = bytes;
  };

export const status =
  (code: number, headers: Record<string, string> = {}): Role =>
  (_file, _request, response) =>
    void response.writeHead(code, headers).end('a page that says why');

/** Another body than the file's. */
export const body =
  (bytes: Uint8Array): Role =>
  (_file, _request, response, asked) => {
    response.writeHead(200, { 'content-length': bytes.length }).end(bytes);
    asked.sent = bytes.length;
  };

export interface MirrorServer {
  readonly url: string;
  /** In order. */
  readonly asked: Asked[];
  /** GETs alone. */
  gets(file?: string): Asked[];
  close(): Promise<void>;
}

/**
 * Serves the small set over http to any origin.
 * @param roles for the first, second, … GET of a file, the last one for all that follow; `*` for files not named
 */
export async function serveMirror(
  roles: Readonly<Record<string, readonly Role[]>> = {},
  head: Role = status(200),
): Promise<MirrorServer> {
  const asked: Asked[] = [];
  const gets = (file?: string) =>
    asked.filter((one) => one.method === 'GET' && (file === undefined || one.file === file));
  const server = createServer((request, response) => {
    const name = request.url!.slice(1);
    const { range, 'if-range': ifRange } = request.headers;
    const one: Asked = { method: request.method!, file: name, range, ifRange: ifRange as string | undefined, sent: 0 };
    asked.push(one);
    response.setHeader('access-control-allow-origin', '*');
    const file = smallFiles.get(name);
    if (!file) return status(404)(Buffer.alloc(0), request, response, one);
    if (request.method !== 'GET') return head(file, request, response, one);
    const turns = roles[name] ?? roles['*'] ?? [good];
    const role = turns[Math.min(gets(name).length, turns.length) - 1];
    return role(file, request, response, one);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const close = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return { url: `http://127.0.0.1:${port}/`, asked, gets, close };
}

/** An address where nobody listens. */
export async function deadUrl(): Promise<string> {
  const { url, close } = await serveMirror();
  await close();
  return url;
}
