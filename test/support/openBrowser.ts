import type { Browser } from 'playwright-core';
import { afterAll, beforeAll } from 'vitest';
import { launchBrowser } from './chromium.ts';

interface Server {
  readonly url: string;
  close(): Promise<void>;
}

/**
 * A browser and a server for all tests of a file, from before the first to behind the last; empty until then.
 * @param also arguments of the browser
 */
export function openBrowser(
  serve: () => Promise<Server>,
  also?: readonly string[],
): { readonly browser: Browser; readonly url: string } {
  const open: { browser?: Browser; server?: Server } = {};
  beforeAll(async () => {
    [open.browser, open.server] = await Promise.all([launchBrowser(also), serve()]);
  });
  afterAll(async () => {
    await open.browser?.close();
    await open.server?.close();
  });
  return {
    get browser() {
      return open.browser!;
    },
    get url() {
      return open.server!.url;
    },
  };
}
