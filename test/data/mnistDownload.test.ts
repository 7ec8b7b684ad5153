import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { FormatError } from '../../src/core/errors.ts';
import { load, type Mnist, type MnistOptions, type Platform, type StandIn } from '../../src/data/mnist/load.ts';
import type { DownloadProgress } from '../../src/data/download/mirrors.ts';
import { usualPatience, type Patience } from '../../src/data/download/downloadTimeouts.ts';
import { dataset, type Dataset } from '../../src/data/index.ts';
import { folderStore } from '../../src/node/cache.ts';
import {
  body,
  cutAfter,
  deadUrl,
  entryOf,
  good,
  IMAGES,
  rangeless,
  serveMirror,
  sha256,
  smallFiles,
  stallAfter,
  status,
  TRAIN_LENGTH,
  type MirrorServer,
  type Role,
} from '../support/mirror.ts';

/** As long as no machine takes, however loaded it is: who waits for it hangs. */
const ENDLESS_MS = 1e9;
const ENDLESS: Partial<Patience> = {
  reachMs: ENDLESS_MS,
  leadMs: ENDLESS_MS,
  answerMs: ENDLESS_MS,
  idleMs: ENDLESS_MS,
};

/** Patient with a slow machine, but not with a mirror: it is asked again at once. */
const QUICK: Patience = { ...usualPatience, ...ENDLESS, tries: 3, pauseMs: 2, retryReachMs: 2 };

const FILES = smallFiles.size;
const SIZE = smallFiles.get(IMAGES)!.length;
const TOTAL = [...smallFiles.values()].reduce((sum, file) => sum + file.length, 0);

let cache = '';
let servers: MirrorServer[] = [];
beforeEach(async () => {
  cache = await mkdtemp(join(tmpdir(), 'millrace-cache-'));
});
afterEach(async () => {
  await Promise.all(servers.map((server) => server.close()));
  servers = [];
  await rm(cache, { recursive: true });
});

async function mirror(...[roles, head]: Parameters<typeof serveMirror>): Promise<MirrorServer> {
  const server = await serveMirror(roles, head);
  servers.push(server);
  return server;
}

const mirrorOfImages = (...roles: Role[]): Promise<MirrorServer> => mirror({ [IMAGES]: roles });

function platformOf(patience: Partial<Patience> = {}, path = cache): Platform {
  return {
    page: false,
    named: async () => 'no folder is named',
    store: async () => folderStore(path),
    remedy: 'bring the files',
    patience: { ...QUICK, ...patience },
  };
}

const loadFrom = (
  mirrors: readonly { readonly url: string }[],
  options: MnistOptions = {},
  platform = platformOf(),
): Promise<Mnist> => load(entryOf(...mirrors.map(({ url }) => url)), options, platform);

const startOf = (range: string | undefined): number => Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? NaN);
const kept = async (): Promise<string[]> => (await readdir(cache)).sort();

describe('a set is downloaded', () => {
  test('with what is in it, and says from where', async () => {
    const server = await mirror();
    const { train, test: held, origin } = await loadFrom([server]);
    expect([train.length, held.length]).toEqual([TRAIN_LENGTH, 10]);
    expect([...train.fields['label'].data.subarray(0, 12)]).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1]);
    expect(origin).toEqual({ kind: 'download', text: server.url });
  });

  test('each file once, after the first mirror alone was asked whether it is there', async () => {
    const [first, second] = [await mirror(), await mirror()];
    await loadFrom([first, second]);
    expect(first.asked.map(({ method, file }) => `${method} ${file}`)).toEqual([
      `HEAD ${IMAGES}`,
      ...[...smallFiles.keys()].map((file) => `GET ${file}`),
    ]);
    expect(second.asked).toEqual([]);
  });

  test('and kept, so that the next run asks nobody', async () => {
    const server = await mirror();
    await loadFrom([server]);
    const before = server.asked.length;
    const { train, origin } = await loadFrom([server]);
    expect(server.asked).toHaveLength(before);
    expect(origin).toEqual({ kind: 'cache', text: `the cache ${cache}` });
    expect(train.length).toBe(TRAIN_LENGTH);
    expect(await kept()).toEqual([...smallFiles.keys()].sort());
  });

  test('by two processes at once, and neither harms the other', async () => {
    const server = await mirrorOfImages(cutAfter(20_000), cutAfter(30_000), good);
    const both = await Promise.all([loadFrom([server]), loadFrom([server])]);
    expect(both.map(({ train }) => train.length)).toEqual([TRAIN_LENGTH, TRAIN_LENGTH]);
    for (const [name, file] of smallFiles) expect(sha256(await readFile(join(cache, name)))).toBe(sha256(file));
  });

  test.each([
    ['whole', good],
    ['cut and resumed', cutAfter(SIZE / 2)],
    ['cut by a server without ranges', rangeless],
  ])('with a progress that never goes back and ends at the total: %s', async (_, first) => {
    const server = await mirrorOfImages(cutAfter(SIZE / 3), first, good);
    const seen: DownloadProgress[] = [];
    await loadFrom([server], { progress: (at) => seen.push(at) });
    const received = seen.map((at) => at.received);
    expect(new Set(seen.map(({ total }) => total))).toEqual(new Set([TOTAL]));
    expect(received).toEqual([...new Set(received)].sort((a, b) => a - b));
    expect([received[0], received.at(-1)]).toEqual([0, TOTAL]);
  });

  test('with a progress of what is missing alone', async () => {
    await loadFrom([await mirror()]);
    await rm(join(cache, IMAGES));
    const seen: DownloadProgress[] = [];
    await loadFrom([await mirror()], { progress: (at) => seen.push(at) });
    expect(seen.at(-1)).toEqual({ received: SIZE, total: SIZE });
  });
});

describe('a download that was cut', () => {
  test('goes on by Range where it ended, and gets the missing bytes alone', async () => {
    const server = await mirrorOfImages(cutAfter(20_000), good);
    expect((await loadFrom([server])).train.length).toBe(TRAIN_LENGTH);
    const [, second, ...more] = server.gets(IMAGES);
    const start = startOf(second.range);
    expect(start).toBeGreaterThan(0);
    expect(start).toBeLessThanOrEqual(20_000);
    expect([second.sent, more]).toEqual([SIZE - start, []]);
  });

  test('holds the server to the same file by If-Range', async () => {
    const server = await mirrorOfImages(cutAfter(20_000), good);
    await loadFrom([server]);
    expect(server.gets(IMAGES)[1].ifRange).toBe('"of the small file"');
  });

  test('sends no If-Range from a page, where it would need a permission', async () => {
    const server = await mirrorOfImages(cutAfter(20_000), good);
    await loadFrom([server], {}, { ...platformOf(), page: true });
    expect(server.gets(IMAGES)[1]).toMatchObject({ range: expect.stringMatching(/^bytes=\d+-$/), ifRange: undefined });
  });

  test('begins anew where the server ignores the range', async () => {
    const server = await mirrorOfImages(cutAfter(20_000), rangeless);
    expect((await loadFrom([server])).train.length).toBe(TRAIN_LENGTH);
    expect(server.gets(IMAGES)[1]).toMatchObject({ range: expect.any(String), sent: SIZE });
  });

  test('begins anew where the server has no such range', async () => {
    const server = await mirrorOfImages(cutAfter(20_000), status(416), good);
    expect((await loadFrom([server])).train.length).toBe(TRAIN_LENGTH);
    expect(server.gets(IMAGES)[2]).toMatchObject({ range: undefined, sent: SIZE });
  });

  test('begins anew where the server sends another range', async () => {
    const elsewhere: Role = (file, _, response) =>
      void response
        .writeHead(206, { 'content-range': `bytes 7-${file.length - 1}/${file.length}` })
        .end(file.subarray(7));
    const server = await mirrorOfImages(cutAfter(20_000), elsewhere, good);
    expect((await loadFrom([server])).train.length).toBe(TRAIN_LENGTH);
    expect(server.gets(IMAGES)[2].range).toBeUndefined();
  });

  test('again and again still ends, as long as bytes come', async () => {
    const bitByBit: Role = (file, { headers }, response) => {
      const start = Number.isNaN(startOf(headers.range)) ? 0 : startOf(headers.range);
      const place = `bytes ${start}-${file.length - 1}/${file.length}`;
      response.writeHead(206, { 'content-length': file.length - start, 'content-range': place });
      response.write(file.subarray(start, start + 8_000), () => void setTimeout(() => response.destroy(), 30));
    };
    const server = await mirrorOfImages(bitByBit);
    expect((await loadFrom([server])).train.length).toBe(TRAIN_LENGTH);
    expect(server.gets(IMAGES).length).toBeGreaterThan(QUICK.tries);
  });

  test('at the same byte each time is given up', async () => {
    const server = await mirrorOfImages(rangelessCut);
    await expect(loadFrom([server])).rejects.toThrow(`${QUICK.tries} times in a row`);
    expect(server.gets(IMAGES).length).toBeLessThanOrEqual(2 * QUICK.tries);
  });
  const rangelessCut = cutAfter(20_000);

  test('goes on at the next mirror with the bytes of the first', async () => {
    const first = await mirrorOfImages(cutAfter(20_000), status(404));
    const second = await mirror();
    await loadFrom([first, second]);
    expect(startOf(second.gets(IMAGES)[0].range)).toBeGreaterThan(0);
  });
});

describe('a run that was ended half-way', () => {
  /** Ends it as soon as bytes are here. */
  async function endHalfway(): Promise<void> {
    const stop = new AbortController();
    const progress = ({ received }: DownloadProgress): void => void (received >= 20_000 && stop.abort());
    const server = await mirrorOfImages(stallAfter(20_000));
    await expect(loadFrom([server], { signal: stop.signal, progress })).rejects.toThrow('aborted');
    await expect.poll(async () => (await readFile(join(cache, `${IMAGES}.part`))).length).toBe(20_000);
  }

  test('is resumed by the next one', async () => {
    await endHalfway();
    const server = await mirror();
    expect((await loadFrom([server])).train.length).toBe(TRAIN_LENGTH);
    expect(server.gets(IMAGES)).toMatchObject([{ range: 'bytes=20000-', sent: SIZE - 20_000 }]);
    expect(await kept()).toEqual([...smallFiles.keys()].sort());
  });

  test('and whose bytes were damaged since, is begun anew at the same mirror', async () => {
    await endHalfway();
    await writeFile(join(cache, `${IMAGES}.part`), Buffer.alloc(20_000));
    const server = await mirror();
    expect((await loadFrom([server])).train.length).toBe(TRAIN_LENGTH);
    expect(server.gets(IMAGES).map(({ range }) => range)).toEqual(['bytes=20000-', undefined]);
  });

  test('and left more bytes than the file has, is begun anew', async () => {
    await writeFile(join(cache, `${IMAGES}.part`), Buffer.alloc(SIZE + 1));
    const server = await mirror();
    await loadFrom([server]);
    expect(server.gets(IMAGES)).toMatchObject([{ range: undefined }]);
  });

  test('after its last byte, needs no more of it', async () => {
    await writeFile(join(cache, `${IMAGES}.part`), smallFiles.get(IMAGES)!);
    const server = await mirror();
    await loadFrom([server]);
    expect(server.gets(IMAGES)).toEqual([]);
  });
});

describe('a mirror', () => {
  const wrong = Buffer.from(smallFiles.get(IMAGES)!);
  wrong[20_000] ^= 1;

  test('whose file has a wrong sum is passed over for the next', async () => {
    const [bad, other] = [await mirrorOfImages(body(wrong)), await mirror()];
    const { origin } = await loadFrom([bad, other]);
    expect(origin.text).toBe(other.url);
    expect(other.gets(IMAGES)).toMatchObject([{ range: undefined, sent: SIZE }]);
    expect(sha256(await readFile(join(cache, IMAGES)))).toBe(sha256(smallFiles.get(IMAGES)!));
  });

  test('with a wrong sum, like all others, ends in an error with both sums', async () => {
    const [bad, worse] = [await mirrorOfImages(body(wrong)), await mirrorOfImages(status(403))];
    const error = await loadFrom([bad, worse]).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(FormatError);
    expect((error as Error).message).toContain(
      `[mnist] no mirror gives ${IMAGES}: ${bad.url} sends a file of SHA-256 ${sha256(wrong)}, where it must be ${sha256(smallFiles.get(IMAGES)!)}; ${worse.url} answers 403`,
    );
    expect(await kept()).toEqual([]);
  });

  test.each([
    ['fewer', body(Buffer.from('<html>Please log in</html>')), 'sends 26 bytes, where the file has'],
    ['more', body(Buffer.alloc(SIZE + 1)), 'sends more bytes, where the file has'],
  ])('that sends %s bytes than the file has is passed over', async (_, role, message) => {
    const [bad, other] = [await mirrorOfImages(role), await mirror()];
    const empty = { ...platformOf(), store: async () => null };
    expect((await loadFrom([bad, other], {}, empty)).train.length).toBe(TRAIN_LENGTH);
    expect(other.gets(IMAGES)[0].range).toBeUndefined();
    await expect(loadFrom([bad], {}, empty)).rejects.toThrow(message);
  });

  test('without the file is passed over at once, and asked last from then on', async () => {
    const [bad, other] = [await mirrorOfImages(status(404)), await mirror()];
    await loadFrom([bad, other]);
    expect(bad.gets()).toHaveLength(1);
    expect(other.gets()).toHaveLength(FILES);
  });

  test('that is busy is asked again when it says', async () => {
    const server = await mirrorOfImages(status(503, { 'retry-after': '1' }), good);
    const began = performance.now();
    expect((await loadFrom([server])).train.length).toBe(TRAIN_LENGTH);
    expect(performance.now() - began).toBeGreaterThan(990);
  });

  test('that is busy for an hour is passed over', async () => {
    const [busy, other] = [await mirrorOfImages(status(429, { 'retry-after': '3600' })), await mirror()];
    expect((await loadFrom([busy, other])).train.length).toBe(TRAIN_LENGTH);
    expect(busy.gets()).toHaveLength(1);
  });

  test.each([500, 502, 429, 408])('that answers %i is asked again, and not for ever', async (code) => {
    const server = await mirrorOfImages(status(code));
    await expect(loadFrom([server])).rejects.toThrow(`answers ${code}, ${QUICK.tries} times in a row`);
    expect(server.gets()).toHaveLength(QUICK.tries);
  });

  test('that stops in the middle is asked again after a while, for the rest', async () => {
    const server = await mirrorOfImages(stallAfter(20_000), good);
    expect((await loadFrom([server], {}, platformOf({ idleMs: 2000 }))).train.length).toBe(TRAIN_LENGTH);
    expect(server.gets(IMAGES)[1].range).toBe('bytes=20000-');
  });

  test('that stops for good is named with how long it was waited for', async () => {
    const server = await mirrorOfImages(stallAfter(20_000));
    const platform = platformOf({ idleMs: 100, tries: 2 });
    await expect(loadFrom([server], {}, platform)).rejects.toThrow('no byte for 0.1 s, 2 times in a row');
  });

  test('that takes a request and never answers is passed over', async () => {
    const [mute, other] = [await mirrorOfImages(stallAfter(0)), await mirror()];
    const platform = platformOf({ answerMs: 2000, tries: 2 });
    expect((await loadFrom([mute, other], {}, platform)).origin.text).toBe(other.url);
  });

  test('that is down is not waited for', async () => {
    const other = await mirror();
    const { origin } = await loadFrom([{ url: await deadUrl() }, other]);
    expect(origin.text).toBe(other.url);
  });

  test('that swallows the first request loses its lead over the next', async () => {
    const [mute, other] = [await mirror({}, stallAfter(0)), await mirror()];
    const { origin } = await loadFrom([mute, other], {}, platformOf({ leadMs: 50 }));
    expect(origin.text).toBe(other.url);
    expect(mute.gets()).toEqual([]);
  });

  test('that lets no page read is not asked by a page', async () => {
    const [closed, open] = [await mirror(), await mirror()];
    const entry = entryOf(closed.url, open.url);
    const mirrors = [{ url: closed.url, cors: false }, entry.mirrors[1]];
    await load({ ...entry, mirrors }, {}, { ...platformOf(), page: true });
    expect(closed.asked).toEqual([]);
  });
});

describe('a signal', () => {
  test('that has aborted asks nobody', async () => {
    const server = await mirror();
    const signal = AbortSignal.abort(new Error('no more'));
    await expect(loadFrom([server], { signal })).rejects.toThrow('no more');
    expect(server.asked).toEqual([]);
  });

  test.each([
    ['the first answer', {}, stallAfter(0)],
    ['an answer', { [IMAGES]: [stallAfter(0)] }, status(200)],
    ['a byte', { [IMAGES]: [stallAfter(100)] }, status(200)],
    ['its turn', { [IMAGES]: [status(503, { 'retry-after': '100000' })] }, status(200)],
  ] as const)('ends a download that waits for %s, and is no reason for synthetic digits', async (_, roles, head) => {
    const server = await mirror(roles, head);
    const stop = new AbortController();
    const reason = new Error('The user had enough');
    setTimeout(() => stop.abort(reason), 150);
    const platform = platformOf({ longestPauseMs: ENDLESS_MS });
    const loaded = load(entryOf(server.url), { signal: stop.signal }, platform, standIn);
    await expect(loaded).rejects.toBe(reason);
  });
});

describe('the cache', () => {
  test.each([
    ['damaged', (file: Buffer) => Buffer.from(file).fill(0, 100, 110)],
    ['cut short', (file: Buffer) => file.subarray(0, 100)],
    ['empty', () => Buffer.alloc(0)],
  ])('loses a file that is %s, and gets it again', async (_, damage) => {
    await loadFrom([await mirror()]);
    await writeFile(join(cache, IMAGES), damage(smallFiles.get(IMAGES)!));
    const server = await mirror();
    const { train, origin } = await loadFrom([server]);
    expect([train.length, origin.kind]).toEqual([TRAIN_LENGTH, 'download']);
    expect(server.gets().map(({ file }) => file)).toEqual([IMAGES]);
    expect(sha256(await readFile(join(cache, IMAGES)))).toBe(sha256(smallFiles.get(IMAGES)!));
  });

  test('that cannot be written is no failure, but is said', async () => {
    // A folder below a file: not even an administrator can make it.
    const path = join(cache, 'file', 'mnist');
    await writeFile(join(cache, 'file'), '');
    const said: string[] = [];
    const server = await mirrorOfImages(cutAfter(20_000), good);
    const { train } = await loadFrom([server], { warn: (text) => said.push(text) }, platformOf({}, path));
    expect(train.length).toBe(TRAIN_LENGTH);
    expect(server.gets(IMAGES)).toHaveLength(2);
    expect(said).toHaveLength(1);
    expect(said[0]).toMatch(
      /^\[mnist\] the cache .* keeps nothing \(ENOTDIR.*\): the next run downloads the files again$/,
    );
  });

  test('that there is not is no failure', async () => {
    const platform = { ...platformOf(), store: async () => null };
    expect((await loadFrom([await mirror()], {}, platform)).train.length).toBe(TRAIN_LENGTH);
  });
});

const bytes = (of: number): Dataset => dataset({ label: Uint8Array.of(of) });

const standIn: StandIn = {
  title: 'two sheets',
  text: 'an empty drawer',
  make: async () => ({ train: bytes(0), test: bytes(1) }),
};

describe('without a network', () => {
  const usual = (): Platform => ({ ...platformOf(), patience: { ...usualPatience, ...ENDLESS } });

  test('a set with a stand-in gives that, and says so plainly', async () => {
    const [first, second] = [await deadUrl(), await deadUrl()];
    const said: string[] = [];
    const { train, origin } = await load(entryOf(first, second), { warn: (text) => said.push(text) }, usual(), standIn);
    expect([train.length, origin]).toEqual([1, { kind: 'synthetic', text: 'an empty drawer' }]);
    expect(said).toHaveLength(1);
    for (const part of [
      `[mnist] no mirror of MNIST can be reached (${new URL(first).host}: connect ECONNREFUSED`,
      'no folder is named',
      `the cache ${cache} does not hold all of it`,
      'THIS IS NOT MNIST, but two sheets from an empty drawer',
      'connect to a network, or bring the files',
    ]) {
      expect(said[0]).toContain(part);
    }
  });

  test('the console is warned where nobody else listens', async () => {
    const warn = vi.spyOn(console, 'warn').mockReturnValue(undefined);
    try {
      await load(entryOf(await deadUrl()), {}, usual(), standIn);
      expect(warn.mock.calls).toEqual([[expect.stringContaining('THIS IS NOT MNIST')]]);
    } finally {
      warn.mockRestore();
    }
  });

  test('a set without one ends in an error that says what was tried, why it failed, and what to do', async () => {
    const url = await deadUrl();
    const error = await load(entryOf(url), {}, usual()).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(FormatError);
    expect((error as Error).message).toBe(
      `[mnist] no mirror of MNIST can be reached (${new URL(url).host}: connect ECONNREFUSED ${new URL(url).host}); no folder is named; the cache ${cache} does not hold all of it: connect to a network, or bring the files`,
    );
  });

  test('three mirrors that refuse are given up without waiting for any', async () => {
    const urls = [await deadUrl(), await deadUrl(), await deadUrl()];
    const said: string[] = [];
    await load(entryOf(...urls), { warn: (text) => said.push(text) }, usual(), standIn);
    for (const url of urls) expect(said[0]).toContain(`${new URL(url).host}: connect ECONNREFUSED`);
  });

  test('three mirrors that swallow everything are given up when the time to reach one is over', async () => {
    const mute = await Promise.all([1, 2, 3].map(() => mirror({}, stallAfter(0))));
    const urls = mute.map(({ url }) => url);
    const said: string[] = [];
    const platform = platformOf({ reachMs: 300, leadMs: 50 });
    await load(entryOf(...urls), { warn: (text) => said.push(text) }, platform, standIn);
    for (const url of urls) expect(said[0]).toContain(`${new URL(url).host}: no answer for 0.3 s`);
  });

  test('a mirror that is back at the second try is taken', async () => {
    const hangUp: Role = (_file, request) => void request.socket.destroy();
    const heads = [hangUp, status(200)];
    const server = await mirror({}, (...about) => heads.shift()!(...about));
    expect((await loadFrom([server])).origin.kind).toBe('download');
  });
});

test('what cannot be checked is not downloaded', async () => {
  const server = await mirror();
  vi.stubGlobal('crypto', { getRandomValues: undefined });
  try {
    await expect(loadFrom([server])).rejects.toThrow(
      '[mnist] this page cannot check what it downloads: open it over https, or on localhost',
    );
    expect(server.asked).toEqual([]);
  } finally {
    vi.unstubAllGlobals();
  }
});
