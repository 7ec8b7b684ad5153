import { create, toBinary, type DescMessage, type MessageInitShape, type MessageShape } from '@bufbuild/protobuf';
import type { Bytes, Signal } from '../core/globalTypes.ts';
import { toBase64 } from './base64.ts';
import * as fleet from './fleet_pb.ts';
import { FlowerError } from './flowerError.ts';
import type { NodeKey } from './nodeKey.ts';
import { readMessage } from './wire.ts';

/** The release whose protocol this is: SuperLinks of its major and minor version are spoken to. */
export const FLOWER_VERSION = '1.42.0';

/** A call of the Fleet API: where it goes, what it takes and gives, and for how many seconds it is waited for. */
const callOf = <In extends DescMessage, Out extends DescMessage>(
  path: string,
  request: In,
  response: Out,
  seconds = 60,
) => ({
  path: `/v1/fleet/${path}`,
  request,
  response,
  seconds,
  isOnce: false,
});

/**
 * One whose second answer is another: a message is handed out once, a session named once. A request that got no answer on a
 * connection that was used before may be sent again by the engine, and nobody is told: Deno does, as browsers do.
 */
const onceOf = <In extends DescMessage, Out extends DescMessage>(path: string, request: In, response: Out) => ({
  ...callOf(path, request, response),
  isOnce: true,
});

/** Objects have up to five megabytes, on slow links too. */
const OBJECT_SECONDS = 300;
/** One that comes late is followed by the next. */
const HEARTBEAT_SECONDS = 10;

export const calls = {
  register: onceOf('register-node', fleet.RegisterNodeFleetRequestSchema, fleet.RegisterNodeFleetResponseSchema),
  activate: onceOf('activate-node', fleet.ActivateNodeRequestSchema, fleet.ActivateNodeResponseSchema),
  heartbeat: callOf(
    'send-node-heartbeat',
    fleet.SendNodeHeartbeatRequestSchema,
    fleet.SendNodeHeartbeatResponseSchema,
    HEARTBEAT_SECONDS,
  ),
  deactivate: callOf(
    'deactivate-node',
    fleet.DeactivateNodeRequestSchema,
    fleet.DeactivateNodeResponseSchema,
    HEARTBEAT_SECONDS,
  ),
  unregister: callOf(
    'unregister-node',
    fleet.UnregisterNodeFleetRequestSchema,
    fleet.UnregisterNodeFleetResponseSchema,
    HEARTBEAT_SECONDS,
  ),
  run: callOf('get-run', fleet.GetRunRequestSchema, fleet.GetRunResponseSchema),
  pullMessages: onceOf('pull-messages', fleet.PullMessagesRequestSchema, fleet.PullMessagesResponseSchema),
  pushMessages: onceOf('push-messages', fleet.PushMessagesRequestSchema, fleet.PushMessagesResponseSchema),
  pullObject: callOf('pull-object', fleet.PullObjectRequestSchema, fleet.PullObjectResponseSchema, OBJECT_SECONDS),
  pushObject: callOf('push-object', fleet.PushObjectRequestSchema, fleet.PushObjectResponseSchema, OBJECT_SECONDS),
  confirm: callOf(
    'confirm-message-received',
    fleet.ConfirmMessageReceivedRequestSchema,
    fleet.ConfirmMessageReceivedResponseSchema,
  ),
} as const;

type Call<In extends DescMessage, Out extends DescMessage> = ReturnType<typeof callOf<In, Out>>;

const MILLISECONDS = 1000;
/** Any answer is waited for so long. */
const LEAST_SECONDS = 1;
/** A SuperLink takes what was signed up to 5 seconds ahead of its clock. */
const NOTABLE_SECONDS = 4;
const [UNAUTHORIZED, NOT_FOUND] = [401, 404];
/** Of an answer that is no protobuf, so many characters are told. */
const TOLD = 200;

/** A SuperLink's Fleet API, as the node of a key calls it. Each call is one request: who calls tries again. */
export class SuperLink {
  readonly address: string;
  /** Bytes of bodies so far. */
  received = 0;
  sent = 0;
  readonly #key: NodeKey;
  readonly #signal: Signal;
  readonly #patience: number;
  /**
   * Seconds since 1970 less those of the engine's own count, by which a clock that is set meanwhile changes nothing; by the
   * SuperLink's clock, once it refused what was signed by this one.
   */
  #began = (Date.now() - performance.now()) / MILLISECONDS;

  /** @param patience seconds for which no answer is waited longer */
  constructor(address: string, key: NodeKey, signal: Signal, patience = Infinity) {
    this.address = address;
    this.#key = key;
    this.#signal = signal;
    this.#patience = Math.max(patience, LEAST_SECONDS);
  }

  /** Seconds since 1970, by the SuperLink's clock as far as it is known. */
  now(): number {
    return this.#began + performance.now() / MILLISECONDS;
  }

  /** Which flwr it is of; null where it does not tell, as behind a proxy for the Fleet API alone. */
  async version(): Promise<string | null> {
    const { response, bytes } = await this.#fetch('/openapi.json', { method: 'GET' }, calls.run.seconds);
    const { info } = Object(response.ok && jsonIn(new TextDecoder().decode(bytes))) as { readonly info?: unknown };
    const { title, version } = Object(info) as Readonly<Record<string, unknown>>;
    return typeof version === 'string' && String(title).startsWith('SuperLink') ? version : null;
  }

  /**
   * @param leaving whether the call is made though the node is to leave
   * @throws FlowerError for a lost connection, or an answer that is an error
   */
  async call<In extends DescMessage, Out extends DescMessage>(
    call: Call<In, Out>,
    given: MessageInitShape<In>,
    leaving = false,
  ): Promise<MessageShape<Out>> {
    const { path, seconds } = call;
    const body = bytesOf(call, given);
    this.sent += body.length;
    const post = async () => {
      const signedAt = this.now();
      const request = { ...(await this.#signed(signedAt)), ...bodyOf(body, call.isOnce), keepalive: leaving };
      return { ...(await this.#fetch(path, request, seconds, leaving)), signedAt };
    };
    let answer = await post();
    if (answer.response.status === UNAUTHORIZED && this.#isOld(answer.signedAt, answer.response)) answer = await post();
    const { response, bytes } = answer;
    if (response.ok) return readMessage(call.response, bytes);
    throw this.#refusal(path, response, new TextDecoder().decode(bytes));
  }

  /** A call as `fetch` takes it, signed now. */
  async prepared<In extends DescMessage>(call: Call<In, DescMessage>, given: MessageInitShape<In>) {
    return { ...(await this.#signed(this.now())), body: bytesOf(call, given) };
  }

  /** A request that is signed by this time: a SuperLink takes it for five minutes. */
  async #signed(seconds: number) {
    const timestamp = new Date(seconds * MILLISECONDS).toISOString().replace('Z', '+00:00');
    const headers = {
      'content-type': PROTOBUF,
      accept: PROTOBUF,
      'flwr-public-key': btoa(this.#key.publicKey),
      'flwr-timestamp': timestamp,
      'flwr-signature': toBase64(await this.#key.sign(timestamp)),
      'flwr-package-name': 'flwr',
      'flwr-package-version': FLOWER_VERSION,
      'flwr-component-name': 'SuperNode',
    };
    return { method: 'POST', headers } as const;
  }

  /** Takes the SuperLink's clock for this node's, if they differ. @returns whether by it a request was signed at another time */
  #isOld(signedAt: number, { headers }: Response): boolean {
    const theirs = Date.parse(headers.get('date') ?? '') / MILLISECONDS;
    if (Math.abs(theirs - this.now()) > NOTABLE_SECONDS) this.#began += theirs - this.now();
    // Another call may have set the clock while this one was on its way.
    return Math.abs(theirs - signedAt) > NOTABLE_SECONDS;
  }

  async #fetch(path: string, init: RequestInit, most: number, leaving = false) {
    const seconds = Math.min(most, this.#patience);
    // AbortSignal.any would do, but a signal that lives long keeps a little of each that was made of it.
    const ends = new AbortController();
    const end = () => ends.abort();
    const timer = setTimeout(end, seconds * MILLISECONDS);
    if (!leaving) {
      this.#signal.throwIfAborted();
      this.#signal.addEventListener('abort', end);
    }
    try {
      const response = await fetch(this.address + path, { ...init, signal: ends.signal, redirect: 'error' });
      const bytes = new Uint8Array(await response.arrayBuffer());
      this.received += bytes.length;
      return { response, bytes };
    } catch (error) {
      if (!leaving) this.#signal.throwIfAborted();
      const reason = reasonOf(error);
      const hopeless = forGood.find(([pattern]) => pattern.test(reason));
      if (hopeless) {
        const [, what, wayOut] = hopeless;
        throw new FlowerError(`[flower] ${this.address} cannot be asked, as it ${what} (${reason}): ${wayOut}`, {
          cause: error,
        });
      }
      const why = ends.signal.aborted ? `no answer within ${seconds} seconds` : reason;
      throw new FlowerError(`[flower] the connection to ${this.address}${path} was lost: ${why}`, {
        cause: error,
        isOnTheWay: true,
      });
    } finally {
      clearTimeout(timer);
      this.#signal.removeEventListener('abort', end);
    }
  }

  #refusal(path: string, { status }: Response, text: string): FlowerError {
    const { code, detail, extra } = Object(jsonIn(text)) as Readonly<Record<string, unknown>>;
    const said =
      typeof detail === 'string' ? `"${[detail, extra].filter(Boolean).join(' ')}"` : `"${text.slice(0, TOLD)}"`;
    const number = typeof code === 'number' ? code : undefined;
    const where = `${this.address}${path}`;
    if (status === NOT_FOUND && number === undefined) {
      return new FlowerError(
        `[flower] ${where} is not there: the address must be that of a SuperLink of flwr ${FLOWER_VERSION}, as http://127.0.0.1:8000`,
        { status },
      );
    }
    return new FlowerError(`[flower] ${where} answers ${status} ${said}`, { status, code: number });
  }
}

const bytesOf = <In extends DescMessage>({ request }: Call<In, DescMessage>, given: MessageInitShape<In>) =>
  toBinary(request, create(request, given));

/** A body as `fetch` takes it; in Deno one that cannot be sent again, if it must not. */
const bodyOf = (body: Bytes, isOnce: boolean) =>
  isOnce && 'Deno' in globalThis ? { body: new Blob([body]).stream(), duplex: 'half' as const } : { body };

/** What another try does not mend, and what would. Source: Node's documentation, errors of TLS and HTTP; the Fetch standard */
const forGood: readonly (readonly [pattern: RegExp, what: string, wayOut: string])[] = [
  [
    /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|invalid peer certificate/,
    'does not prove who it is',
    'name the authority of its certificate by NODE_EXTRA_CA_CERTS, in Deno by --cert',
  ],
  [/ERR_SSL_(?:WRONG_VERSION|PACKET_LENGTH)/, 'speaks no TLS', 'write http://, if it runs with --insecure'],
  [/bad port|HPE_INVALID/, 'is no HTTP server', "look at the port: a SuperLink's is 8000, unless it was told another"],
];
const PROTOBUF = 'application/protobuf';

const jsonIn = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

/** What fetch's errors hide in their causes. */
function reasonOf(error: unknown): string {
  const { message, cause } = Object(error) as { readonly message?: unknown; readonly cause?: unknown };
  const { code, message: inner } = Object(cause) as { readonly code?: unknown; readonly message?: unknown };
  const parts = [message, typeof code === 'string' ? code : inner];
  return parts.filter((part) => typeof part === 'string' && part !== '').join(', ') || String(error);
}
