// What the pages' server hands on to a SuperLink, and what it says where there is none.

import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { serveSources } from './support/chromium.ts';

const HOST = '127.0.0.1';

/** The pages' server before another one; closed once it was used. */
async function before(answer: RequestListener, use: (url: string, superlink: string) => Promise<void>): Promise<void> {
  const behind = createServer(answer);
  await new Promise<void>((resolve) => behind.listen(0, HOST, resolve));
  const superlink = `http://${HOST}:${(behind.address() as AddressInfo).port}`;
  const pages = await serveSources(superlink);
  try {
    await use(pages.url, superlink);
  } finally {
    await pages.close();
    behind.closeAllConnections();
    behind.close();
  }
}

const call = (url: string, body: Uint8Array<ArrayBuffer>): Promise<Response> =>
  fetch(`${url}flower/v1/fleet/pull-messages`, {
    method: 'POST',
    headers: { 'content-type': 'application/protobuf', 'flwr-timestamp': 'now' },
    body,
  });

test('a call of a page reaches the SuperLink with its headers and bytes, and so does the answer come back', async () => {
  await before(
    async (request, response) => {
      const parts: Buffer[] = [];
      for await (const part of request) parts.push(part as Buffer);
      const { 'content-type': type = '', 'flwr-timestamp': time } = request.headers;
      const said = { seen: `${request.method} ${request.url} ${type} ${String(time)}` };
      response.writeHead(401, { 'content-type': type, ...said }).end(Buffer.concat(parts).reverse());
    },
    async (url) => {
      const answer = await call(url, Uint8Array.of(0, 128, 255));
      expect(answer.status).toBe(401);
      expect(answer.headers.get('content-type')).toBe('application/protobuf');
      expect(answer.headers.get('seen')).toBe('POST /v1/fleet/pull-messages application/protobuf now');
      expect([...new Uint8Array(await answer.arrayBuffer())]).toEqual([255, 128, 0]);
    },
  );
});

test('nothing but what nodes ask reaches the SuperLink: no page starts a run', async () => {
  const seen: (string | undefined)[] = [];
  await before(
    (request, response) => {
      seen.push(request.url);
      response.end();
    },
    async (url) => {
      const paths = [
        'openapi.json',
        'v1/control/start-run',
        'v1/fleet/../control/start-run',
        'v1/fleet/%2e%2e/control/x',
      ];
      for (const path of [...paths, 'v1/runtime/acquire-task', 'v1/fleet/get-run']) {
        await fetch(`${url}flower/${path}`, { method: 'POST' });
      }
      expect(seen).toEqual(['/openapi.json', '/v1/fleet/get-run']);
    },
  );
});

test('an answer that is cut is no answer that is short, nor one that never ends', async () => {
  await before(
    (_, response) => {
      response.writeHead(200, { 'content-length': 100 }).write('part');
      setTimeout(() => response.destroy(), 50);
    },
    async (url) => {
      const answer = await call(url, Uint8Array.of(1));
      await expect(answer.text()).rejects.toThrow('terminated');
    },
  );
});

test('where no SuperLink answers, a page is told so, and what to do', async () => {
  await before(
    (request) => request.socket.destroy(),
    async (url, superlink) => {
      const answer = await call(url, Uint8Array.of(1));
      expect(answer.status).toBe(502);
      expect(await answer.text()).toBe(
        `No SuperLink answers at ${superlink} (ECONNRESET): start one by flower-superlink --insecure, or say by MILLRACE_SUPERLINK where it is\n`,
      );
    },
  );
});
