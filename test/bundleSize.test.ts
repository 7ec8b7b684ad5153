// What a stranger's bundler, vite, makes of the packed package: bytes of an app that imports a few names. Counted are the
// chunks that have been run by then, whether they were there at once or were loaded when they were asked for, each minified,
// and gzipped by itself, as a server would send it.

import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build, type Rolldown } from 'vite';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type * as millrace from '../src/index.ts';
import base64 from '../src/wasm/assembly/asconfig.json?wasm';
import { sharedDevice } from './support/device.ts';
import { installPacked } from './support/packed.ts';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-bundle-'));
  await installPacked(folder);
});

afterAll(() => rm(folder, { recursive: true }));

interface Bundle {
  readonly entry: string;
  readonly chunks: readonly Rolldown.OutputChunk[];
}

/** An app, minified, each chunk of which notes that it was run. */
async function bundleOf(name: string, text: string): Promise<Bundle> {
  const root = join(folder, name);
  const source = join(folder, `${name}.js`);
  await writeFile(source, text);
  const result = await build({
    root: folder,
    configFile: false,
    logLevel: 'error',
    build: {
      outDir: root,
      emptyOutDir: true,
      target: 'es2022',
      // A page's way of its own to load chunks early.
      modulePreload: false,
      rolldownOptions: {
        input: source,
        external: ['webgpu'],
        output: { postBanner: ({ fileName }) => `(globalThis.chunksRun ??= []).push(${JSON.stringify(fileName)});` },
      },
    },
  });
  const chunks = (result as Rolldown.RolldownOutput).output.filter((part) => part.type === 'chunk');
  return { entry: join(root, chunks.find(({ isEntry }) => isEntry)!.fileName), chunks };
}

/** One that has these names. */
const bundled = (names: string): Promise<Bundle> =>
  bundleOf(names.replaceAll(', ', '-'), `import { ${names} } from 'millrace';\nglobalThis.app = { ${names} };\n`);

const NOTE = /^\(globalThis.*\n/;

/** Gzipped bytes of some chunks, as a server would send each. */
const weightOf = (chunks: readonly Rolldown.OutputChunk[]): number =>
  chunks.reduce((total, { code }) => total + gzipSync(code.replace(NOTE, '')).length, 0);

/** Of all that was run since the last time. */
function chunksRun({ chunks }: Bundle): Rolldown.OutputChunk[] {
  const noted = globalThis as { chunksRun?: string[] };
  const names = noted.chunksRun ?? [];
  noted.chunksRun = [];
  return chunks.filter(({ fileName }) => names.includes(fileName));
}

test('nothing is done as the package is loaded, whether it says so or not', async () => {
  // Where no package.json says anything of it.
  await cp(join(folder, 'node_modules/millrace/dist'), join(folder, 'bare'), { recursive: true });
  const { chunks } = await bundleOf('nothing', `import './bare/index.js';\n`);
  expect(chunks.map(({ code }) => code.replace(NOTE, '').trim())).toEqual(['']);
});

test('a single op weighs no more than itself', async () => {
  const bundle = await bundled('relu');
  await import(pathToFileURL(bundle.entry).href);
  const weight = weightOf(chunksRun(bundle));
  console.log(`relu: ${weight} bytes`);
  expect(weight).toBeGreaterThan(500);
  expect(weight).toBeLessThan(4_300);
});

test('a classifier that trains on a GPU weighs no more than it takes until its first report', async () => {
  const bundle = await bundled('createTrainer, sequential, linear, relu, crossEntropy, adam, dataset');
  await import(pathToFileURL(bundle.entry).href);
  const library = (globalThis as unknown as { readonly app: typeof millrace }).app;
  const { createTrainer, sequential, linear, relu, crossEntropy, adam, dataset } = library;
  const imported = chunksRun(bundle);
  const trainer = await createTrainer({
    model: sequential(linear(4, 8), relu, linear(8, 3)),
    loss: crossEntropy,
    optimizer: adam(),
    batchSize: 16,
    device: await sharedDevice(),
  });
  const x = { data: Float32Array.from({ length: 64 }, (_, at) => Math.sin(at)), shape: [4] };
  const data = dataset({ x, label: Uint8Array.from({ length: 16 }, (_, at) => at % 3) });
  for await (const { loss } of trainer.fit(data, { steps: 1 })) expect(loss).toBeGreaterThan(0);
  const loaded = [...imported, ...chunksRun(bundle)];
  trainer.destroy();
  console.log(`classifier: ${weightOf(imported)} bytes imported, ${weightOf(loaded)} until the first report`);
  expect(weightOf(imported)).toBeGreaterThan(10_000);
  expect(weightOf(loaded)).toBeLessThan(102_000);

  const onCpu = await createTrainer({
    model: sequential(linear(4, 8), relu, linear(8, 3)),
    loss: crossEntropy,
    optimizer: adam(),
    batchSize: 16,
    backend: 'wasm',
  });
  for await (const { loss } of onCpu.fit(data, { steps: 1 })) expect(loss).toBeGreaterThan(0);
  onCpu.destroy();
  const wasm = weightOf(chunksRun(bundle));
  console.log(`WebAssembly: ${wasm} bytes more, where it is asked for`);
  expect(wasm).toBeGreaterThan(10_000);
  expect(wasm).toBeLessThan(29_000);
  expect(0.75 * base64.length).toBeLessThan(25_000);
});
