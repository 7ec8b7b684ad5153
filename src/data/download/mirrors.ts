import { FormatError } from '../../core/errors.ts';
import type { CatalogueEntry, CatalogueFile } from './catalogue.ts';
import { download, plainly, reasonOf, Refusal, type DownloadOptions } from './download.ts';
import { Incoming } from './incomingFile.ts';
import { pause, Watch } from './downloadTimeouts.ts';
import type { Store } from './fileStore.ts';
import { sumOf } from './checksum.ts';

/** Bytes of all files that are to be downloaded. */
export interface DownloadProgress {
  readonly received: number;
  readonly total: number;
}

export interface MirrorOptions extends DownloadOptions {
  readonly store: Store | null;
  readonly progress: ((progress: DownloadProgress) => void) | undefined;
}

/** The first mirror to answer, whatever it says. Each has a lead over the next, so that only one is asked if all is well. */
function firstToAnswer(file: string, urls: readonly string[], leadMs: number, signal: AbortSignal): Promise<string> {
  const answers: Promise<string>[] = [];
  for (const [at, url] of urls.entries()) {
    const othersFailed = Promise.allSettled(answers);
    const turn = at === 0 ? Promise.resolve() : Promise.race([pause(at * leadMs, signal), othersFailed]);
    answers.push(turn.then(() => fetch(url + file, { ...plainly, method: 'HEAD', signal })).then(() => url));
  }
  return Promise.any(answers);
}

/**
 * The mirrors, the first to answer in front.
 * @throws FormatError where none answers in time; the signal's reason
 */
async function reachable(
  { name, title, files }: CatalogueEntry,
  urls: readonly string[],
  { patience, signal }: DownloadOptions,
): Promise<string[]> {
  const watch = new Watch(signal);
  watch.expect('no answer', patience.reachMs);
  const ask = (): Promise<string> => firstToAnswer(files[0].name, urls, patience.leadMs, watch.signal);
  try {
    const first = await ask().catch(async (error: unknown) => {
      if (watch.signal.aborted) throw error;
      await pause(patience.retryReachMs, watch.signal);
      return ask();
    });
    return [first, ...urls.filter((url) => url !== first)];
  } catch (cause) {
    signal?.throwIfAborted();
    const errors: readonly unknown[] = cause instanceof AggregateError ? cause.errors : urls.map(() => cause);
    const reasons = urls.map((url, at) => `${new URL(url).host}: ${reasonOf(errors[at])}`);
    throw new FormatError(`[${name}] no mirror of ${title} can be reached (${reasons.join('; ')})`, { cause });
  } finally {
    watch.end();
  }
}

/** A file of one mirror, checked. @throws Refusal */
async function fromMirror(url: string, file: CatalogueFile, incoming: Incoming, options: MirrorOptions): Promise<void> {
  incoming.changeMirror();
  for (;;) {
    if (!incoming.whole) await download(url, incoming, options);
    const sum = await sumOf(incoming.bytes);
    if (sum === file.sha256) return;
    const { borrowed } = incoming;
    await incoming.restart();
    if (!borrowed) throw new Refusal(`sends a file of SHA-256 ${sum}, where it must be ${file.sha256}`);
  }
}

/**
 * Downloads files of a set, each held against its sum, and hands them over as they come. A mirror that fails is asked
 * last from then on.
 * @throws FormatError saying why each mirror failed; the signal's reason
 */
export async function downloadFiles(
  entry: CatalogueEntry,
  missing: readonly CatalogueFile[],
  urls: readonly string[],
  options: MirrorOptions,
  take: (file: CatalogueFile, bytes: Uint8Array) => Promise<void>,
): Promise<{ readonly from: string }> {
  const order = await reachable(entry, urls, options);
  const total = missing.reduce((sum, { bytes }) => sum + bytes, 0);
  let [before, most] = [0, -1];
  const arrived = (length: number): void => {
    // What was thrown away is loaded again, but a bar does not go back.
    if (before + length > most) options.progress?.({ received: (most = before + length), total });
  };
  for (const file of missing) {
    const incoming = new Incoming(file.name, file.bytes, options.store, arrived);
    arrived(0);
    await incoming.resume();
    await fromAny(entry, order, file, incoming, options);
    await take(file, incoming.bytes);
    await incoming.discardPart();
    before += file.bytes;
  }
  return { from: order[0] };
}

/** A file of the first mirror that has it; those that failed go to the end of the order. */
async function fromAny(
  { name }: CatalogueEntry,
  order: string[],
  file: CatalogueFile,
  incoming: Incoming,
  options: MirrorOptions,
): Promise<void> {
  const failures: string[] = [];
  for (const url of order.slice()) {
    try {
      return await fromMirror(url + file.name, file, incoming, options);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      failures.push(`${url} ${error.message}`);
      order.push(...order.splice(order.indexOf(url), 1));
    }
  }
  throw new FormatError(`[${name}] no mirror gives ${file.name}: ${failures.join('; ')}`);
}
