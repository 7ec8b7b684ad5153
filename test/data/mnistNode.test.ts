import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { FormatError } from '../../src/core/errors.ts';
import { fashionMnistEntry, mnistEntry } from '../../src/data/download/catalogue.ts';
import * as inPage from '../../src/data/index.ts';
import { userStore } from '../../src/node/cache.ts';
import * as inNode from '../../src/node/data.ts';
import { folder } from '../../src/node.ts';
import { sha256, smallFiles, TRAIN_LENGTH } from '../support/mirror.ts';

const realData = process.env['MILLRACE_DATA'];
const { fashionMnist, mnist } = inNode;

let root = '';
const fetched = vi.fn<(url: string) => Promise<Response>>(() => Promise.reject(new TypeError('fetch failed')));
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'millrace-data-'));
  fetched.mockClear();
  vi.stubGlobal('fetch', fetched);
  vi.stubEnv('MILLRACE_DATA', '');
  vi.stubEnv('XDG_CACHE_HOME', join(root, 'cache'));
});
afterEach(async () => {
  vi.unstubAllGlobals();
  vi.unstubAllEnvs();
  await rm(root, { recursive: true });
});

async function put(...path: readonly string[]): Promise<string> {
  const where = join(root, ...path);
  await mkdir(where, { recursive: true });
  for (const [name, file] of smallFiles) await writeFile(join(where, name), file);
  return where;
}

/** A network that is not asked says nothing. */
const quietly = { warn: (text: string) => expect.unreachable(text) };

describe('MILLRACE_DATA', () => {
  test.each([
    ['mnist', mnist],
    ['fashion-mnist', fashionMnist],
  ])('gives its folder %s', async (name, load) => {
    const where = await put('data', name);
    vi.stubEnv('MILLRACE_DATA', join(root, 'data'));
    const { train, origin } = await load(quietly);
    expect([train.length, origin]).toEqual([TRAIN_LENGTH, { kind: 'folder', text: where }]);
    expect(fetched).not.toHaveBeenCalled();
  });

  test.each([
    ['MNIST', mnist, fashionMnist, 'fashion-mnist'],
    ['FashionMNIST', fashionMnist, mnist, 'mnist'],
  ] as const)(
    'gives what torchvision keeps in it as %s, and takes it for no other set',
    async (name, load, other, own) => {
      await put('data', name, 'raw');
      const where = join(root, 'data');
      for (const source of [where, join(where, name), join(where, name, 'raw')]) {
        const { train, origin } = await load({ source: folder(source) });
        expect([train.length, origin.text]).toEqual([TRAIN_LENGTH, source]);
      }
      await expect(other({ source: folder(where) })).rejects.toThrow('there is no train-images-idx3-ubyte');
      vi.stubEnv('MILLRACE_DATA', where);
      expect((await load(quietly)).origin).toEqual({ kind: 'folder', text: where });
      expect(fetched).not.toHaveBeenCalled();
      const warn = (text: string): never => {
        throw new Error(text);
      };
      await expect(other({ warn })).rejects.toThrow(`holds no ${own}`);
    },
  );

  test('of torchvision gives each of two sets its own files', async () => {
    await put('data', 'MNIST', 'raw');
    const fashion = await put('data', 'FashionMNIST', 'raw');
    await rm(join(fashion, 't10k-labels-idx1-ubyte.gz'), { force: true });
    await rm(join(fashion, 't10k-labels-idx1-ubyte'), { force: true });
    const source = folder(join(root, 'data'));
    expect((await mnist({ source })).train.length).toBe(TRAIN_LENGTH);
    await expect(fashionMnist({ source })).rejects.toThrow('there is no t10k-labels-idx1-ubyte');
  });

  test('gives MNIST itself where the files lie in it', async () => {
    vi.stubEnv('MILLRACE_DATA', await put('data'));
    expect((await mnist(quietly)).origin).toEqual({ kind: 'folder', text: join(root, 'data') });
  });

  test('is not taken for Fashion-MNIST where files of the same names lie in it', async () => {
    vi.stubEnv('MILLRACE_DATA', await put('data'));
    await expect(fashionMnist()).rejects.toThrow(`MILLRACE_DATA (${join(root, 'data')}) holds no fashion-mnist`);
  });

  test('that is no folder is an error', async () => {
    vi.stubEnv('MILLRACE_DATA', join(root, 'nowhere'));
    await expect(mnist()).rejects.toThrow(
      new FormatError(
        `[mnist] MILLRACE_DATA is ${join(root, 'nowhere')}, which is no folder: set it to one, or to nothing`,
      ),
    );
  });

  test('may hold a file of the name of the set’s folder', async () => {
    const where = await put('data');
    await writeFile(join(where, 'mnist'), 'what this is');
    vi.stubEnv('MILLRACE_DATA', where);
    expect((await mnist(quietly)).origin).toEqual({ kind: 'folder', text: where });
  });

  test('whose folder lacks a file is an error, and replaced by nothing', async () => {
    const where = await put('data', 'mnist');
    await rm(join(where, 't10k-labels-idx1-ubyte.gz'));
    vi.stubEnv('MILLRACE_DATA', join(root, 'data'));
    await expect(mnist()).rejects.toThrow('[mnist] there is no t10k-labels-idx1-ubyte nor t10k-labels-idx1-ubyte.gz');
    expect(fetched).not.toHaveBeenCalled();
  });
});

describe('a folder that is given', () => {
  test('comes before MILLRACE_DATA, and is held against no sum', async () => {
    vi.stubEnv('MILLRACE_DATA', join(root, 'nowhere'));
    const where = await put('mine');
    expect((await mnist(folder(where))).origin).toEqual({ kind: 'folder', text: where });
    expect((await mnist({ source: folder(where) })).train.length).toBe(TRAIN_LENGTH);
  });

  test.each([
    ['is none', async () => folder(join(root, 'nowhere')), /^\[folder\] .*nowhere is no folder/],
    ['is empty', async () => folder(root), /^\[mnist\] there is no train-images-idx3-ubyte/],
    [
      'has a folder for a file',
      () => folderForFile(),
      /^\[folder\] .*train-images-idx3-ubyte\.gz cannot be read: EISDIR/,
    ],
  ])('and %s, is an error, and replaced by nothing', async (_, source, message) => {
    const failed = mnist({ source: await source(), ...quietly });
    await expect(failed).rejects.toThrow(message);
    await expect(failed).rejects.toBeInstanceOf(FormatError);
    expect(fetched).not.toHaveBeenCalled();
  });

  /** Moves a file of a folder, to a name that may have a folder in front. */
  async function move(where: string, from: string, to: string): Promise<void> {
    await mkdir(dirname(join(where, to)), { recursive: true });
    await rename(join(where, from), join(where, to));
  }

  const [images, labels] = ['train-images-idx3-ubyte', 't10k-labels-idx1-ubyte'];

  test.each<[string, (where: string) => Promise<unknown>]>([
    ['an empty folder under an earlier name', (where) => mkdir(join(where, images.replace('-idx', '.idx')))],
    [
      'folders under earlier names, and the files under later ones',
      async (where) => {
        for (const name of [images, labels]) {
          const plain = name.replace('-idx', '.idx');
          await writeFile(join(where, plain), gunzipSync(smallFiles.get(`${name}.gz`)!));
          await rm(join(where, `${name}.gz`));
          await mkdir(join(where, name));
          await mkdir(join(where, `${name}.gz`));
        }
      },
    ],
    [
      'each file in a folder of its own name',
      async (where) => {
        for (const name of smallFiles.keys()) {
          await move(where, name, 'file');
          await move(where, 'file', `${name}/${name}`);
        }
      },
    ],
    [
      'a file in a folder of another of its names',
      (where) => move(where, `${images}.gz`, `${images}/${images.replace('-idx', '.idx')}.gz`),
    ],
  ])('may have %s', async (_, arrange) => {
    const where = await put('mine');
    await arrange(where);
    const bytes = ({ train, test: held }: inNode.Mnist): number[][] =>
      [train, held].flatMap(({ fields }) => [[...fields['image'].data], [...fields['label'].data]]);
    expect(bytes(await mnist(folder(where)))).toEqual(bytes(await mnist(folder(await put('whole')))));
  });

  test('with a folder for a file, and the file nowhere, says so', async () => {
    const where = await put('mine');
    await rm(join(where, `${labels}.gz`));
    await mkdir(join(where, labels));
    await writeFile(join(where, labels, 'readme'), '');
    const message = `[folder] ${join(where, labels)} cannot be read: EISDIR, it is a folder and no file`;
    await expect(mnist(folder(where))).rejects.toThrow(message);
  });

  async function folderForFile() {
    await mkdir(join(root, 'train-images-idx3-ubyte.gz'));
    return folder(root);
  }
});

test('sources of a user’s own say that their files were given', async () => {
  const { origin } = await mnist(async (file) => smallFiles.get(file) ?? null);
  expect(origin).toEqual({ kind: 'given', text: 'the files given' });
});

describe('with no files and no network', () => {
  test('mnist gives synthetic digits, and says so', async () => {
    const said: string[] = [];
    const { train, test: held, origin } = await mnist({ warn: (text) => said.push(text) });
    expect([train.length, held.length, origin.kind]).toEqual([10_000, 2_000, 'synthetic']);
    expect(train.fields['image'].shape).toEqual([28, 28]);
    expect(said).toHaveLength(1);
    expect(said[0]).toContain('MILLRACE_DATA is not set');
    expect(said[0]).toContain(`the cache ${join(root, 'cache', 'millrace', 'mnist')} does not hold all of it`);
    expect(said[0]).toContain('THIS IS NOT MNIST, but synthetic digits');
    expect(said[0]).toContain('give the folder of the four files: by MILLRACE_DATA, --data, or folder(path)');
  });

  test('mnist draws as many digits as are asked for', async () => {
    const { train, test: held } = await mnist({ warn: () => undefined, synthetic: { train: 30, test: 20, seed: 3 } });
    expect([train.length, held.length]).toEqual([30, 20]);
  });

  test('fashionMnist names what was tried, and the remedy', async () => {
    await expect(fashionMnist()).rejects.toThrow(
      new FormatError(
        '[fashionMnist] no mirror of Fashion-MNIST can be reached (raw.githubusercontent.com: fetch failed; ' +
          'fashion-mnist.s3-website.eu-central-1.amazonaws.com: fetch failed); MILLRACE_DATA is not set; ' +
          `the cache ${join(root, 'cache', 'millrace', 'fashion-mnist')} does not hold all of it: ` +
          'connect to a network, or give the folder of the four files: by MILLRACE_DATA, --data, or folder(path)',
      ),
    );
  });

  test('every mirror of MNIST is asked in Node, and in a page those that let it read', async () => {
    const hosts = () => new Set(fetched.mock.calls.map(([url]) => new URL(url).host));
    const few = { warn: () => undefined, synthetic: { train: 1, test: 1 } };
    await mnist(few);
    expect(hosts().size).toBe(mnistEntry.mirrors.length);
    fetched.mockClear();
    await inPage.mnist(few);
    expect(hosts()).toEqual(new Set(['raw.githubusercontent.com']));
  });
});

describe('the cache of a user', () => {
  const path = (): string | undefined => userStore('mnist')?.text;
  const home = process.platform === 'darwin' ? join('Library', 'Caches') : '.cache';

  test('lies below XDG_CACHE_HOME', () => expect(path()).toBe(`the cache ${join(root, 'cache', 'millrace', 'mnist')}`));
  test.skipIf(process.platform === 'win32').each(['', 'relative/path'])(
    'lies at home where XDG_CACHE_HOME is "%s"',
    (given) => {
      vi.stubEnv('XDG_CACHE_HOME', given);
      expect(path()).toBe(`the cache ${join(homedir(), home, 'millrace', 'mnist')}`);
    },
  );
});

test('millrace/data has the same face in a page and in Node', () => {
  const page: typeof inNode = inPage;
  const node: typeof inPage = inNode;
  expect(Object.keys(node).sort()).toEqual(Object.keys(page).sort());
  expect([node.mnist === page.mnist, node.files === page.files]).toEqual([false, true]);
});

describe('the catalogue', () => {
  test.each([mnistEntry, fashionMnistEntry])('of $title has four files and a mirror that pages may read', (entry) => {
    expect(entry.files.map(({ name }) => name).sort()).toEqual([...smallFiles.keys()].sort());
    for (const file of entry.files) expect(file.sha256).toMatch(/^[0-9a-f]{64}$/);
    for (const { url } of entry.mirrors) expect(url).toMatch(/\/$/);
    expect(entry.mirrors.some(({ cors, url }) => cors && url.startsWith('https:'))).toBe(true);
  });

  test.runIf(realData)('has the sizes and sums of the real MNIST', async () => {
    const source = folder(join(realData!, 'mnist'));
    for (const { name, bytes, sha256: sum } of mnistEntry.files) {
      const file = await source(name);
      // It may lie there unpacked.
      if (file) expect([file.length, sha256(file)]).toEqual([bytes, sum]);
    }
  });
});
