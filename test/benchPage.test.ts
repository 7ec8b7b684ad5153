// The page of benchmarks as it is built, used as a visitor would.

import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import type { Page } from 'playwright-core';
import type { Report } from '../bench/report.ts';
import { servePages } from './support/builtPages.ts';
import { openPage } from './support/chromium.ts';
import { openBrowser } from './support/openBrowser.ts';

const served = openBrowser(servePages);

const PHONE = { width: 360, height: 740 };

interface Opened {
  readonly page: Page;
  /** What a quiet page would not do: errors, and requests to other hosts. */
  readonly problems: string[];
  /** Compressed bytes that were loaded. */
  readonly weight: () => Promise<number>;
}

/** @param before runs in the page before its own script, as text: Node's types know no page */
async function open(before = '', viewport = { width: 1280, height: 900 }): Promise<Opened> {
  const page = await openPage(served.browser, { viewport, permissions: ['clipboard-read', 'clipboard-write'] });
  const problems: string[] = [];
  const bodies: Promise<number>[] = [];
  page.on('pageerror', (error) => problems.push(error.message));
  page.on('console', (message) => message.type() === 'error' && problems.push(message.text()));
  page.on(
    'request',
    (request) =>
      /^(data:|blob:)/.test(request.url()) || request.url().startsWith(served.url) || problems.push(request.url()),
  );
  page.on('response', (response) =>
    bodies.push(
      response.body().then(
        (body) => gzipSync(body).length,
        () => 0,
      ),
    ),
  );
  await page.addInitScript(before);
  await page.goto(`${served.url}bench/`);
  await says(page, /^Ready\./);
  return { page, problems, weight: async () => (await Promise.all(bodies)).reduce((sum, bytes) => sum + bytes, 0) };
}

async function says(page: Page, text: RegExp): Promise<void> {
  await page.getByRole('status').filter({ hasText: text }).waitFor();
}

const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true });

/** Of all the choices these, on the smallest sizes. */
async function choose(page: Page, work: readonly string[], peers: readonly string[], rounds: number): Promise<void> {
  if (!(await page.getByLabel('Sizes').isVisible())) await page.getByText('Choose what runs').click();
  await page.getByLabel('Sizes').selectOption('smallest');
  await page.getByLabel('Rounds').fill(String(rounds));
  for (const [group, names] of [
    ['Work', work],
    ['Beside millrace', peers],
  ] as const) {
    for (const box of await page.getByRole('group', { name: group }).getByRole('checkbox').all()) {
      await box.setChecked(names.includes((await box.getAttribute('value'))!));
    }
  }
}

const STEPS = ['matmul', 'mlp step', 'cnn step'];

/** "12.3 ms ± 4 %" of each bar and of each cell, row by row, empty where there is none; and of the copied Markdown. */
async function shownFigures(page: Page): Promise<{ bars: string[][]; cells: string[][]; markdown: string[][] }> {
  const figure = (text: string): string => /[\d.]+ (s|ms|µs) ± \d+ %/.exec(text.replace(/\s+/g, ' '))?.[0] ?? '';
  const bars = [];
  for (const list of await page.getByRole('figure').all()) {
    bars.push((await list.getByRole('listitem').allInnerTexts()).map(figure));
  }
  const table = page.getByRole('region', { name: 'Times of all peers' });
  const cells = [];
  for (const row of (await table.getByRole('row').all()).slice(1)) {
    cells.push((await row.getByRole('cell').allInnerTexts()).map(figure));
  }
  await button(page, 'Copy as Markdown').click();
  await says(page, /^Copied as Markdown\.$/);
  const copied = await page.evaluate<string>('navigator.clipboard.readText()');
  const lines = copied.split('\n').filter((line) => /^\| (matmul|mlp step|cnn step), /.test(line));
  return { bars, cells, markdown: lines.map((line) => line.split(' | ').slice(1).map(figure)) };
}

async function copiedReport(page: Page): Promise<Report> {
  await button(page, 'Copy as JSON').click();
  await says(page, /^Copied as JSON\.$/);
  return JSON.parse(await page.evaluate<string>('navigator.clipboard.readText()')) as Report;
}

test('a visitor runs the smallest sizes, and reads the same numbers as bars, as a table, as Markdown and in words', async () => {
  const { page, problems, weight } = await open();
  expect(await page.locator('#device').innerText()).toMatch(/^WebGPU on .*\.$/);
  // Until then there is a run that is kept with the project.
  await page.getByText(/^Not of this browser: a run that is kept with the project, of \d{4}-\d\d-\d\d, on /).waitFor();
  const first = await weight();
  const peers = [
    'TensorFlow.js webgpu',
    'jax-js webgpu',
    'gpu.js webgpu',
    'millrace cpu',
    'TensorFlow.js wasm',
    'jax-js wasm',
    'plain loops',
  ];
  await choose(page, STEPS, peers, 1);
  await button(page, 'Run').click();
  await page.getByRole('progressbar', { name: 'Progress' }).waitFor();
  await says(page, /^Done: 5 of 5 cases\.$/);
  expect(await page.locator('#origin').isVisible()).toBe(false);
  await page.getByRole('img', { name: /(takes the lead near|do not cross|is ahead by)/ }).waitFor();
  // The libraries weigh ten times as much as the page, and come when they are asked for.
  expect(first).toBeLessThan(36_000);
  expect(await weight()).toBeGreaterThan(10 * first);

  const { results, adapter } = await copiedReport(page);
  expect(adapter).toMatchObject({ software: true });
  const timed = results.map(({ rows }) => rows.filter(({ median }) => median !== undefined).length);
  // gpu.js has no gradients; TensorFlow.js wasm has none of a convolution's weights.
  expect(timed).toEqual([8, 8, 7, 7, 6]);
  for (const { rows } of results) expect(rows.some(({ correct }) => correct === false)).toBe(false);
  const checked = await page.getByText(/^Checked before timing: all \d results agree/).allInnerTexts();
  expect(checked.map((line) => Number(/all (\d)/.exec(line)![1]))).toEqual(timed);

  const { bars, cells, markdown } = await shownFigures(page);
  expect(bars.map((row) => row.filter(Boolean).length)).toEqual(timed);
  expect(cells).toEqual(bars);
  expect(markdown).toEqual(bars);
  const words = await page
    .getByRole('region', { name: 'Who is ahead, and where' })
    .getByRole('listitem')
    .allInnerTexts();
  expect(words[0]).toMatch(/^The adapter is software/);
  expect(words[1]).toMatch(/^Matrix products, millrace on WebGPU beside the best of the CPU: .*(ahead|even)/);
  expect(words.filter((sentence) => /^(MLP|CNN) step .*millrace on WebGPU takes/.test(sentence))).toHaveLength(3);

  const calls = page.getByRole('region', { name: 'WebGPU calls of a training step' });
  expect(await calls.getByRole('columnheader').allInnerTexts()).toEqual(
    expect.arrayContaining(['launches', 'submits']),
  );
  expect(await calls.getByRole('row').count()).toBe(1 + 3 * 3);
  await page.context().close();
  expect(problems).toEqual([]);
});

test('a visitor without WebGPU is told so, and measures what does without, on a phone', async () => {
  const { page, problems } = await open(`Object.defineProperty(navigator, 'gpu', { value: undefined })`, PHONE);
  expect(await page.locator('#device').innerText()).toMatch(/^There is no WebGPU here/);
  await choose(page, [], ['plain loops'], 1);
  await button(page, 'Run').click();
  await says(page, /^There is nothing to measure: choose some work\.$/);
  const widthOf = (what: string) => page.evaluate<number>(what);
  const ofPage = 'document.documentElement.scrollWidth';
  await page.evaluate("document.documentElement.style.fontSize = '200%'");
  expect(await widthOf(ofPage)).toBe(PHONE.width);
  await page.evaluate("document.documentElement.style.fontSize = ''");
  await choose(page, STEPS, ['jax-js webgpu', 'millrace cpu', 'TensorFlow.js wasm', 'jax-js wasm', 'plain loops'], 1);
  await button(page, 'Run').click();
  await says(page, /^Done: 5 of 5 cases\.$/);
  const { results, adapter } = await copiedReport(page);
  expect(adapter).toBeNull();
  for (const { rows } of results) {
    expect(rows[0]).toEqual({ peer: 'millrace', unavailable: 'there is no WebGPU here' });
    expect(rows.filter(({ correct }) => correct).map(({ peer }) => peer)).toContain('millrace cpu');
    expect(rows.some(({ correct }) => correct === false)).toBe(false);
  }
  const { bars, cells, markdown } = await shownFigures(page);
  expect(bars.map((row) => row.filter(Boolean).length)).toEqual([4, 4, 4, 4, 3]);
  expect([cells, markdown]).toEqual([bars, bars]);
  await page.getByText('There is no WebGPU here: the GPU has no figures').waitFor();
  // The table moves within itself, the page does not.
  expect(await widthOf(ofPage)).toBe(PHONE.width);
  const table = page.getByRole('region', { name: 'Times of all peers' });
  expect((await table.getByRole('table').boundingBox())!.width).toBeGreaterThan((await table.boundingBox())!.width);
  await page.context().close();
  expect(problems).toEqual([]);
});

/** Keeps the devices that the page is given. */
const KEEP_DEVICES = `
  const { requestDevice } = GPUAdapter.prototype;
  globalThis.devices = [];
  GPUAdapter.prototype.requestDevice = async function (...how) {
    const device = await requestDevice.apply(this, how);
    globalThis.devices.push(device);
    return device;
  };`;

test('when the device is lost its rows say so, the others go on, and the next run has another device', async () => {
  const { page, problems } = await open(KEEP_DEVICES);
  await choose(page, ['matmul', 'mlp step'], ['plain loops'], 40);
  await button(page, 'Run').click();
  await says(page, /^1 of 4: /);
  await page.getByText(/^timing, round/).waitFor();
  await page.evaluate('devices[0].destroy()');
  await says(page, /^The GPU's device was lost/);
  await says(page, /^Done: 4 of 4 cases\.$/);
  const { results } = await copiedReport(page);
  for (const { rows } of results) {
    expect(rows[0]).not.toHaveProperty('median');
    expect(rows[0].unavailable).toMatch(/lost|destroyed/i);
    expect(rows[1].samples).toHaveLength(40);
  }

  await page.getByLabel('Rounds').fill('1');
  await button(page, 'Run').click();
  await says(page, /^WebGPU on /);
  await says(page, /^Done: 4 of 4 cases\.$/);
  for (const { rows } of (await copiedReport(page)).results) expect(rows[0]).toHaveProperty('median');
  await page.context().close();
  expect(problems).toEqual([]);
});

test('a run stops within a case when it is asked to, and keeps the cases that it has', async () => {
  const { page, problems } = await open();
  await choose(page, ['matmul'], ['plain loops'], 9);
  // The keyboard is on the button that took Run's place. What presses it is in the page: from here it may come too late.
  await page.evaluate(`{
    const status = document.getElementById('status');
    new MutationObserver((changes, observer) => {
      if (!status.textContent.startsWith('2 of 2: ')) return;
      observer.disconnect();
      document.activeElement.click();
    }).observe(status, { childList: true });
  }`);
  await button(page, 'Run').focus();
  await page.keyboard.press('Enter');
  await says(page, /^Stopped: 1 of 2 cases\.$/);
  expect((await copiedReport(page)).results.map(({ name }) => name)).toEqual(['16 × 16 × 16']);
  const download = page.waitForEvent('download');
  await button(page, 'Save as JSON').click();
  expect((await download).suggestedFilename()).toMatch(/^bench-\d+\.json$/);
  expect(await button(page, 'Run').isEnabled()).toBe(true);
  await page.context().close();
  expect(problems).toEqual([]);
});
