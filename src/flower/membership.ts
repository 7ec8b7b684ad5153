import type { Bytes, Signal } from '../core/globalTypes.ts';
import { FlowerError } from './flowerError.ts';
import type { NodeKey } from './nodeKey.ts';
import { calls, FLOWER_VERSION, type SuperLink } from './superLink.ts';
import { pause, patiently, type Patience } from './waiting.ts';

/** Part of the promised time after which a sign of life is sent: one may be lost, and the next is there still. */
const BEAT = 0.7;
/** Seconds until a sign of life that was lost is sent again. */
const SOON = 5;
/** A SuperLink waits so many times as long as was promised. Source: flwr, HEARTBEAT_PATIENCE */
const MISSED_BEATS = 2;
/** Longer than a ServerApp waits until it asks again for replies. Source: flwr, superlink/grid/http_grid.py */
const ASIDE_SECONDS = 4;
const MILLISECONDS = 1000;
const UNAUTHORIZED = 401;
/** Source: flwr, supercore/error/catalog.py */
const [KEY_IN_USE, REGISTRATION_DISABLED, ACTIVATION_FAILED] = [23, 2001, 2004];

const codeOf = (error: unknown): number | undefined => (error instanceof FlowerError ? error.code : undefined);

/** Whether a SuperLink no longer knows a node, as after a restart without a database. */
export const isForgotten = (error: unknown): boolean => error instanceof FlowerError && error.status === UNAUTHORIZED;

/** What a node is told to do when it joins. */
export interface MembershipOptions {
  readonly key: NodeKey;
  /** Whether the key is for this time alone, so that nobody else can be known by it. */
  readonly isOwnKey: boolean;
  /** Seconds within which a sign of life is promised. */
  readonly heartbeat: number;
  readonly patience: Patience;
}

/** A node's place among those that a SuperLink knows: how it comes to be, is kept, and is given back. */
export class Membership {
  /** The SuperLink's number of it. */
  id = 0n;
  /** Whether the SuperLink said that it does not know this node. */
  isLost = false;
  /** How often no sign of life came through for so long that a SuperLink tells ServerApps of it. */
  absences = 0;
  readonly #link: SuperLink;
  readonly #options: MembershipOptions;
  readonly #publicKey: Bytes;
  readonly #end = new AbortController();
  #hasRegistered = false;
  #beats: Promise<void> | undefined;
  /** When a sign of life came through. */
  #seen = 0;

  constructor(link: SuperLink, options: MembershipOptions) {
    this.#link = link;
    this.#options = options;
    this.#publicKey = new TextEncoder().encode(options.key.publicKey);
  }

  get node(): { readonly nodeId: bigint } {
    return { nodeId: this.id };
  }

  /**
   * Registers the node, if it has to, and says that it is there.
   * @returns the SuperLink's version, null where it does not tell
   * @throws FlowerError for another version, or a key that is not taken
   */
  async join(): Promise<string | null> {
    const { patience } = this.#options;
    const version = await patiently(patience, () => this.#link.version());
    requireVersion(this.#link.address, version);
    // A place that is there after all would be in the way, and nobody else's.
    if (this.id !== 0n) await this.#link.call(calls.deactivate, this.node).catch(() => {});
    this.#hasRegistered = false;
    this.id = await this.#online();
    this.isLost = false;
    this.#seen = performance.now();
    this.#beats ??= this.#beat(this.#end.signal);
    return version;
  }

  /** The node's number, once no other one with its key is online. */
  async #online(): Promise<bigint> {
    const { patience, heartbeat, isOwnKey } = this.#options;
    // One that was killed a moment ago is taken for online as long.
    const seconds = Math.min(MISSED_BEATS * heartbeat + 2 * SOON, patience.seconds);
    const until = performance.now() + MILLISECONDS * seconds;
    for (;;) {
      try {
        if (isOwnKey && !this.#hasRegistered) await this.#registerUnlessKnown();
        return await this.#activate();
      } catch (error) {
        const taken = codeOf(error) === ACTIVATION_FAILED ? await this.#whyNotActivated() : this.#refusal(error);
        if (!taken) continue;
        if (performance.now() > until || codeOf(error) !== ACTIVATION_FAILED) throw taken;
        patience.waits(taken.message, SOON);
        await pause(SOON, patience.signal);
      }
    }
  }

  async #activate(): Promise<bigint> {
    const given = { publicKey: this.#publicKey, heartbeatInterval: this.#options.heartbeat };
    return (await patiently(this.#options.patience, () => this.#link.call(calls.activate, given))).nodeId;
  }

  async #register(): Promise<void> {
    await patiently(this.#options.patience, () => this.#link.call(calls.register, { publicKey: this.#publicKey }));
    this.#hasRegistered = true;
  }

  /** A key that nobody else has may be known from an attempt whose answer was lost. */
  async #registerUnlessKnown(): Promise<void> {
    try {
      await this.#register();
    } catch (error) {
      if (codeOf(error) !== KEY_IN_USE) throw error;
      this.#hasRegistered = true;
    }
  }

  /** Why a node cannot be activated; undefined where it was not registered, and now is. */
  async #whyNotActivated(): Promise<FlowerError | undefined> {
    const { address } = this.#link;
    try {
      await this.#register();
      return undefined;
    } catch (error) {
      const [status, code] = [error instanceof FlowerError ? error.status : undefined, codeOf(error)];
      if (code === KEY_IN_USE) {
        return new FlowerError(
          `[joinFlower] another node with this key is online at ${address}, or was until a moment ago: give each node a key of its own`,
          { status, code, cause: error },
        );
      }
      if (code === REGISTRATION_DISABLED) {
        return new FlowerError(
          `[joinFlower] ${address} takes registered nodes alone, and this node's key is not registered, or another node with it is online: give its public half to \`flwr supernode register\``,
          { status, code, cause: error },
        );
      }
      throw this.#refusal(error);
    }
  }

  #refusal(error: unknown): Error {
    const { address } = this.#link;
    if (codeOf(error) === REGISTRATION_DISABLED) {
      return new FlowerError(
        `[joinFlower] ${address} takes registered nodes alone, and this one has no key of its own: make one by createNodeKey(), give its public half to \`flwr supernode register\`, and join with it`,
        { status: (error as FlowerError).status, code: REGISTRATION_DISABLED, cause: error },
      );
    }
    if (isForgotten(error)) {
      return new FlowerError(
        `[joinFlower] ${address} does not take this node's signature: its clock may differ by more than minutes, or what stands in between changes headers (${(error as FlowerError).message})`,
        { status: UNAUTHORIZED, cause: error },
      );
    }
    return error as Error;
  }

  async #beat(signal: Signal): Promise<void> {
    const { heartbeat } = this.#options;
    let wait = BEAT * heartbeat;
    while (!signal.aborted) {
      await pause(wait, signal).catch(() => {});
      if (signal.aborted) return;
      // While it joins anew it has no place to keep.
      if (this.isLost) continue;
      const { id } = this;
      const given = { node: this.node, heartbeatInterval: heartbeat };
      try {
        const { success } = await this.#link.call(calls.heartbeat, given);
        if (!success) this.isLost = true;
        else this.#heard();
        wait = BEAT * heartbeat;
      } catch (error) {
        if (isForgotten(error) && id === this.id) this.isLost = true;
        wait = SOON;
      }
    }
  }

  #heard(): void {
    const now = performance.now();
    if (now - this.#seen > MISSED_BEATS * MILLISECONDS * this.#options.heartbeat) this.absences++;
    this.#seen = now;
  }

  /**
   * Is away for as long as a ServerApp needs to see it, so that it does not wait for an answer to a message that was lost on its
   * way: a SuperLink hands out each message once.
   */
  async stepAside(): Promise<void> {
    const { patience } = this.#options;
    await this.#link.call(calls.deactivate, this.node).catch(() => {});
    await pause(ASIDE_SECONDS, patience.signal);
    const given = { node: this.node, heartbeatInterval: this.#options.heartbeat };
    await patiently(patience, () => this.#link.call(calls.heartbeat, given));
  }

  /** Says that it is gone, as well as that can be said, and says nothing more. */
  async leave(): Promise<void> {
    this.#end.abort();
    await this.#beats;
    if (this.id === 0n || this.isLost) return;
    await this.#link.call(calls.deactivate, this.node, true).catch(() => {});
    if (this.#hasRegistered && this.#options.isOwnKey) {
      await this.#link.call(calls.unregister, this.node, true).catch(() => {});
    }
  }
}

/** Major and minor version. */
const release = (version: string): string => version.split('.').slice(0, 2).join('.');

/** @throws FlowerError for another release than is spoken here */
function requireVersion(address: string, version: string | null): void {
  if (version === null || release(version) === release(FLOWER_VERSION)) return;
  throw new FlowerError(
    `[joinFlower] ${address} is a SuperLink of flwr ${version}, and this node speaks flwr ${release(FLOWER_VERSION)}: run it by \`pip install 'flwr==${release(FLOWER_VERSION)}.*'\`, or take the millrace that speaks ${release(version)}`,
  );
}
