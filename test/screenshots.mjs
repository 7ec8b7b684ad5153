// Opens the built pages as visitors would, in a folder of some name on a server, and keeps what they saw: light, dark and
// on a phone. Prints how heavy the demo is, when it is there, and how long its script holds the main thread.
//
//     npm run screenshots [-- FOLDER]

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { createServer as createVite } from 'vite';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = process.argv[2] ?? join(root, 'dist/screenshots');

/** Every view, and how to come there. */
const views = [
  { name: 'demo', page: '', visit: train },
  { name: 'demo-vanishing', page: `?${preset('sigmoid', 'glorot')}`, visit: (page) => train(page, 'Backward') },
  { name: 'demo-mended', page: `?${preset('relu', 'he')}`, visit: (page) => train(page, 'Backward') },
  { name: 'demo-wide', page: '?layers=128', visit: (page) => train(page, 'Loss') },
  { name: 'demo-convolutional', page: '?model=convolutional&batch=32', visit: (page) => train(page, 'Update') },
  { name: 'lesson', page: 'docs/backpropagation.html' },
  { name: 'gallery', page: 'examples/index.html' },
  ...['xor', 'spirals', 'regression', 'mnist', 'race'].map((name) => ({ name, page: `examples/${name}.html` })),
  { name: 'bench', page: 'bench/index.html' },
];

const looks = [
  { name: 'light', colorScheme: 'light', width: 1280 },
  { name: 'dark', colorScheme: 'dark', width: 1280 },
  { name: 'narrow', colorScheme: 'light', width: 360 },
];

function preset(activation, initial) {
  return `layers=${Array(10).fill(32).join('+')}&activation=${activation}&initial=${initial}&optimizer=sgd`;
}

const SETTLE_MS = 3000;
const TRAIN_MS = 8000;
const PATIENCE = { timeout: 120_000 };

/** Trains for some seconds, and stops at a stage of the cycle. */
async function train(page, stage = 'Forward') {
  const button = (name) => page.getByRole('button', { name });
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

/** Milliseconds of the main thread's longest task between start and end, by the wall clock and by its own. */
function longestTask(trace) {
  const { traceEvents } = JSON.parse(trace.toString());
  const main = new Set(
    traceEvents
      .filter(({ name, args }) => name === 'thread_name' && args.name === 'CrRendererMain')
      .map(({ pid, tid }) => `${pid} ${tid}`),
  );
  const tasks = traceEvents.filter(
    ({ name, ph, pid, tid }) => /RunTask$/.test(name) && ph === 'X' && main.has(`${pid} ${tid}`),
  );
  const longest = (field) => Math.max(0, ...tasks.map((task) => (task[field] ?? 0) / 1000));
  return { tasks: tasks.length, wall: longest('dur'), cpu: longest('tdur') };
}

/** What a first visit costs. */
async function figuresOf(browser, url) {
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  const bodies = [];
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
  const ready = await page.evaluate('performance.now()');
  const paint = await page.evaluate("performance.getEntriesByName('first-contentful-paint')[0]?.startTime");
  const weight = (await Promise.all(bodies)).reduce((sum, bytes) => sum + bytes, 0);
  const pressed = Date.now();
  await page.getByRole('button', { name: 'Start' }).click();
  while ((await page.locator('#at').textContent()) === '0') await page.waitForTimeout(10);
  const firstStep = Date.now() - pressed;
  await browser.startTracing(page, { categories: ['toplevel', 'disabled-by-default-devtools.timeline', '__metadata'] });
  await page.waitForTimeout(TRAIN_MS);
  const { tasks, wall, cpu } = longestTask(await browser.stopTracing());
  await page.close();
  const ms = (value) => `${value.toFixed(0)} ms`;
  return {
    'page weight, gzip, without data': `${(weight / 1000).toFixed(1)} kB`,
    'first paint': ms(paint),
    'ready to train': ms(ready),
    'first step after Start': ms(firstStep),
    'longest main-thread task while training': `${wall.toFixed(1)} ms, of which it ran ${cpu.toFixed(1)} ms (${tasks} tasks)`,
  };
}

const vite = await createVite({ root, logLevel: 'error', server: { middlewareMode: true, hmr: false, watch: null } });
const { launchBrowser } = await vite.ssrLoadModule('/test/support/chromium.ts');
const { serveFolder } = await vite.ssrLoadModule('/test/support/builtPages.ts');
const [browser, server] = await Promise.all([launchBrowser(), serveFolder(join(root, 'dist/page'))]);
await mkdir(folder, { recursive: true });
let wrong = 0;
try {
  for (const [name, value] of Object.entries(await figuresOf(browser, server.url))) console.log(`${name}: ${value}`);
  for (const { name, page: path, visit } of views.filter(
    (view) => !process.env.ONLY || view.name === process.env.ONLY,
  )) {
    for (const { name: look, colorScheme, width } of looks) {
      const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme });
      const problems = [];
      page.on('pageerror', (error) => problems.push(error.message));
      page.on('console', (message) => message.type() === 'error' && problems.push(message.text()));
      await page.goto(server.url + path);
      await (visit ? visit(page) : page.waitForTimeout(SETTLE_MS));
      const reach = await page.evaluate('document.documentElement.scrollWidth');
      if (reach > width) problems.push(`it is ${reach} wide in a window of ${width}`);
      await page.screenshot({ path: join(folder, `${name}-${look}.png`), fullPage: true });
      await page.close();
      wrong += problems.length;
      console.log(`${name}-${look}.png${problems.map((problem) => `\n  ${problem}`).join('')}`);
    }
  }
} finally {
  await browser.close();
  server.close();
  await vite.close();
}
process.exitCode = wrong > 0 ? 1 : 0;
