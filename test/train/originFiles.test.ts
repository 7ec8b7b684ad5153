// Checkpoints among the files that a browser keeps for an origin, in a page and in a worker.

import { beforeAll, expect, test } from 'vitest';
import type { Page } from 'playwright-core';
import { openEmptyPage, serveSources } from '../support/chromium.ts';
import { openBrowser } from '../support/openBrowser.ts';

const served = openBrowser(serveSources);
let page: Page;

beforeAll(async () => {
  page = await openEmptyPage(served.browser, served.url);
});

/** Trains and keeps checkpoints; loads the newest in another trainer, and says what it finds. Runs as text, in either place. */
const TRAIN = (folder: string): string => `(async () => {
  const { checkpoints, createTrainer, crossEntropy, dataset, linear, sgd } = await import('/src/index.ts');
  const set = dataset({
    point: { data: Float32Array.from({ length: 128 }, (_, at) => Math.sin(at)), shape: [2] },
    label: Uint8Array.from({ length: 64 }, (_, at) => at % 3),
  });
  const made = () => createTrainer({ model: linear(2, 3), loss: crossEntropy, optimizer: sgd(), batchSize: 8, backend: 'cpu', data: set });
  const saved = checkpoints({ folder: '${folder}', every: { steps: 4 }, keep: 2, best: 'validation.loss' });
  const none = await saved.newest();
  const trainer = await made();
  await trainer.fit(set, { steps: 13, validation: set, validateEvery: 5, checkpoints: saved });
  const again = await made();
  const loaded = await again.load(await saved.newest());
  const best = await (await made()).load(await saved.best());
  const directory = await (await navigator.storage.getDirectory()).getDirectoryHandle('${folder}');
  const names = [];
  for await (const name of directory.keys()) names.push(name);
  const [a, b] = [await trainer.readParameters(), await again.readParameters()].map((all) => JSON.stringify(all));
  return { none, step: loaded.step, exact: loaded.exact, best: best.step, same: a === b, names: names.sort() };
})()`;

const found = {
  none: null,
  step: 13,
  exact: true,
  best: 13,
  same: true,
  names: [
    expect.stringMatching(/^best-\d\.\d+-step-13\.safetensors$/),
    expect.stringMatching(/^checkpoint-\d{6}-step-\d+\.safetensors$/),
    expect.stringMatching(/^checkpoint-\d{6}-step-13\.safetensors$/),
  ],
};

test('in a page they are kept, and found again', async () => {
  expect(await page.evaluate(TRAIN('page'))).toEqual(found);
});

test('in a worker too', async () => {
  const source = `${TRAIN('worker').replaceAll("'/src/", `'${served.url}src/`)}.then((all) => postMessage(all), (error) => postMessage(String(error)))`;
  const answer = await page.evaluate(
    `new Promise((resolve) => {
      const worker = new Worker(URL.createObjectURL(new Blob([${JSON.stringify(source)}], { type: 'text/javascript' })), { type: 'module' });
      worker.onmessage = ({ data }) => resolve(data);
    })`,
  );
  expect(answer).toEqual(found);
});
