// Public packages that some scripts need, and that neither the library nor `npm test` does: each of one version.

import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cacheFolder } from './driver.mjs';

const require = createRequire(import.meta.url);
const installed = (/** @type {string} */ name) => require(`${name}/package.json`).version;

/** @type {Readonly<Record<string, string>>} */
export const versions = {
  bun: '1.4.5',
  deno: '2.9.6',
  vite: installed('vite'),
  webgpu: installed('webgpu'),
  webpack: '5.113.0',
};

/**
 * Installs packages into a folder, as a user would.
 * @param {string} folder
 * @param {readonly string[]} packages names, versions, archives
 */
export async function install(folder, packages) {
  const quiet = ['--no-audit', '--no-fund', '--loglevel=error'];
  await promisify(execFile)('npm', ['install', '--prefix', folder, ...quiet, ...packages]);
}

/**
 * A program that npm has, kept in the cache: its path.
 * @param {'bun' | 'deno'} name
 */
export async function program(name) {
  const folder = join(cacheFolder, `${name}-${versions[name]}`);
  const path = join(folder, 'node_modules/.bin', name);
  if (!existsSync(path)) {
    await mkdir(folder, { recursive: true });
    await install(folder, [`${name}@${versions[name]}`]);
  }
  return path;
}
