// mnist() in a real browser: the Cache API, a mirror of another origin, and the button of the demo page.

import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { expect, test } from 'vitest';
import type { CatalogueEntry } from '../../src/data/download/catalogue.ts';
import { openPage, serveSources } from '../support/chromium.ts';
import { openBrowser } from '../support/openBrowser.ts';
import { patienceMs } from '../support/testTimeout.mjs';
import {
  body,
  cutAfter,
  entryOf,
  good,
  IMAGES,
  serveMirror,
  sha256,
  smallFiles,
  TRAIN_LENGTH,
} from '../support/mirror.ts';

const root = process.env['MILLRACE_DATA'];
const MIRRORS = 'https://raw.githubusercontent.com/**';

const served = openBrowser(serveSources);

/** Loads sets one after the other in one page, and tells of each where it came from and how long it is, or what failed. */
async function loadInPage(...entries: readonly CatalogueEntry[]): Promise<unknown[]> {
  const page = await openPage(served.browser);
  // A page that really comes from this machine, or Chromium would not let it ask another server here; without a CSP.
  await page.goto(`${served.url}package.json`);
  try {
    const loaded: unknown[] = [];
    for (const entry of entries) {
      loaded.push(
        await page.evaluate(`(async () => {
          const { load } = await import('/src/data/mnist/load.ts');
          const { pagePlatform } = await import('/src/data/mnist/mnist.ts');
          const { usualPatience } = await import('/src/data/download/downloadTimeouts.ts');
          const [reachMs, answerMs, idleMs] = [${patienceMs}, ${patienceMs}, ${patienceMs}];
          const patience = { ...usualPatience, reachMs, answerMs, idleMs };
          const { train, origin } = await load(${JSON.stringify(entry)}, {}, { ...pagePlatform, patience });
          return [origin.kind, train.length];
        })().catch((error) => error.message)`),
      );
    }
    return loaded;
  } finally {
    await page.close();
  }
}

test('a page loads a set from another origin, is cut, goes on, and keeps it for the next time', async () => {
  const mirror = await serveMirror({ [IMAGES]: [cutAfter(20_000), good] });
  const entry = entryOf(mirror.url);
  expect(await loadInPage(entry, entry)).toEqual([
    ['download', TRAIN_LENGTH],
    ['cache', TRAIN_LENGTH],
  ]);
  expect(mirror.gets().length).toBe(smallFiles.size + 1);
  expect(mirror.gets(IMAGES)[1].range).toMatch(/^bytes=\d+-$/);
  // Nothing was asked that needs a permission.
  expect(new Set(mirror.asked.map(({ method }) => method))).toEqual(new Set(['HEAD', 'GET']));
  await mirror.close();
});

test('a page throws away what its cache holds of another sum', async () => {
  const stale = Buffer.from('an older file');
  const mirror = await serveMirror({ [IMAGES]: [body(stale), good] });
  const entry = entryOf(mirror.url);
  const older = { ...entry.files[0], bytes: stale.length, sha256: sha256(stale) };
  // The older set is kept, and then cannot be read.
  expect(await loadInPage({ ...entry, files: [older, ...entry.files.slice(1)] }, entry)).toEqual([
    expect.stringContaining('begins with 61 6e'),
    ['download', TRAIN_LENGTH],
  ]);
  expect(mirror.gets(IMAGES)).toHaveLength(2);
  expect(mirror.gets()).toHaveLength(smallFiles.size + 1);
  await mirror.close();
});

test('the button of the demo says where MNIST is not to be had, and leaves what was learned', async () => {
  const page = await openPage(served.browser);
  await page.route(MIRRORS, (route) => route.abort());
  await page.goto(served.url);
  await page.getByRole('button', { name: 'One step' }).click();
  await page.locator('#at', { hasText: /^1$/ }).waitFor();
  await page.getByRole('button', { name: 'Load MNIST' }).click();
  await page.locator('#status', { hasText: 'MNIST could not be loaded: drop its four files' }).waitFor();
  expect(await page.locator('#origin').innerText()).toContain('6,000 images');
  expect(await page.locator('#at').innerText()).toBe('1');
  await page.close();
});

test.runIf(root)('the button of the demo loads MNIST', async () => {
  const page = await openPage(served.browser);
  await page.route(MIRRORS, async (route) => {
    const file = await readFile(join(root!, 'mnist', basename(new URL(route.request().url()).pathname)));
    await route.fulfill({ body: file, headers: { 'access-control-allow-origin': '*' } });
  });
  await page.goto(served.url);
  await page.getByRole('button', { name: 'Load MNIST' }).click();
  await page
    .locator('#origin', { hasText: 'Learns from 60,000 images and is judged by 10,000 others: MNIST.' })
    .waitFor();
  await page.getByRole('button', { name: 'One step' }).click();
  await page.locator('#at', { hasText: /^1$/ }).waitFor();
  await page.close();
});
