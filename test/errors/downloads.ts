import { load, type Platform } from '../../src/data/mnist/load.ts';
import { cifar10 as cifar10InPage, fashionMnist as fashionMnistInPage } from '../../src/data/index.ts';
import { fashionMnist, mnist } from '../../src/node/data.ts';
import { entryOf, serveMirror } from '../support/mirror.ts';
import { inFolder, withGlobals, type Case } from '../support/provoke.ts';

const offline = (): Promise<never> => Promise.reject(new TypeError('fetch failed'));
const withoutFiles = async (): Promise<Response> => new Response(null, { status: 404 });

/** Without a folder that is named, without anything kept. */
const bare =
  <T>(fetch: unknown, work: () => Promise<T>) =>
  () =>
    inFolder((folder) => {
      const env = { MILLRACE_DATA: '', XDG_CACHE_HOME: folder, LOCALAPPDATA: folder, HOME: folder };
      return withGlobals({ globals: { fetch }, env }, work);
    });

async function warnedBy(work: (warn: (text: string) => void) => Promise<unknown>): Promise<string> {
  const texts: string[] = [];
  await work((text) => texts.push(text));
  return texts.join('\n');
}

/** Downloads a small set to where nothing can be kept. */
async function intoFullCache(): Promise<string> {
  const { url, close } = await serveMirror();
  const store = {
    text: 'the cache /full',
    read: async () => null,
    write: () => Promise.reject(new Error('no room')),
    remove: async () => {},
  };
  const platform: Platform = { page: false, named: async () => 'no files', store: async () => store, remedy: '' };
  try {
    return await warnedBy((warn) => load(entryOf(url), { warn }, platform));
  } finally {
    await close();
  }
}

export const downloads: readonly Case[] = [
  ['[<set>] no mirror of <title> can', bare(offline, () => fashionMnist())],
  ['[<set>] no mirror gives', bare(withoutFiles, () => fashionMnist())],
  ['[<set>] this page cannot check', () => withGlobals({ globals: { crypto: undefined } }, () => fashionMnistInPage())],
  ['[<set>] no mirror of <title> lets', bare(offline, () => cifar10InPage())],
  ['<reason>; <where else it was looked for>; <cache>: connect', bare(offline, () => fashionMnist())],
  [
    'THIS IS NOT MNIST, but <other>',
    bare(offline, () => warnedBy((warn) => mnist({ warn, synthetic: { train: 1, test: 1 } }))),
  ],
  ['[<set>] <cache> keeps nothing', intoFullCache],
];
