// WebAssembly ends in the same bits in every engine, with any number of threads.

import { expect, test } from 'vitest';
import type { JSHandle } from 'playwright-core';
import * as millrace from '../src/index.ts';
import { openEmptyPage, openPage, serveSources } from './support/chromium.ts';
import { openBrowser } from './support/openBrowser.ts';

const served = openBrowser(serveSources);

interface Ended {
  readonly adapter: string;
  /** Bits of all weights, added up by place. */
  readonly sum: number;
  readonly loss: number;
}

/** Trains a small convolutional net, in Node or in a page. */
async function train(library: typeof millrace, threads: number | undefined, relaxed = false): Promise<Ended> {
  const {
    adam,
    conv2d,
    createTrainer,
    crossEntropy,
    dataset,
    flatten,
    layerNorm,
    linear,
    maxPool2d,
    relu,
    sequential,
  } = library;
  const data = dataset({
    x: {
      data: Uint8Array.from({ length: 96 * 144 }, (_, i) => (i * i * 7 + 13 * i) % 251),
      shape: [12, 12, 1],
      scale: 1 / 255,
    },
    label: Uint8Array.from({ length: 96 }, (_, i) => (i * 5) % 10),
  });
  const trainer = await createTrainer({
    model: sequential(
      conv2d(1, 6, 3),
      relu,
      maxPool2d(2),
      flatten,
      linear(150, 40),
      layerNorm(40),
      relu,
      linear(40, 10),
    ),
    loss: crossEntropy,
    optimizer: adam(),
    batchSize: 24,
    backend: 'wasm',
    threads,
    relaxed,
    seed: 5,
  });
  const { loss } = await trainer.fit(data, { steps: 30 });
  let sum = 0;
  for (const weights of Object.values(await trainer.readParameters())) {
    for (const [at, bits] of new Uint32Array(weights.buffer, weights.byteOffset, weights.length).entries()) {
      sum = (Math.imul(sum, 31) + bits + at) | 0;
    }
  }
  const { adapter } = trainer;
  trainer.destroy();
  return { adapter, sum, loss };
}

test('one, two and three threads, in Node and in a page', async () => {
  const { sum, loss } = await train(millrace, 1);
  for (const threads of [2, 3]) expect(await train(millrace, threads)).toMatchObject({ sum });

  const page = await openEmptyPage(served.browser, served.url);
  const library = (await page.evaluateHandle("import('/src/index.ts')")) as JSHandle<typeof millrace>;
  // The page's code knows nothing of this file.
  const inPage = (await page.evaluateHandle(`(...given) => (${train.toString()})(...given)`)) as JSHandle<typeof train>;
  for (const threads of [1, 3]) {
    const ended = await page.evaluate(([run, given, count]) => run(given, count), [inPage, library, threads] as const);
    expect(ended).toEqual({ adapter: `WebAssembly (${threads} thread${threads > 1 ? 's' : ''})`, sum, loss });
  }
  // An engine of relaxed vectors may have other bits, and says so; Node 20 has none.
  const relaxed = await page.evaluate(([run, given]) => run(given, 1, true), [inPage, library] as const);
  expect(relaxed.adapter).toBe('WebAssembly (1 thread, relaxed)');
  expect(Math.abs(relaxed.loss - loss)).toBeLessThan(1e-3);
  await page.close();
});

test('a page whose policy forbids it is told so, and learns by the references', async () => {
  const page = await openPage(served.browser);
  await page.route(`${served.url}strict`, (route) =>
    route.fulfill({
      contentType: 'text/html',
      headers: { 'Content-Security-Policy': "default-src 'self' 'unsafe-inline'" },
      body: '<!doctype html>',
    }),
  );
  await page.goto(`${served.url}strict`);
  const asked = await page.evaluate(`(async () => {
    Object.defineProperty(navigator, 'gpu', { value: undefined });
    const { createTrainer, linear, crossEntropy, sgd } = await import('/src/index.ts');
    const options = { model: linear(2, 2), loss: crossEntropy, optimizer: sgd(), batchSize: 2 };
    const { backend, fallback } = await createTrainer({ ...options, backend: 'auto' });
    const refused = await createTrainer({ ...options, backend: 'wasm' }).catch(({ name, message }) => name + ' ' + message);
    return { backend, fallback, refused };
  })()`);
  const told = expect.stringMatching(/\[wasm\] WebAssembly .* does not compile here .*'wasm-unsafe-eval'/) as string;
  expect(asked).toEqual({ backend: 'cpu', fallback: told, refused: told });
  await page.close();
});
