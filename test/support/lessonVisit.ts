// A visit to a lesson of the gallery, and what stands on its page.

import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { expect } from 'vitest';
import { openPage } from './chromium.ts';

export const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true });

export const status = (page: Page, hasText: RegExp) => page.locator('#status', { hasText }).waitFor();

/** What stands under a term of the figures. */
export const figure = (page: Page, term: string): Promise<string> =>
  page
    .locator('.figures div', { has: page.getByText(term, { exact: true }) })
    .locator('dd')
    .innerText();

export interface Visit extends Pick<BrowserContextOptions, 'reducedMotion'> {
  readonly before?: () => void;
}

const NARROW = 360;

/** A lesson on a narrow screen, and all that a quiet one would not do: errors, and requests to other hosts. */
export async function openLesson(
  served: { readonly browser: Browser; readonly url: string },
  name: string,
  { before, ...options }: Visit = {},
) {
  const page = await openPage(served.browser, { viewport: { width: NARROW, height: 800 }, ...options });
  const problems: string[] = [];
  const { host } = new URL(served.url);
  page.on('pageerror', (error) => problems.push(error.message));
  page.on('console', (message) => message.type() === 'error' && problems.push(message.text()));
  page.on('request', (request) => new URL(request.url()).host !== host && problems.push(request.url()));
  if (before) await page.addInitScript(before);
  await page.goto(`${served.url}examples/${name}.html`);
  const close = async (): Promise<void> => {
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(NARROW);
    await page.close();
    expect(problems).toEqual([]);
  };
  return { page, problems, close };
}
