// Tabs as nodes of one run: what is learned, shown and said, before a SuperLink that stands for Flower's.

import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import type { NamedArrays } from '../src/flower/index.ts';
import { barFiles } from './support/barFiles.ts';
import { serveSources } from './support/chromium.ts';
import { fakeSuperLink, type FakeSuperLink, type Question, type Reply } from './support/fakeSuperLink.ts';
import { button, figure, openLesson, status } from './support/lessonVisit.ts';
import { openBrowser } from './support/openBrowser.ts';
import { patienceMs } from './support/testTimeout.mjs';

const superlink: { fake?: FakeSuperLink } = {};
const served = openBrowser(async () => {
  const fake = (superlink.fake = await fakeSuperLink());
  const pages = await serveSources(fake.url);
  return {
    url: pages.url,
    async close() {
      await pages.close();
      await fake.close();
    },
  };
});
const open = () => openLesson(served, 'together');

/** @returns the node's number */
async function join(page: Page): Promise<string> {
  await button(page, 'Join').click();
  await status(page, /^Online: waits for a run\.$/);
  const lines = await page.locator('#log', { hasText: 'Online as node' }).innerText();
  return [...lines.matchAll(/Online as node (\d+)/g)].at(-1)![1];
}

const percentOf = async (page: Page, term: string): Promise<number> => parseFloat(await figure(page, term));

/** Shares of each digit, in percent, as they are read aloud. */
async function readByDigit(page: Page): Promise<{ readonly alone: number[]; readonly average: number[] }> {
  const texts = await page.locator('#bars .spoken').allTextContents();
  const sharesOf = (who: string) => texts.map((text) => Number(new RegExp(`${who} (\\d+) %`).exec(text)?.[1]));
  return { alone: sharesOf('alone'), average: sharesOf('average') };
}

const examplesOf = ({ records }: Reply): number => records!.metrics['num-examples'] as number;

/** As a server averages what nodes sent: by how many samples each has. */
function averageOf(replies: readonly Reply[]): NamedArrays {
  const all = replies.reduce((sum, reply) => sum + examplesOf(reply), 0);
  return new Map(
    [...replies[0].records!.arrays].map(([name, { shape, data }]) => {
      const sum = Float32Array.from(data, () => 0);
      for (const reply of replies) {
        const { data: numbers } = reply.records!.arrays.get(name)!;
        for (let at = 0; at < sum.length; at++) sum[at] += (numbers[at] * examplesOf(reply)) / all;
      }
      return [name, { shape, data: sum }];
    }),
  );
}

async function openOther(page: Page): Promise<Page> {
  const [other] = await Promise.all([
    page.context().waitForEvent('page'),
    page.getByRole('link', { name: 'Open a tab that has the other digits' }).click(),
  ]);
  other.setDefaultTimeout(patienceMs);
  return other;
}

/** Rounds of one epoch, of nodes of which one is a page's. */
async function run(fake: FakeSuperLink, page: Page, nodes: readonly string[], rounds: number): Promise<void> {
  const askAll = (question: Question) => Promise.all(nodes.map(async (each) => fake.ask(each, question)));
  let arrays = (await fake.ask(nodes[0], { type: 'query' })).records!.arrays;
  for (let round = 1; round <= rounds; round++) {
    const config = { 'server-round': round, 'local-epochs': 1 };
    arrays = averageOf(await askAll({ type: 'train', arrays, config }));
    await status(page, new RegExp(`^Round ${round}: waits for the others\\.$`));
    await askAll({ type: 'evaluate', arrays, config: { 'server-round': round } });
    await status(page, /^Online: waits for the next round\.$/);
  }
}

test('two tabs with half of the digits each read less than half alone, and all ten of them together', async () => {
  const fake = superlink.fake!;
  const { page, close } = await open();
  const node = await join(page);
  const other = await openOther(page);
  await run(fake, page, [node, await join(other)], 2);

  for (const [tab, own] of [
    [page, [0, 1, 2, 3, 4]],
    [other, [5, 6, 7, 8, 9]],
  ] as const) {
    await status(tab, /^Online: waits for the next round\.$/);
    expect(await figure(tab, 'Round')).toBe('2');
    expect(await percentOf(tab, 'Reads alone')).toBeLessThan(50);
    expect(await percentOf(tab, 'The average reads')).toBeGreaterThan(55);
    const { alone, average } = await readByDigit(tab);
    const foreign = (shares: readonly number[]): number =>
      shares.reduce((sum, share, digit) => (own.some((each) => each === digit) ? sum : sum + share), 0) / 5;
    expect(foreign(alone)).toBeLessThan(5);
    expect(foreign(average)).toBeGreaterThan(30);
  }
  // Weights of 204 kB, once for the query and once a round.
  expect(await figure(page, 'Sent')).toMatch(/^6[1-4]\d kB$/);
  const log = await page.locator('#log').innerText();
  expect(log).toMatch(/Told its weights: \d\.\d\d kB in, 20\d kB out,/);
  expect(log).toMatch(/The average of round 0 reads \d+\.\d %\./);
  expect(log.match(/The average of round 1 reads/g)).toHaveLength(1);
  await other.close();
  await close();
});

test('tabs that are given MNIST train on the digits of its files that they have', async () => {
  const fake = superlink.fake!;
  const { page, close } = await open();
  const files = barFiles(2000, 200);
  const chooser = (tab: Page) => tab.getByLabel('MNIST’s four files');
  await page.getByText('Has digits that this page draws, until it is given MNIST.').waitFor();
  await chooser(page).setInputFiles(files.slice(0, 3));
  await page.getByText('Takes its digits from 3 files. They stay on your computer.').waitFor();
  await button(page, 'Join').click();
  await page.locator('#status.wrong', { hasText: '[mnist] there is no t10k-labels-idx1-ubyte' }).waitFor();

  const other = await openOther(page);
  for (const tab of [page, other]) await chooser(tab).setInputFiles(files);
  await run(fake, page, [await join(page), await join(other)], 1);
  expect(await chooser(page).isDisabled()).toBe(true);
  for (const tab of [page, other]) {
    await status(tab, /^Online: waits for the next round\.$/);
    const log = await tab.locator('#log').innerText();
    expect(log).toContain('Has 1,000 images to train on, of 2,000 of all digits; 200 others judge the network.');
    // It has never seen five of the bars, and what it makes of them is chance.
    expect(await percentOf(tab, 'Reads alone')).toBeLessThan(75);
    expect(await percentOf(tab, 'The average reads')).toBeGreaterThan(85);
  }
  await other.close();

  await button(page, 'Leave').click();
  await button(page, 'Draw digits again').click();
  await page.getByText('Has digits that this page draws, until it is given MNIST.').waitFor();
  await join(page);
  await page.locator('#log', { hasText: /of 6,000 of all digits; 1,000 others judge the network\./ }).waitFor();
  await close();
});

test('a tab that leaves is away, comes back as the same node, and is away once it is closed', async () => {
  const fake = superlink.fake!;
  const { page, close } = await open();
  const node = await join(page);
  expect(fake.online).toContain(node);
  await button(page, 'Leave').click();
  await status(page, /^Not joined\.$/);
  expect(fake.online).not.toContain(node);
  expect(await join(page)).toBe(node);
  expect(fake.online).toContain(node);
  await page.goto('about:blank');
  await expect.poll(() => fake.online).not.toContain(node);
  await close();
});

test('a tab that cannot do what is asked says so on both sides, and stays', async () => {
  const fake = superlink.fake!;
  const { page, close } = await open();
  const node = await join(page);
  const { arrays } = (await fake.ask(node, { type: 'query' })).records!;
  const reply = await fake.ask(node, { type: 'train', arrays, config: { 'server-round': 1, 'proximal-mu': 0.1 } });
  expect(reply.error).toContain('this lesson knows server-round, local-epochs, learning-rate, not proximal-mu');
  await page.locator('#log .wrong', { hasText: 'Round 1 failed: Error: this lesson knows server-round' }).waitFor();
  await status(page, /^Online: could not do what it was asked\.$/);
  await fake.ask(node, { type: 'evaluate', arrays, config: { 'server-round': 1 } });
  await status(page, /^Online: waits for the next round\.$/);
  await close();
});

test('a tab without a digit does not join', async () => {
  const { page, close } = await open();
  for (const digit of '01234') await page.getByRole('checkbox', { name: digit }).uncheck();
  await page.getByRole('link', { name: 'Open a tab that has all digits too' }).waitFor({ state: 'detached' });
  await button(page, 'Join').click();
  expect(await page.locator('#status').innerText()).toBe('Not joined yet.');
  await page.getByRole('checkbox', { name: '7' }).check();
  await join(page);
  await page.locator('#log', { hasText: /Has [456]\d\d images to train on, of 6,000 of all digits;/ }).waitFor();
  await close();
});

test('a page that came over an insecure connection says why it cannot join', async () => {
  const before = () => Object.defineProperty(globalThis, 'isSecureContext', { value: false });
  const { page, close } = await openLesson(served, 'together', { before });
  await page.locator('#status.wrong', { hasText: 'by https, or from localhost' }).waitFor();
  expect(await button(page, 'Join').isDisabled()).toBe(true);
  await close();
});

/** In the place of the worker: tells the page what a test has it tell. */
function playWorker(): void {
  class Played extends EventTarget {
    constructor() {
      super();
      Object.assign(globalThis, { played: this });
    }
    postMessage(): void {}
  }
  Object.assign(globalThis, { Worker: Played });
}

const round = (work: number) => ({
  kind: 'replied',
  done: { kind: 'train', run: '1', round: 1, bytesReceived: 1, bytesSent: 1, seconds: 9, secondsOfWork: work },
});

test('a tab that the browser holds back while it is hidden says so, and by how much', async () => {
  const { page, close } = await openLesson(served, 'together', { before: playWorker });
  const tell = (...news: readonly object[]) =>
    page.evaluate(
      `for (const data of ${JSON.stringify(news)}) played.dispatchEvent(new MessageEvent('message', { data }))`,
    );
  const hide = () => page.evaluate("Object.defineProperty(document, 'hidden', { value: true, configurable: true })");
  const log = page.locator('#log');
  const step = { kind: 'step', done: 0.5 };
  await button(page, 'Join').and(page.locator(':enabled')).waitFor();
  await tell(step, step, round(1));
  await hide();
  await tell(step, step, step, step, round(3));
  expect(await log.innerText()).not.toContain('Hidden');
  await tell(step, step, round(4));
  expect(await log.innerText()).toContain('Hidden, this tab takes 4.0 times as long for a step');
  await close();
});

test('where there is no SuperLink, a tab says how to start one, tries again, and can be told to stop', async () => {
  const { url, close: stop } = await serveSources('http://127.0.0.1:1');
  const { page, close } = await openLesson({ browser: served.browser, url }, 'together');
  await button(page, 'Join').click();
  await status(page, /^Not connected, and tries again in .*No SuperLink answers at .* start one by flower-superlink/);
  expect(await page.locator('#log .wrong').count()).toBeGreaterThan(0);
  await button(page, 'Leave').click();
  await status(page, /^Not joined\.$/);
  await button(page, 'Join').and(page.locator(':enabled')).waitFor();
  await close();
  await stop();
});
