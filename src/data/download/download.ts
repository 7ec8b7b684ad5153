import type { Signal } from '../../core/globalTypes.ts';
import type { Incoming } from './incomingFile.ts';
import { pause, Watch, type Patience } from './downloadTimeouts.ts';

/** A mirror will not give the file, however often it is asked. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
}

/** A server that wants to be asked again, and perhaps says when. */
class Busy extends Error {
  readonly afterMs: number | undefined;

  constructor(message: string, afterMs: number | undefined) {
    super(message);
    this.afterMs = afterMs;
  }
}

export interface DownloadOptions {
  readonly patience: Patience;
  readonly signal: Signal | undefined;
  /** A page asks other origins: only for what needs no preflight, which file servers seldom answer. */
  readonly page: boolean;
}

const OK = 200;
const PARTIAL = 206;
const REQUEST_TIMEOUT = 408;
const RANGE_NOT_SATISFIABLE = 416;
const TOO_MANY_REQUESTS = 429;

/** What went wrong, in a few words: a failed fetch hides the network's own ones in its cause. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause as { readonly code?: string; readonly message?: string } | undefined;
  return cause?.message || cause?.code || error.message;
}

/** No cookies, no referrer; and no HTTP cache, which would keep handing out a file whose sum is wrong. */
export const plainly = { cache: 'no-store', credentials: 'omit', referrerPolicy: 'no-referrer' } as const;

/** Milliseconds of a Retry-After header, which has seconds or a date. */
function retryAfter(response: Response): number | undefined {
  const text = response.headers.get('retry-after');
  if (!text) return undefined;
  const seconds = Number(text);
  const ms = Number.isNaN(seconds) ? Date.parse(text) - Date.now() : 1000 * seconds;
  return Number.isNaN(ms) ? undefined : Math.max(0, ms);
}

/** Throws where an answer is none. */
function requireSuccess(response: Response, { longestPauseMs }: Patience): void {
  const { status } = response;
  if (status === OK || status === PARTIAL) return;
  const again = status >= 500 || status === TOO_MANY_REQUESTS || status === REQUEST_TIMEOUT;
  if (!again) throw new Refusal(`answers ${status}`);
  const afterMs = retryAfter(response);
  if (afterMs !== undefined && afterMs > longestPauseMs) {
    throw new Refusal(`answers ${status} and wants to be asked again in ${Math.ceil(afterMs / 1000)} s`);
  }
  throw new Busy(`answers ${status}`, afterMs);
}

function rangeHeaders({ length, etag }: Incoming, page: boolean): Record<string, string> {
  if (length === 0) return {};
  const range = { Range: `bytes=${length}-` };
  return etag !== null && !page ? { ...range, 'If-Range': etag } : range;
}

/** Makes sure that the body goes on where `incoming` ends. */
async function align(response: Response, incoming: Incoming): Promise<void> {
  if (response.status !== PARTIAL) {
    if (incoming.length > 0) await incoming.restart();
  } else {
    // A page may not see the header; a wrong place shows in the sum.
    const start = /^bytes (\d+)-/.exec(response.headers.get('content-range') ?? '')?.[1];
    if (start !== undefined && Number(start) !== incoming.length) {
      const asked = incoming.length;
      await incoming.restart();
      throw new Error(`was asked for byte ${asked}, but sends byte ${start}`);
    }
  }
  const etag = response.headers.get('etag');
  // A weak one vouches for no byte.
  incoming.etag = etag?.startsWith('"') ? etag : null;
}

/** One request. Throws Refusal where no other would help. */
async function attempt(url: string, incoming: Incoming, options: DownloadOptions): Promise<void> {
  const { patience, signal, page } = options;
  const watch = new Watch(signal);
  let answered = false;
  try {
    watch.expect('no answer', patience.answerMs);
    const headers = rangeHeaders(incoming, page);
    const response = await fetch(url, { ...plainly, headers, signal: watch.signal });
    answered = true;
    if (response.status === RANGE_NOT_SATISFIABLE && incoming.length > 0) {
      await incoming.restart();
      throw new Error(`answers ${RANGE_NOT_SATISFIABLE}`);
    }
    requireSuccess(response, patience);
    await align(response, incoming);
    const reader = response.body!.getReader();
    for (;;) {
      watch.expect('no byte', patience.idleMs);
      const { done, value } = await reader.read();
      if (done) break;
      if (!(await incoming.push(value))) throw await wrongSize(incoming, 'more');
    }
    if (!incoming.whole) throw await wrongSize(incoming, String(incoming.length));
  } catch (error) {
    // Older browsers ask before a Range header, and get no permission: the file as a whole needs none.
    if (!answered && page && incoming.length > 0) await incoming.restart();
    throw watch.signal.aborted ? watch.signal.reason : error;
  } finally {
    watch.end();
  }
}

/** Another file, a page to log in perhaps: none of it is worth keeping. */
async function wrongSize(incoming: Incoming, came: string): Promise<Refusal> {
  const size = incoming.bytes.length;
  await incoming.restart();
  return new Refusal(`sends ${came} bytes, where the file has ${size}`);
}

/**
 * Loads what is missing of a file. Goes on where a connection broke off; waits longer from try to try that brings
 * nothing new.
 * @throws Refusal where the mirror will not give it; the signal's reason
 */
export async function download(url: string, incoming: Incoming, options: DownloadOptions): Promise<void> {
  const { patience, signal } = options;
  for (let tries = 1, furthest = incoming.furthest; ; tries++) {
    try {
      return await attempt(url, incoming, options);
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof Refusal) throw error;
      if (incoming.furthest > furthest) [tries, furthest] = [1, incoming.furthest];
      if (tries >= patience.tries) throw new Refusal(`${reasonOf(error)}, ${tries} times in a row`, { cause: error });
      const asked = error instanceof Busy ? error.afterMs : undefined;
      await pause(asked ?? patience.pauseMs * 2 ** (tries - 1), signal);
    }
  }
}
