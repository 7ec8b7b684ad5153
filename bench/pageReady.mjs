// How long a first visitor waits for the demo: builds of the page (`npx vite build --outDir …`) side by side, each visit in
// a Chromium of its own with an empty profile.
//
//     node bench/pageReady.mjs dist/page [other/page …] [--rounds 5] [--out result.json]

import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createServer } from 'vite';

const { values, positionals: folders } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: 'string', default: '5' }, out: { type: 'string' } },
});
const root = fileURLToPath(new URL('..', import.meta.url));
const vite = await createServer({ root, logLevel: 'error', server: { middlewareMode: true, hmr: false, watch: null } });
const { launchBrowser } = await vite.ssrLoadModule('/test/support/chromium.ts');
const { serveFolder } = await vite.ssrLoadModule('/test/support/builtPages.ts');

/**
 * Milliseconds from the visit until the page says that it is ready, and until it shows the network at work.
 * @param {string} folder
 */
async function visit(folder) {
  const [browser, served] = await Promise.all([launchBrowser(), serveFolder(folder)]);
  try {
    const page = await browser.newPage();
    page.setDefaultTimeout(300_000);
    // Noted in the page: from here, it would be asked twice a second.
    await page.addInitScript(() => {
      const at = (globalThis.at = {});
      const look = () => {
        if (document.querySelector('#status')?.textContent.includes('Ready')) at.ready ??= performance.now();
        if (document.querySelector('#cycle table')) at.shown ??= performance.now();
      };
      new MutationObserver(look).observe(document, { childList: true, subtree: true, characterData: true });
    });
    await page.goto(served.url);
    await page.waitForFunction(() => globalThis.at.ready && globalThis.at.shown);
    return await page.evaluate(() => globalThis.at);
  } finally {
    await browser.close();
    await served.close();
  }
}

const median = (/** @type {number[]} */ numbers) => numbers.toSorted((a, b) => a - b)[numbers.length >> 1];

/** @type {Record<string, { ready: number, shown: number }[]>} */
const visits = Object.fromEntries(folders.map((folder) => [folder, []]));
for (let round = 0; round < Number(values.rounds); round++) {
  for (const folder of round % 2 ? folders.toReversed() : folders) visits[folder].push(await visit(folder));
}
const results = folders.map((folder) => ({
  folder,
  ready: Math.round(median(visits[folder].map(({ ready }) => ready))),
  shown: Math.round(median(visits[folder].map(({ shown }) => shown))),
  visits: visits[folder],
}));
for (const { folder, ready, shown } of results)
  console.log(`${folder}: ready ${ready} ms, shows the network ${shown} ms`);
if (values.out)
  writeFileSync(values.out, `${JSON.stringify({ cpu: cpus()[0].model, cores: cpus().length, results }, null, 1)}\n`);
await vite.close();
process.exit();
