// What nodes and a SuperLink said to each other: written down as it passes by, and said again by a SuperLink that is not there.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fromBinary, toBinary, toJson, type DescMessage } from '@bufbuild/protobuf';
import { calls } from '../../src/flower/superLink.ts';
import type { NodeName } from './exactNodes.ts';

/** A request and its answer. Bodies are in base64. */
export interface Exchange {
  readonly path: string;
  readonly request: string;
  readonly status: number;
  readonly answer: string;
}

/** All that the nodes of a run said and heard. */
export interface Conversation {
  readonly flwr: string;
  readonly nodes: Readonly<Record<NodeName, readonly Exchange[]>>;
}

const HOST = '127.0.0.1';
const [OK, BAD_REQUEST, BAD_GATEWAY] = [200, 400, 502];
const VERSION_PATH = '/openapi.json';

const callAt = (path: string) => Object.values(calls).find((each) => each.path === path);

/** Answers requests until `stop`. */
async function served(answer: (request: IncomingMessage, body: Buffer) => Promise<readonly [number, Uint8Array]>) {
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    void (async () => {
      const parts: Buffer[] = [];
      for await (const part of request) parts.push(part as Buffer);
      const [status, body] = await answer(request, Buffer.concat(parts));
      response.writeHead(status, { 'content-type': 'application/octet-stream' }).end(body);
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, HOST, resolve));
  return {
    url: `http://${HOST}:${(server.address() as AddressInfo).port}`,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Passes requests on to a SuperLink, and writes down what was said: of its API's description, what is its name and version. */
export async function recordingProxy(superlink: string) {
  const heard: Exchange[] = [];
  const proxy = await served(async ({ method = 'GET', url: path = '', headers }, body) => {
    const { host: _host, connection: _connection, 'content-length': _length, ...others } = headers;
    const init = {
      method,
      headers: others as Record<string, string>,
      ...(method === 'POST' && { body: new Uint8Array(body) }),
    };
    try {
      const response = await fetch(superlink + path, init);
      const bytes = Buffer.from(await response.arrayBuffer());
      const { info } = path === VERSION_PATH ? (JSON.parse(bytes.toString()) as { readonly info: unknown }) : {};
      const kept = info ? Buffer.from(JSON.stringify({ info })) : bytes;
      const { status } = response;
      heard.push({ path, request: body.toString('base64'), status, answer: kept.toString('base64') });
      return [status, bytes];
    } catch {
      return [BAD_GATEWAY, new Uint8Array()];
    }
  });
  return { ...proxy, heard };
}

/** What is to be kept of what one node heard: not how often it asked in vain, which is a matter of time. */
export function withoutRepeats(heard: readonly Exchange[]): readonly Exchange[] {
  return heard.filter((exchange, at) => {
    const next = heard.slice(at + 1).find(({ path }) => path === exchange.path);
    const isAgain = next?.request === exchange.request && next.answer === exchange.answer;
    return !isAgain && !(next && isInVain(exchange));
  });
}

/** Whether there was no message, or an object of it was not there yet, or a run was not over. */
function isInVain({ path, status, answer }: Exchange): boolean {
  if (path === calls.pullMessages.path) return answer === '';
  if (path === calls.run.path) return status === OK;
  return path === calls.pullObject.path && !fromBinary(calls.pullObject.response, bytesOf(answer)).objectAvailable;
}

/**
 * A SuperLink that answers each request as one did to the very same. It goes by the clock of that time, which `setClock` sets:
 * a reply says when it was made.
 */
export async function replayed(
  exchanges: readonly Exchange[],
  setClock: (seconds: number) => void,
  isSigned: (headers: IncomingMessage['headers'], now: number) => boolean,
) {
  const rest = [...exchanges];
  const unexpected: string[] = [];
  const given = new Map<string, Exchange>();
  const answerTo = (path: string, body: Buffer): Exchange | undefined => {
    const same = comparable(path, body);
    const at = rest.findIndex((each) => each.path === path && comparable(path, bytesOf(each.request)) === same);
    const found = at < 0 ? given.get(`${path} ${same}`) : rest.splice(at, 1)[0];
    if (found) given.set(`${path} ${same}`, found);
    return found;
  };
  setClock(timesOf(exchanges)[0]);
  const refused = (why: string): readonly [number, Uint8Array] => {
    unexpected.push(why);
    return [BAD_REQUEST, Buffer.from(JSON.stringify({ detail: why }))];
  };
  const superlink = await served(async ({ url: path = '', headers }, body) => {
    if (path !== VERSION_PATH && !isSigned(headers, Date.now())) return refused(`${path} is not signed`);
    const found = answerTo(path, body);
    if (!found) return refused(`nobody asked for ${path} ${JSON.stringify(told(path, body))}`);
    const [next] = timesOf(rest);
    if (path === calls.confirm.path && next !== undefined) setClock(next);
    return [found.status, bytesOf(found.answer)];
  });
  return {
    ...superlink,
    unexpected,
    /** Requests that were recorded, and not made again. */
    unasked: () => rest.map(({ path, request }) => `${path} ${JSON.stringify(told(path, bytesOf(request)))}`),
  };
}

const bytesOf = (base64: string): Uint8Array => Buffer.from(base64, 'base64');

/** When the replies of a conversation were made, in seconds since 1970. */
const timesOf = (exchanges: readonly Exchange[]): readonly number[] =>
  exchanges
    .filter(({ path }) => path === calls.pushMessages.path)
    .flatMap(({ request }) => fromBinary(calls.pushMessages.request, bytesOf(request)).messagesList)
    .map(({ metadata }) => metadata!.createdAt);

/** A request without what differs each time: a key that was made for it, and how long work took. */
function comparable(path: string, body: Uint8Array): string {
  const { request } = callAt(path) ?? {};
  if (!request) return '';
  const message = fromBinary(request as DescMessage, body) as {
    publicKey?: Uint8Array;
    clientappRuntimeList?: number[];
  };
  if (message.publicKey) message.publicKey = new Uint8Array();
  if (message.clientappRuntimeList) message.clientappRuntimeList = [];
  return Buffer.from(toBinary(request as DescMessage, message as never)).toString('base64');
}

const told = (path: string, body: Uint8Array): unknown => {
  const { request } = callAt(path) ?? {};
  return request ? toJson(request as DescMessage, fromBinary(request as DescMessage, body) as never) : '';
};

/** Fields whose values are of one time, or of one node. */
const OF_ONE_TIME =
  /^(?:nodeId|srcNodeId|dstNodeId|runId|srcTaskId|dstTaskId|createdAt|ttl|deliveredAt|sessionId|publicKey|clientappRuntimeList|fabHash)$/;

/** Every kind of exchange that there was, without what is of one time: what two conversations about the same have in common. */
export function saidIn({ nodes }: Conversation): readonly string[] {
  const all = Object.values(nodes).flatMap((exchanges) =>
    exchanges.map(({ path, request, status, answer }) => {
      const { response } = callAt(path) ?? {};
      const isMessage = status === OK && response;
      const said = isMessage
        ? toJson(response as DescMessage, fromBinary(response as DescMessage, bytesOf(answer)) as never)
        : bytesOf(answer).toString();
      return `${path} ${timeless(told(path, bytesOf(request)))} → ${status} ${timeless(said)}`;
    }),
  );
  return [...new Set(all)].toSorted();
}

function timeless(said: unknown): string {
  const text = JSON.stringify(said, (name, value: unknown) => {
    if (OF_ONE_TIME.test(name)) return '…';
    if (name === 'objectContent') return `${bytesOf(String(value)).toString().split(' ')[0]} …`;
    return name === 'objectsToPush' ? ['…'] : value;
  });
  return JSON.stringify(ordered(JSON.parse(text.replace(/[0-9a-f]{64}/g, '…'))));
}

/** Lists by what is in them: objects have the order of their names. */
function ordered(said: unknown): unknown {
  if (Array.isArray(said)) return said.map(ordered).toSorted(byText);
  if (typeof said !== 'object' || said === null) return said;
  return Object.fromEntries(Object.entries(said).map(([name, value]) => [name, ordered(value)]));
}

const byText = (one: unknown, other: unknown): number => (JSON.stringify(one) < JSON.stringify(other) ? -1 : 1);
