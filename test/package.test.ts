// The packed package, as npm would publish it.

import { execFile } from 'node:child_process';
import { access, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { publint } from 'publint';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { installPacked, root } from './support/packed.ts';

let folder: string;
let archive: Buffer<ArrayBuffer>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-package-'));
  archive = await readFile(await installPacked(folder));
});

afterAll(() => rm(folder, { recursive: true }));

/** What a program prints as JSON that has the package. */
async function printed(program: string, type: 'module' | 'commonjs' = 'module'): Promise<unknown> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--no-warnings', `--input-type=${type}`, '-e', program],
    {
      cwd: folder,
    },
  );
  return JSON.parse(stdout);
}

test('publint has nothing to say', async () => {
  const tarball = archive.buffer.slice(archive.byteOffset, archive.byteOffset + archive.length);
  const { messages } = await publint({ pack: { tarball }, strict: true });
  expect(messages).toEqual([]);
});

test('the types are right wherever the package can be loaded', async () => {
  const { problems, entrypoints } = (await checkPackage(createPackageFromTarballData(archive))) as {
    problems: readonly { readonly kind: string; readonly resolutionKind?: string }[];
    entrypoints: object;
  };
  expect(Object.keys(entrypoints)).toEqual(expect.arrayContaining(['.', './data', './interop', './flower', './node']));
  // Node's older resolution knows no exports, and TypeScript 7 no longer knows it. `require` of a module is what Node 20.19
  // does (see below), which this tool does not reckon with.
  const known = ['NoResolution node10', 'CJSResolvesToESM node16-cjs'];
  const said = problems.map(({ kind, resolutionKind }) => `${kind} ${resolutionKind}`);
  expect([...new Set(said)].filter((one) => !known.includes(one))).toEqual([]);
});

test.each(['millrace', 'millrace/data', 'millrace/interop', 'millrace/flower', 'millrace/node'])(
  '%s is required with the names of its import',
  async (name) => {
    const names = (await printed(
      `console.log(JSON.stringify(Object.keys(await import('${name}')).sort()))`,
    )) as string[];
    expect(names).not.toEqual([]);
    const isName = (key: string): boolean => key !== '__esModule';
    const program = `console.log(JSON.stringify(Object.keys(require('${name}')).sort()))`;
    expect(((await printed(program, 'commonjs')) as string[]).filter(isName)).toEqual(names);
  },
);

test('loading it changes no global and no prototype', async () => {
  const program = `
    const own = (name, object) => Reflect.ownKeys(object).map((key) => [name + '.' + String(key), Object.getOwnPropertyDescriptor(object, key)]);
    const seen = () => new Map([
      ...own('globalThis', globalThis),
      ...[Array, Object, Map, Promise, Float32Array].flatMap((type) => [...own(type.name, type), ...own(type.name, type.prototype)]),
    ].flatMap(([name, { value, get, set }]) => [[name, value], ['get ' + name, get], ['set ' + name, set]]));
    // Node has these come to be when they are first read.
    void [TextEncoder, TextDecoder];
    const before = seen();
    for (const name of ['millrace', 'millrace/data', 'millrace/interop', 'millrace/flower', 'millrace/node']) await import(name);
    const changed = [...seen()].filter(([name, value]) => !before.has(name) || !Object.is(before.get(name), value));
    console.log(JSON.stringify(changed.map(([name]) => name)));`;
  expect(await printed(program)).toEqual([]);
});

test('sideEffects names what does something when it is loaded, in the package or here', async () => {
  const { sideEffects } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { sideEffects: string[] };
  const [program, ...demo] = sideEffects;
  expect(await readFile(join(folder, 'node_modules/millrace', program), 'utf8')).toMatch(/^#!/);
  for (const path of demo) await access(join(root, path));
});

test.each(['package.json', 'docs/errors.md', 'shaders/products/matmul.wgsl'])(
  '%s is found by its name',
  async (path) => {
    const found = (await printed(`console.log(JSON.stringify(import.meta.resolve('millrace/${path}')))`)) as string;
    expect(await readFile(new URL(found), 'utf8')).toBe(await readFile(join(root, path), 'utf8'));
  },
);

test('each picture and page that a text refers to comes along', async () => {
  const packed = join(folder, 'node_modules/millrace');
  const texts = (await readdir(packed, { recursive: true })).filter((name) => /^(docs\/.*|[^/]*)\.md$/.test(name));
  expect(texts).toEqual(expect.arrayContaining(['README.md', 'ARCHITECTURE.md', 'docs/errors.md']));
  const missing: string[] = [];
  for (const text of texts) {
    for (const [, path] of (await readFile(join(packed, text), 'utf8')).matchAll(/\]\((?!\w+:|#)([^)#\s]+)/g)) {
      await access(join(packed, dirname(text), path)).catch(() => missing.push(`${text}: ${path}`));
    }
  }
  expect(missing).toEqual([]);
});
