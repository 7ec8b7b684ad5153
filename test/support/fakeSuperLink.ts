// A SuperLink as far as a node sees one: Flower's calls over HTTP, in memory, with a ServerApp's half of a conversation by
// `ask`. What it takes and refuses is what flwr 1.42 does (superlink/routers/fleet, superlink/servicer/fleet).

import { createHash, verify } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { create, fromBinary, toBinary, type DescMessage, type MessageShape } from '@bufbuild/protobuf';
import * as fleet from '../../src/flower/fleet_pb.ts';
import {
  idsIn,
  incoming,
  innermostFirst,
  outgoing,
  treeOf,
  type IncomingObject,
  type OutgoingObject,
} from '../../src/flower/objects.ts';
import type { NamedArrays } from '../../src/flower/options.ts';
import { readRecords, writeRecords, type Records } from '../../src/flower/records.ts';
import { calls } from '../../src/flower/superLink.ts';

/** What is done to a request instead of answering it: nothing, a cut before or behind its being obeyed, or a status. */
export type Fault = 'none' | 'cutBefore' | 'cutAfter' | number;

/** What a ServerApp asks a node for. */
export interface Question {
  readonly type: string;
  /** Of which run; of the one that there always is if left out. */
  readonly run?: bigint;
  readonly arrays?: NamedArrays;
  readonly config?: Readonly<Record<string, number | string | boolean>>;
  /** Seconds in which it must be answered. */
  readonly ttl?: number;
}

/** What came back: records, or an error's reason. */
export interface Reply {
  readonly node: string;
  readonly records?: Records;
  readonly error?: string;
}

interface Waiting {
  readonly message: fleet.Message;
  readonly object: OutgoingObject;
  readonly answered: (reply: Reply) => void;
  isDelivered: boolean;
}

interface Session {
  readonly message: fleet.Message;
  readonly wanted: Set<string>;
}

const HOST = '127.0.0.1';
const SUPERLINK = 1n;
const [OK, BAD_REQUEST, UNAUTHORIZED, FORBIDDEN, NOT_FOUND, PRECONDITION_FAILED] = [200, 400, 401, 403, 404, 412];
const RUN = 4242n;

class Refusal extends Error {
  readonly status: number;
  readonly code: number | undefined;
  constructor(status: number, message: string, code?: number) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** Starts one on a free port; `close` ends it. */
export async function fakeSuperLink(
  options: { readonly version?: string | null; readonly mustRegister?: boolean } = {},
) {
  const superlink = new FakeSuperLink(options.version === undefined ? '1.42.0' : options.version, options.mustRegister);
  await superlink.open();
  return superlink;
}

export class FakeSuperLink {
  /** Asked of each request: its path without `/v1/fleet/`, and how often that was asked. */
  fault: (path: string, count: number) => Fault = () => 'none';
  /** Paths of all requests, in order. */
  readonly asked: string[] = [];
  /** Nodes by the SHA-256 of their keys. */
  readonly nodes = new Map<string, { readonly id: bigint; isOnline: boolean }>();
  /** Runs that are over. */
  readonly over = new Set<bigint>();
  /** Seconds by which its clock is ahead; it goes on evenly, whoever sets this machine's. */
  ahead = 0;
  /** How many replies were thrown away. */
  thrownAway = 0;
  readonly #runs = new Set([RUN]);
  readonly #version: string | null;
  readonly #mustRegister: boolean;
  readonly #objects = new Map<string, Uint8Array>();
  readonly #waiting: Waiting[] = [];
  readonly #sessions = new Map<string, Session>();
  /** Replies that are whole. */
  readonly #taken = new Set<string>();
  readonly #server = createServer((request, response) => void this.#serve(request, response));
  readonly #began = Date.now() - performance.now();
  /** Of all questions. */
  readonly run = RUN;
  #port = 0;
  #count = 0;

  constructor(version: string | null, mustRegister = false) {
    this.#version = version;
    this.#mustRegister = mustRegister;
  }

  get url(): string {
    return `http://${HOST}:${this.#port}`;
  }

  async open(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(this.#port, HOST, resolve));
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** Forgets all, as one without a database does when it is started again. */
  forget(): void {
    for (const all of [this.nodes, this.#objects, this.#sessions]) all.clear();
    this.#waiting.length = 0;
  }

  register(publicKey: string): void {
    this.nodes.set(hash(Buffer.from(publicKey)), { id: BigInt(1000 + ++this.#count), isOnline: false });
  }

  /** Milliseconds since 1970. */
  get #now(): number {
    return this.#began + performance.now() + 1000 * this.ahead;
  }

  get online(): readonly string[] {
    return [...this.nodes.values()].filter(({ isOnline }) => isOnline).map(({ id }) => String(id));
  }

  /** Asks one node, and gives its reply. */
  async ask(node: string, { type, run = RUN, arrays, config = {}, ttl = 3600 }: Question): Promise<Reply> {
    this.#runs.add(run);
    const object = await questionOf(run, this.#now / 1000, BigInt(node), type, ttl, arrays, config);
    for (const each of innermostFirst(object.object)) this.#objects.set(each.id, each.content());
    return new Promise((answered) => this.#waiting.push({ ...object, answered, isDelivered: false }));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const path = request.url!.replace('/v1/fleet/', '');
    this.asked.push(path);
    const fault = this.fault(path, this.asked.filter((each) => each === path).length);
    if (fault === 'cutBefore') request.socket.destroy();
    else if (typeof fault === 'number') response.writeHead(fault).end('the proxy says so');
    else {
      const [status, type, body] = this.#answer(path, request, Buffer.concat(parts));
      if (fault === 'cutAfter') request.socket.destroy();
      else response.writeHead(status, { 'content-type': type, date: new Date(this.#now).toUTCString() }).end(body);
    }
  }

  #answer(
    path: string,
    { headers }: IncomingMessage,
    body: Buffer,
  ): [status: number, type: string, body: Uint8Array | string] {
    const json = (status: number, value: unknown): [number, string, string] => [
      status,
      'application/json',
      JSON.stringify(value),
    ];
    if (path === '/openapi.json' && this.#version !== null) {
      return json(OK, { openapi: '3.1.0', info: { title: 'SuperLink API', version: this.#version } });
    }
    const call = Object.values(calls).find((each) => each.path.endsWith(`/${path}`));
    if (!call) return json(NOT_FOUND, { detail: 'Not Found' });
    try {
      const key = authenticated(headers, this.#now);
      const request = fromBinary(call.request as DescMessage, body);
      const answer = this.#obey(path, request as never, key);
      return [
        OK,
        'application/protobuf',
        toBinary(call.response as DescMessage, create(call.response as DescMessage, answer)),
      ];
    } catch (error) {
      if (error instanceof Refusal) return json(error.status, { code: error.code, detail: error.message });
      return json(BAD_REQUEST, { detail: String(error) });
    }
  }

  #obey(path: string, request: never, key: string): Record<string, unknown> {
    if (path === 'register-node') return this.#register(key);
    const node = this.nodes.get(key);
    if (path === 'activate-node') {
      if (!node || node.isOnline) throw new Refusal(PRECONDITION_FAILED, 'Failed to activate SuperNode.', 2004);
      node.isOnline = true;
      return { nodeId: node.id };
    }
    const { nodeId, node: claimed } = request as { readonly nodeId?: bigint; readonly node?: fleet.Node };
    if (!node || node.id !== (claimed?.nodeId ?? nodeId))
      throw new Refusal(UNAUTHORIZED, 'Invalid SuperNode authentication');
    if (path === 'send-node-heartbeat') {
      node.isOnline = true;
      return { success: true };
    }
    if (path === 'deactivate-node') {
      node.isOnline = false;
      this.#miss(node.id);
      return {};
    }
    if (path === 'unregister-node') {
      this.nodes.delete(key);
      return {};
    }
    if (path === 'pull-messages') return this.#pull(node.id);
    return this.#ofRun(path, request);
  }

  #register(key: string): Record<string, unknown> {
    if (this.#mustRegister) throw new Refusal(PRECONDITION_FAILED, 'SuperNode authentication is enabled.', 2001);
    if (this.nodes.has(key)) throw new Refusal(PRECONDITION_FAILED, 'Public key already in use.', 23);
    const id = BigInt(1000 + ++this.#count);
    this.nodes.set(key, { id, isOnline: false });
    return { nodeId: id };
  }

  /** Whoever waits for a node that is away is told so. */
  #miss(node: bigint): void {
    for (const { message, answered } of this.#waiting.filter((each) => each.message.metadata!.dstNodeId === node)) {
      this.#forgetQuestion(message.metadata!.messageId);
      answered({ node: String(node), error: 'the node is not available' });
    }
  }

  #forgetQuestion(id: string): void {
    const at = this.#waiting.findIndex(({ message }) => message.metadata!.messageId === id);
    if (at >= 0) this.#waiting.splice(at, 1);
  }

  #pull(node: bigint): Record<string, unknown> {
    const found = this.#waiting.find(
      ({ message, isDelivered }) => !isDelivered && message.metadata!.dstNodeId === node,
    );
    if (!found) return {};
    found.isDelivered = true;
    return { messagesList: [found.message], messageObjectTrees: [treeOf(found.object)] };
  }

  #ofRun(path: string, request: never): Record<string, unknown> {
    const pushed = request as MessageShape<typeof fleet.PushMessagesRequestSchema>;
    const { runId, objectId, objectContent, sessionId } = request as MessageShape<typeof fleet.PushObjectRequestSchema>;
    const run = path === 'push-messages' ? pushed.messagesList[0].metadata!.runId : runId;
    if (!this.#runs.has(run) || this.over.has(run))
      throw new Refusal(FORBIDDEN, 'The current run status does not allow this.', 2007);
    if (path === 'get-run') return { run: { runId: run } };
    if (path === 'pull-object') {
      const content = this.#objects.get(objectId);
      return {
        objectFound: content !== undefined,
        objectAvailable: content !== undefined,
        objectContent: content ?? new Uint8Array(),
      };
    }
    if (path === 'confirm-message-received') return {};
    if (path === 'push-messages') return this.#begin(pushed);
    return { stored: this.#store(sessionId, objectId, objectContent) };
  }

  #begin({
    messagesList: [message],
    messageObjectTrees: [tree],
  }: MessageShape<typeof fleet.PushMessagesRequestSchema>): Record<string, unknown> {
    const { messageId, replyToMessageId, createdAt, ttl } = message.metadata!;
    // A ServerApp has looked for replies meanwhile, and what it found is asked for no more.
    const isFound = [...this.#sessions.values()].some((each) => each.message.metadata!.messageId === messageId);
    if (isFound || this.#taken.has(messageId)) return {};
    const question = this.#waiting.find((each) => each.message.metadata!.messageId === replyToMessageId)?.message
      .metadata;
    if (!question || ttl <= 0 || createdAt + ttl > question.createdAt + question.ttl + 0.1) {
      this.thrownAway++;
      return { results: { [messageId]: 0 } };
    }
    const sessionId = `session ${++this.#count}`;
    const wanted = new Set([...idsIn(tree)].filter((id) => !this.#objects.has(id)));
    this.#sessions.set(sessionId, { message, wanted });
    return { results: { [messageId]: 0 }, objectsToPush: [...wanted], sessionId };
  }

  /** Ends all sessions, as time does. */
  expireSessions(): void {
    this.#sessions.clear();
  }

  #store(sessionId: string, id: string, content: Uint8Array): boolean {
    const all = [...this.#sessions.values()];
    const session = sessionId === '' ? all.find(({ wanted }) => wanted.has(id)) : this.#sessions.get(sessionId);
    if (!session?.wanted.has(id)) return false;
    if (hash(content) !== id) throw new Error('the content is another');
    session.wanted.delete(id);
    this.#objects.set(id, content.slice());
    if (session.wanted.size === 0) void this.#end(session.message);
    return true;
  }

  async #end(message: fleet.Message): Promise<void> {
    const { messageId, replyToMessageId, srcNodeId } = message.metadata!;
    this.#taken.add(messageId);
    const question = this.#waiting.find((each) => each.message.metadata!.messageId === replyToMessageId);
    if (!question) return;
    this.#forgetQuestion(replyToMessageId);
    const node = String(srcNodeId);
    if (message.error) return question.answered({ node, error: message.error.reason });
    const all = new Map<string, IncomingObject>();
    for (const [id, content] of this.#objects) all.set(id, await incoming(id, content));
    const [content] = all.get(messageId)!.children;
    question.answered({ node, records: readRecords(all, content) });
  }
}

/** The key that signed a request. @throws Refusal for a signature that is wrong, or of another time */
function authenticated(headers: IncomingMessage['headers'], now: number): string {
  if (!isSigned(headers, now)) throw new Refusal(UNAUTHORIZED, 'Invalid SuperNode authentication');
  return hash(Buffer.from(String(headers['flwr-public-key']), 'base64'));
}

/** Whether the key that a request names signed it, and just now, in milliseconds since 1970. */
export function isSigned(headers: IncomingMessage['headers'], now: number): boolean {
  const [key, timestamp, signature] = ['flwr-public-key', 'flwr-timestamp', 'flwr-signature'].map((name) =>
    String(headers[name]),
  );
  const pem = Buffer.from(key, 'base64').toString();
  const age = (now - Date.parse(timestamp)) / 1000;
  const isOurs = verify('sha256', Buffer.from(timestamp, 'ascii'), pem, Buffer.from(signature, 'base64'));
  return isOurs && age >= -5 && age <= 305;
}

const hash = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

async function questionOf(
  runId: bigint,
  createdAt: number,
  dstNodeId: bigint,
  messageType: string,
  ttl: number,
  arrays: NamedArrays | undefined,
  config: Readonly<Record<string, number | string | boolean>>,
): Promise<{ readonly message: fleet.Message; readonly object: OutgoingObject }> {
  const items = Object.entries(config).map(([key, value]) => ({ key, value: { value: valueOf(value) } }));
  const record = await outgoing(
    'ConfigRecord',
    toBinary(fleet.ConfigRecordSchema, create(fleet.ConfigRecordSchema, { items })),
  );
  const others = (await writeRecords(arrays, {})).children.slice(0, arrays ? 1 : 0);
  const names = { ...(arrays && { arrays: others[0].id }), config: record.id };
  const content = await outgoing('RecordDict', Buffer.from(JSON.stringify(names)), [...others, record]);
  const metadata = { runId, srcNodeId: SUPERLINK, dstNodeId, ttl, messageType, createdAt };
  const body = toBinary(fleet.MessageSchema, create(fleet.MessageSchema, { metadata }));
  const object = await outgoing('Message', body, [content]);
  const message = create(fleet.MessageSchema, { metadata: { ...metadata, messageId: object.id }, content: {} });
  return { message, object };
}

function valueOf(value: number | string | boolean) {
  if (typeof value === 'string') return { case: 'string' as const, value };
  if (typeof value === 'boolean') return { case: 'bool' as const, value };
  return Number.isInteger(value)
    ? { case: 'sint64' as const, value: BigInt(value) }
    : { case: 'double' as const, value };
}
