// Pictures of the pages, and what a first visit of the demo costs.

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Browser, Locator, Page } from 'playwright-core';
import { serveFolder } from './builtPages.ts';
import { drawing, launchBrowser } from './chromium.ts';

interface View {
  readonly name: string;
  readonly page: string;
  /** Left out where a page is to be seen as it opens. */
  readonly visit?: (page: Page) => Promise<void>;
}

interface Look {
  readonly name: string;
  readonly colorScheme: 'light' | 'dark';
  readonly width: number;
}

/** Of a trace of Chromium's: microseconds. */
interface TraceEvent {
  readonly name: string;
  readonly ph: string;
  readonly pid: number;
  readonly tid: number;
  readonly dur?: number;
  readonly tdur?: number;
  readonly args?: { readonly name?: string };
}

/** Every view, and how to come there. */
const views: readonly View[] = [
  { name: 'demo', page: '', visit: train },
  { name: 'demo-vanishing', page: `?${deep('sigmoid', 'glorot')}`, visit: (page) => train(page, 'Backward') },
  { name: 'demo-mended', page: `?${deep('relu', 'he')}`, visit: (page) => train(page, 'Backward') },
  { name: 'demo-wide', page: '?layers=128', visit: (page) => train(page, 'Loss') },
  { name: 'demo-convolutional', page: '?model=convolutional&batch=32', visit: (page) => train(page, 'Update') },
  { name: 'lesson', page: 'docs/backpropagation.html' },
  { name: 'reference', page: 'docs/api.html' },
  { name: 'gallery', page: 'examples/index.html' },
  ...[
    'xor',
    'spirals',
    'regression',
    'mnist',
    'race',
    'sequence',
    'digit',
    'text',
    'sentence',
    'translation',
    'image',
    'flow',
    'material',
    'camera',
    'together',
  ].map((name) => ({
    name,
    page: `examples/${name}.html`,
  })),
  { name: 'bench', page: 'bench/index.html' },
  { name: 'bench-run', page: 'bench/index.html', visit: measure },
];

const looks: readonly Look[] = [
  { name: 'light', colorScheme: 'light', width: 1280 },
  { name: 'dark', colorScheme: 'dark', width: 1280 },
  { name: 'narrow', colorScheme: 'light', width: 360 },
];

function deep(activation: string, initial: string): string {
  return `layers=${Array(10).fill(32).join('+')}&activation=${activation}&initial=${initial}&optimizer=sgd`;
}

const SETTLE_MS = 3000;
const TRAIN_MS = 8000;
const PATIENCE = { timeout: 120_000 };

/** Trains for some seconds, and stops at a stage of the cycle. */
async function train(page: Page, stage = 'Forward'): Promise<void> {
  const button = (name: RegExp): Locator => page.getByRole('button', { name });
  await button(/^Start/)
    .and(page.locator(':enabled'))
    .waitFor(PATIENCE);
  await button(/^Start/).click();
  await page.waitForTimeout(TRAIN_MS);
  await button(/^Pause/).click();
  await page
    .locator('#status')
    .filter({ hasText: /^Paused/ })
    .waitFor(PATIENCE);
  await button(new RegExp(`^\\d ${stage}`)).click();
  await page.waitForTimeout(1500);
}

/** Measures the smallest sizes. */
async function measure(page: Page): Promise<void> {
  await page.getByText('Choose what runs').click();
  await page.getByLabel('Sizes').selectOption('smallest');
  await page.getByText('Choose what runs').click();
  await page.getByRole('button', { name: 'Run', exact: true }).click();
  await page.getByRole('status').filter({ hasText: /^Done/ }).waitFor(PATIENCE);
}

/** What a trace knows as the page's script at work. */
const SCRIPT = new Set([
  'FunctionCall',
  'EvaluateScript',
  'FireAnimationFrame',
  'TimerFire',
  'HandlePostMessage',
  'EventDispatch',
]);

/** Milliseconds of the main thread's longest task, by the wall clock and by its own, and of the longest run of script. */
function longestTask(trace: Buffer): { readonly wall: number; readonly own: number; readonly script: number } {
  const { traceEvents } = JSON.parse(trace.toString()) as { readonly traceEvents: readonly TraceEvent[] };
  const threadOf = ({ pid, tid }: TraceEvent): string => `${pid} ${tid}`;
  const named = traceEvents.filter(({ name, args }) => name === 'thread_name' && args?.name === 'CrRendererMain');
  const main = new Set(named.map(threadOf));
  const done = traceEvents.filter((event) => event.ph === 'X' && main.has(threadOf(event)));
  const tasks = done.filter(({ name }) => name.endsWith('RunTask'));
  const script = done.filter(({ name }) => SCRIPT.has(name));
  const longest = (events: readonly TraceEvent[], field: 'dur' | 'tdur'): number =>
    Math.max(0, ...events.map((event) => (event[field] ?? 0) / 1000));
  return { wall: longest(tasks, 'dur'), own: longest(tasks, 'tdur'), script: longest(script, 'tdur') };
}

/** What a first visit costs. */
async function figuresOf(browser: Browser, url: string): Promise<Record<string, string>> {
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  const bodies: Promise<number>[] = [];
  page.on('response', (response) =>
    bodies.push(
      response.body().then(
        (body) => gzipSync(body).length,
        () => 0,
      ),
    ),
  );
  await page.goto(url);
  await page.getByRole('button', { name: 'Start' }).and(page.locator(':enabled')).waitFor(PATIENCE);
  await page.locator('#status').filter({ hasText: 'Ready' }).waitFor(PATIENCE);
  const ready = await page.evaluate<number>('performance.now()');
  const paint = await page.evaluate<number>("performance.getEntriesByName('first-contentful-paint')[0]?.startTime");
  const weight = (await Promise.all(bodies)).reduce((sum, bytes) => sum + bytes, 0);
  const pressed = Date.now();
  await page.getByRole('button', { name: 'Start' }).click();
  while ((await page.locator('#at').textContent()) === '0') await page.waitForTimeout(10);
  const firstStep = Date.now() - pressed;
  await browser.startTracing(page, { categories: ['toplevel', 'devtools.timeline', '__metadata'] });
  await page.waitForTimeout(TRAIN_MS);
  const { wall, own, script } = longestTask(await browser.stopTracing());
  await page.close();
  const ms = (value: number): string => `${value.toFixed(0)} ms`;
  return {
    'page weight, gzip, without data': `${(weight / 1000).toFixed(1)} kB`,
    'first paint': ms(paint),
    'ready to train': ms(ready),
    'first step after Start': ms(firstStep),
    'longest main-thread task while training': `${wall.toFixed(1)} ms by the wall clock, ${own.toFixed(1)} ms by its own`,
    'longest run of the page’s script while training': `${script.toFixed(1)} ms by its own clock`,
  };
}

/** What a page did that a quiet one would not, after a picture of it was taken. */
async function photograph(browser: Browser, url: string, { page: path, visit }: View, look: Look, file: string) {
  const { colorScheme, width } = look;
  const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme });
  const problems: string[] = [];
  page.on('pageerror', (error) => problems.push(error.message));
  page.on('console', (message) => message.type() === 'error' && problems.push(message.text()));
  await page.goto(url + path);
  await (visit ? visit(page) : page.waitForTimeout(SETTLE_MS));
  const reach = await page.evaluate<number>('document.documentElement.scrollWidth');
  if (reach > width) problems.push(`it is ${reach} wide in a window of ${width}`);
  await page.screenshot({ path: file, fullPage: true });
  await page.close();
  return problems;
}

/**
 * Opens built pages as visitors would: light, dark and on a phone.
 * @param only names of views, or none for all   @returns how many problems there were
 */
export async function takeScreenshots(pages: string, folder: string, only: readonly string[]): Promise<number> {
  const server = await serveFolder(pages);
  await mkdir(folder, { recursive: true });
  let wrong = 0;
  // What is measured is measured in a browser as it is.
  const plain = await launchBrowser();
  const browser = await launchBrowser(drawing);
  try {
    const figures = await figuresOf(plain, server.url);
    for (const [name, value] of Object.entries(figures)) console.log(`${name}: ${value}`);
    for (const view of views.filter(({ name }) => only.length === 0 || only.includes(name))) {
      for (const look of looks) {
        const file = `${view.name}-${look.name}.png`;
        const problems = await photograph(browser, server.url, view, look, join(folder, file));
        wrong += problems.length;
        console.log(`${file}${problems.map((problem) => `\n  ${problem}`).join('')}`);
      }
    }
  } finally {
    await Promise.all([plain.close(), browser.close()]);
    await server.close();
  }
  return wrong;
}
