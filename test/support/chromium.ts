// A real browser with WebGPU on any Linux machine: npm's Chromium and the SwiftShader it brings.

import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core';
import { createServer } from 'vite';
import { chromiumFolder, hasBundledChromium } from './driver.mjs';
import { flowerProxy } from '../../build/flowerProxy.ts';
import { isolation } from '../../build/isolation.ts';
import { patienceMs } from './testTimeout.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));

/**
 * Arguments for pages that draw by WebGPU: a compositor of Vulkan's. Without it Chromium finds no memory that SwiftShader and
 * its compositor share, and the first texture of a canvas ends the device.
 */
export const drawing: readonly string[] = hasBundledChromium
  ? ['--use-angle=swiftshader', '--enable-gpu', '--enable-features=Vulkan', '--use-vulkan=swiftshader']
  : [];

/** Starts Chromium with an empty profile; elsewhere than on Linux x64 the Chrome that is installed. @param also arguments */
export async function launchBrowser(also: readonly string[] = []): Promise<Browser> {
  const args = [
    ...also,
    '--enable-unsafe-webgpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
  ];
  args.push('--disable-component-update', '--disable-sync');
  if (!hasBundledChromium) return chromium.launch({ channel: 'chrome', args, timeout: patienceMs });

  const folder = await chromiumFolder();
  // A Vulkan driver that was chosen for Dawn in Node is not one that Chromium takes.
  const { VK_ICD_FILENAMES: _icd, VK_DRIVER_FILES: _driver, ...environment } = process.env;
  return chromium.launch({
    executablePath: join(folder, 'chromium'),
    args: [...args, '--no-sandbox', '--use-webgpu-adapter=swiftshader'],
    timeout: patienceMs,
    // The locale of many a container, in which Chromium names a language that Intl refuses.
    env: { ...environment, LC_ALL: 'C', LD_LIBRARY_PATH: join(folder, 'lib'), FONTCONFIG_PATH: folder },
  });
}

/** Ends the process that has the browser's GPU, as a driver that crashes does; the browser starts another one. */
export async function killGpuProcess(browser: Browser): Promise<void> {
  const session = await browser.newBrowserCDPSession();
  const { processInfo } = await session.send('SystemInfo.getProcessInfo');
  process.kill(processInfo.find(({ type }) => type === 'GPU')!.id, 'SIGKILL');
  await session.detach();
}

/** The sources as `vite dev` serves them to a page. @param superlink to which it hands on what is asked of /flower/ */
export async function serveSources(superlink?: string): Promise<{ readonly url: string; close(): Promise<void> }> {
  const server = await createServer({
    root,
    configFile: join(root, 'vite.config.ts'),
    logLevel: 'error',
    server: { host: '127.0.0.1', port: 0, hmr: false, watch: null, proxy: flowerProxy(superlink) },
    optimizeDeps: { noDiscovery: true },
  });
  await server.listen();
  const url = server.resolvedUrls?.local[0];
  if (url === undefined) throw new Error('[serveSources] vite listens, but names no address');
  return { url, close: () => server.close() };
}

/** A page of a visitor of its own, in which whatever must come is waited for. */
export async function openPage(browser: Browser, options: BrowserContextOptions = {}): Promise<Page> {
  const page = await browser.newPage(options);
  page.setDefaultTimeout(patienceMs);
  return page;
}

/** An empty page of the server at `url`: `page.evaluate("import('/src/index.ts')…")` reaches the sources. */
export async function openEmptyPage(browser: Browser, url: string): Promise<Page> {
  const page = await openPage(browser);
  // Isolated, as the server's own pages are: so it may share memory with its workers.
  const empty = { contentType: 'text/html', headers: isolation, body: '<!doctype html>' };
  await page.route(`${url}empty`, (route) => route.fulfill(empty));
  await page.goto(`${url}empty`);
  return page;
}
