// The reference as a page: all of it is there without a script, and a search leaves what was asked for.

import { expect, test } from 'vitest';
import type { Page } from 'playwright-core';
import { openPage, serveSources } from './support/chromium.ts';
import { openBrowser } from './support/openBrowser.ts';

const served = openBrowser(serveSources);

/** As narrow as a small phone. */
const NARROW = { width: 360, height: 740 };

const visible = (page: Page): Promise<string[]> => page.locator('.families article:visible h3').allInnerTexts();
const widthOf = (page: Page): Promise<number> => page.evaluate('document.documentElement.scrollWidth');

test('a reader finds an export by words, by keyboard alone, and goes on to a type and to its source', async () => {
  const { page, problems } = await open();
  const whole = (await visible(page)).length;
  expect(whole).toBeGreaterThan(500);
  await page.keyboard.press('/');
  await page.keyboard.type('entropy nats');
  await page.getByText(`of ${whole}`).waitFor();
  const found = await visible(page);
  expect(found).toContain('crossEntropy');
  expect(found.length).toBeLessThan(20);
  await page.keyboard.press('Escape');
  expect((await visible(page)).length).toBe(whole);
  await page.keyboard.type('crossEntropyOptions');
  expect(await visible(page)).toEqual(['CrossEntropyOptions']);
  await page.keyboard.press('Enter');
  expect(await page.evaluate('document.activeElement.textContent')).toBe('CrossEntropyOptions');
  await page.keyboard.press('Enter');
  expect(await page.locator(':target').innerText()).toBe('CrossEntropyOptions');

  // A link to what the search has hidden shows it.
  await page.goto(`${served.url}docs/api.html#adam`);
  await page
    .getByRole('article', { name: 'adam', exact: true })
    .getByRole('link', { name: 'AdamOptions' })
    .first()
    .click();
  expect(await page.locator(':target').innerText()).toBe('AdamOptions');
  await page
    .getByRole('article', { name: 'adam', exact: true })
    .getByRole('link', { name: 'src/optim/adam.ts' })
    .click();
  await page.getByRole('heading', { name: 'src/optim/adam.ts' }).waitFor();
  expect(await page.locator(':target').innerText()).toContain('export const adam = ');
  await page.close();
  expect(problems).toEqual([]);
});

test('an export says what it takes, gives, throws and comes from, and shows an example', async () => {
  const { page, problems } = await open();
  const article = page.getByRole('article', { name: 'ctc', exact: true });
  const text = await article.innerText();
  for (const part of ['logits', 'gives', 'throws', 'source', 'Graves et al. 2006']) expect(text).toContain(part);
  const example = article.getByRole('region', { name: 'Example of ctc' });
  expect(await example.innerText()).toContain('console.log(');
  await page.close();
  expect(problems).toEqual([]);
});

test('on a phone, with text of twice the size, only signatures and examples move, not the page', async () => {
  const { page, problems } = await open();
  expect(await widthOf(page)).toBe(NARROW.width);
  await page.evaluate("document.documentElement.style.fontSize = '200%'");
  expect(await widthOf(page)).toBe(NARROW.width);
  await page.close();
  expect(problems).toEqual([]);
});

test('without a script all of it is there, and no search that does nothing', async () => {
  const page = await openPage(served.browser, { viewport: NARROW, javaScriptEnabled: false });
  await page.goto(`${served.url}docs/api.html`);
  expect(await page.getByRole('heading', { name: 'crossEntropy', exact: true }).isVisible()).toBe(true);
  expect(await page.getByRole('searchbox').isVisible()).toBe(false);
  await page.close();
});

/** The page, and all that a quiet page would not do: errors, and requests to other hosts. */
async function open(): Promise<{ page: Page; problems: string[] }> {
  const page = await openPage(served.browser, { viewport: NARROW, locale: 'en-US' });
  const problems: string[] = [];
  const { host } = new URL(served.url);
  page.on('pageerror', (error) => problems.push(error.message));
  page.on('console', (message) => message.type() === 'error' && problems.push(message.text()));
  page.on('request', (request) => new URL(request.url()).host !== host && problems.push(request.url()));
  await page.goto(`${served.url}docs/api.html`);
  await page.getByRole('searchbox').waitFor();
  return { page, problems };
}
