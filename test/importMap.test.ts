// The packed package in a page without a bundler, as README.md says: by an import map, and in a worker by its path.

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { serveFolder, type Served } from './support/builtPages.ts';
import { launchBrowser, openPage } from './support/chromium.ts';
import { installPacked, root } from './support/packed.ts';

let folder: string;
let server: Served;
let browser: Browser;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-import-map-'));
  [browser] = await Promise.all([launchBrowser(), installPacked(folder)]);
  server = await serveFolder(folder);
});

afterAll(async () => {
  await browser?.close();
  await server?.close();
  await rm(folder, { recursive: true });
});

/** Trains on the CPU, and says where. */
const program = `
const { train } = await syntheticDigits({ train: 64, test: 8 });
const model = sequential(flatten, linear(784, 10));
const trainer = await createTrainer({ model, loss: crossEntropy, optimizer: sgd(), batchSize: 32, backend: 'cpu' });
const { step } = await trainer.fit(train, { epochs: 1 });`;
const names = '{ createTrainer, crossEntropy, flatten, linear, sequential, sgd }';

test('a page trains by the import map of README.md, and its worker by paths', async () => {
  const readme = await readFile(join(root, 'README.md'), 'utf8');
  const [, snippet] = /^```html\n(.*?)^```$/ms.exec(readme)!;
  const [, inWorker] = /`import \{ createTrainer \} from '(\.[^']*)'`/.exec(readme)!;
  const data = inWorker.replace('index.js', 'data.js');
  await writeFile(
    join(folder, 'worker.js'),
    `import ${names} from '${inWorker}'; import { syntheticDigits } from '${data}';${program}\npostMessage(step);`,
  );
  const script = `import ${names} from 'millrace'; import { syntheticDigits } from 'millrace/data';${program}
    new Worker('./worker.js', { type: 'module' }).onmessage = ({ data }) => (window.steps = [step, data]);`;
  const [map, rest] = snippet.split('<script type="module">');
  expect(rest).toContain("import { createTrainer } from 'millrace';");
  await writeFile(join(folder, 'index.html'), `<!doctype html>${map}<script type="module">${script}</script>`);

  const page = await openPage(browser);
  const errors: string[] = [];
  page.on('pageerror', ({ message }) => errors.push(message));
  await page.goto(server.url);
  await page.waitForFunction('window.steps');
  expect(await page.evaluate('window.steps')).toEqual([2, 2]);
  expect(errors).toEqual([]);
});
