// The packed package in every place where it runs: each an empty folder, into which npm installs it.

import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Browser } from 'playwright-core';
import { isolation } from '../../build/isolation.ts';
import { serveFolder } from './builtPages.ts';
import { launchBrowser, openPage } from './chromium.ts';
import { softwareDriver } from './driver.mjs';
import { packInto } from './packed.ts';
import { install, program, versions } from './publicPackages.mjs';

const run = promisify(execFile);

interface Learned {
  /** The adapter's name. */
  readonly on: string;
  readonly before: number;
  readonly loss: number;
}

interface Trained extends Learned {
  /** The same by WebAssembly, on two threads. */
  readonly wasm: Learned;
}

interface Place {
  readonly name: string;
  /** What is installed beside the package. */
  readonly packages?: readonly string[];
  readonly files: Readonly<Record<string, string>>;
  /** What is told there, in a folder that has all of it. */
  train(folder: string): Promise<string>;
}

/** Stops before all is learned, so that losses can be compared. */
const xor = `
import { adam, createTrainer, dataset, linear, meanSquaredError, sequential, tanh } from 'millrace';

async function learn(options) {
  const data = dataset({
    x: { data: new Float32Array([0, 0, 0, 1, 1, 0, 1, 1]), shape: [2] },
    target: { data: new Float32Array([0, 1, 1, 0]), shape: [1] },
  });
  const model = sequential(linear(2, 8), tanh, linear(8, 1));
  const optimizer = adam({ learningRate: 0.05 });
  const trainer = await createTrainer({ model, loss: meanSquaredError, optimizer, batchSize: 4, seed: 1, data, ...options });
  const { loss: before } = await trainer.evaluate(data);
  await trainer.fit(data, { steps: 60 });
  const { loss } = await trainer.evaluate(data);
  const on = trainer.adapter;
  trainer.destroy();
  return { on, before, loss };
}

export async function train(options = {}) {
  const learned = await learn(options);
  return JSON.stringify({ ...learned, wasm: await learn({ backend: 'wasm', threads: 2 }) });
}
`;
const printing = (options = ''): string => `
import { train } from './xor.js';
console.log(await train(${options}));
process.exit();
`;
const showing = `import { train } from './xor.js';\ntrain().then((told) => (globalThis.told = told));\n`;
const fromWorker = (url: string): string =>
  `new Worker(${url}, { type: 'module' }).onmessage = ({ data }) => (globalThis.told = data);\n`;
const inWorker = `import { train } from './xor.js';\ntrain().then((told) => postMessage(told));\n`;
const htmlOf = (script: string, head = ''): string =>
  `<!doctype html>${head}<script type="module" src="${script}"></script>`;
const importMap = `<script type="importmap">{ "imports": { "millrace": "./node_modules/millrace/dist/index.js" } }</script>`;

/** The last line that a program prints, which runs as its user would start it. */
async function printed(folder: string, path: string, ...args: string[]): Promise<string> {
  const env = { DENO_NO_UPDATE_CHECK: '1', ...process.env, ...(await softwareDriver()) };
  const { stdout } = await run(path, args, { cwd: folder, env });
  return stdout.trim().split('\n').at(-1)!;
}

/** What a page tells that lies there. */
async function shown(folder: string, browser: Browser): Promise<string> {
  const server = await serveFolder(folder, isolation);
  try {
    const page = await openPage(browser);
    const failed = new Promise<never>((_, reject) => void page.once('pageerror', reject));
    await page.goto(server.url);
    await Promise.race([page.waitForFunction('globalThis.told'), failed]);
    return await page.evaluate('told');
  } finally {
    await server.close();
  }
}

async function viteBuild(folder: string): Promise<string> {
  await run(process.execPath, ['node_modules/vite/bin/vite.js', 'build', '--base', './'], { cwd: folder });
  return join(folder, 'dist');
}

/** Fails at the first warning. What the package weighs is measured elsewhere. */
const webpackBuild = `
import { writeFile } from 'node:fs/promises';
import webpack from 'webpack';
const from = { context: import.meta.dirname, entry: './main.js' };
const output = { path: import.meta.dirname + '/dist' };
const stats = await new Promise((resolve, reject) =>
  webpack({ ...from, mode: 'production', output, performance: { hints: false } }, (error, done) =>
    error ? reject(error) : resolve(done),
  ),
);
if (stats.hasErrors() || stats.hasWarnings()) throw new Error(stats.toString({ all: false, errors: true, warnings: true }));
await writeFile('dist/index.html', ${JSON.stringify(htmlOf('./main.js'))});
`;

const placesWith = (browser: Browser): readonly Place[] => [
  {
    name: 'the CPU, in Node',
    files: { 'run.js': printing(`{ backend: 'cpu' }`) },
    train: (folder) => printed(folder, process.execPath, 'run.js'),
  },
  {
    name: `Node ${process.versions.node}`,
    packages: ['webgpu'],
    files: { 'run.js': printing() },
    train: (folder) => printed(folder, process.execPath, 'run.js'),
  },
  {
    name: `Deno ${versions['deno']}`,
    files: { 'run.js': printing() },
    // It needs no permission.
    train: async (folder) => printed(folder, await program('deno'), 'run', '--no-prompt', 'run.js'),
  },
  {
    name: `Bun ${versions['bun']}`,
    packages: ['webgpu'],
    files: { 'run.js': printing() },
    train: async (folder) => printed(folder, await program('bun'), 'run.js'),
  },
  {
    name: 'a page with an import map',
    files: { 'index.html': htmlOf('./main.js', importMap), 'main.js': showing },
    train: (folder) => shown(folder, browser),
  },
  {
    name: 'a worker without a bundler',
    files: {
      'index.html': htmlOf('./main.js'),
      'main.js': fromWorker(`'./worker.js'`),
      'worker.js': inWorker,
      'xor.js': xor.replace(`'millrace'`, `'./node_modules/millrace/dist/index.js'`),
    },
    train: (folder) => shown(folder, browser),
  },
  {
    name: `a page of Vite ${versions['vite']}`,
    packages: ['vite'],
    files: { 'index.html': htmlOf('./main.js'), 'main.js': showing },
    train: async (folder) => shown(await viteBuild(folder), browser),
  },
  {
    name: `a worker of Vite ${versions['vite']}`,
    packages: ['vite'],
    files: {
      'index.html': htmlOf('./main.js'),
      'main.js': fromWorker(`new URL('./worker.js', import.meta.url)`),
      'worker.js': inWorker,
    },
    train: async (folder) => shown(await viteBuild(folder), browser),
  },
  {
    name: `a page of webpack ${versions['webpack']}`,
    packages: ['webpack'],
    files: { 'main.js': showing, 'build.js': webpackBuild },
    train: async (folder) => {
      await run(process.execPath, ['build.js'], { cwd: folder });
      return shown(join(folder, 'dist'), browser);
    },
  },
];

/** Makes a place of an empty folder, and trains there. */
async function trained({ packages = [], files, train }: Place, archive: string, home: string): Promise<Trained> {
  const folder = await mkdtemp(join(home, 'place-'));
  await writeFile(join(folder, 'package.json'), JSON.stringify({ type: 'module', private: true }));
  await install(folder, [archive, ...packages.map((name) => `${name}@${versions[name]}`)]);
  for (const [name, text] of Object.entries({ 'xor.js': xor, ...files })) await writeFile(join(folder, name), text);
  return JSON.parse(await train(folder)) as Trained;
}

/** Roundings of 60 steps. */
const TOLERANCE = 1e-4;

/**
 * Prints for each place on what it trained, and to which loss.
 * @param wanted a part of the names of places; all if there are none
 * @returns how many failed, or ended elsewhere than the CPU's reference
 */
export async function trainEverywhere(wanted: readonly string[]): Promise<number> {
  const home = await mkdtemp(join(tmpdir(), 'millrace-install-'));
  const browser = await launchBrowser();
  let wrong = 0;
  try {
    await mkdir(join(home, 'archive'));
    const archive = await packInto(join(home, 'archive'));
    const [reference, ...others] = placesWith(browser);
    const { loss: expected } = await trained(reference, archive, home);
    console.log(`${reference.name}: the loss ends at ${expected}`);
    for (const place of others.filter(
      ({ name }) => wanted.length === 0 || wanted.some((part) => name.includes(part)),
    )) {
      try {
        const { wasm, ...own } = await trained(place, archive, home);
        for (const { on, before, loss } of [own, wasm]) {
          const isNear = Math.abs(loss - expected) <= TOLERANCE * expected && loss < before / 100;
          console.log(`${place.name}: ${loss} on ${on}${isNear ? '' : ': THIS IS ANOTHER LOSS'}`);
          wrong += isNear ? 0 : 1;
        }
        if (wasm.on !== 'WebAssembly (2 threads)') {
          console.log(`${place.name}: TWO THREADS WERE ASKED FOR`);
          wrong++;
        }
      } catch (error) {
        console.log(`${place.name}: FAILED\n${(error as Error).message}`);
        wrong++;
      }
    }
  } finally {
    await browser.close();
    await rm(home, { recursive: true });
  }
  console.log(wrong === 0 ? 'It trains everywhere.' : `${wrong} places are wrong.`);
  return wrong;
}
