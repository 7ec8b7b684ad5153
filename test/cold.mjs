// How long a new machine takes: a clone of the last commit in an empty folder, `npm ci && npm test`, every cache empty.
// `npm run test:cold` takes the driver that is chosen here, `npm run test:cold -- swiftshader` the one that npm brings.

import { execFileSync, spawn } from 'node:child_process';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { mkdtempSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const bundled = process.argv.slice(2).includes('swiftshader');
const folder = mkdtempSync(join(tmpdir(), 'millrace-cold-'));
const clone = join(folder, 'millrace');
const cache = join(folder, 'cache');

/** @type {NodeJS.ProcessEnv} */
const env = { ...process.env, XDG_CACHE_HOME: cache, MESA_SHADER_CACHE_DIR: join(cache, 'mesa') };
if (bundled) for (const name of ['VK_ICD_FILENAMES', 'VK_DRIVER_FILES']) delete env[name];

/**
 * @param {string[]} command
 * @returns {Promise<{ code: number | null, seconds: number, last: string }>} its last line too
 */
function timed([program, ...args]) {
  const begun = performance.now();
  const child = spawn(program, args, { cwd: clone, env, stdio: ['ignore', 'pipe', 'inherit'] });
  let tail = '';
  child.stdout.on('data', (/** @type {Buffer} */ chunk) => {
    process.stdout.write(chunk);
    tail = (tail + String(chunk)).slice(-1000);
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject).once('close', (code) => {
      resolve({ code, seconds: (performance.now() - begun) / 1000, last: tail.trim().split('\n').at(-1) ?? '' });
    });
  });
}

const minutes = (/** @type {number} */ seconds) =>
  `${Math.floor(seconds / 60)}:${String(Math.round(seconds % 60)).padStart(2, '0')}`;

try {
  execFileSync('git', ['clone', '--quiet', root, clone]);
  const commit = String(execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: clone })).trim();
  const install = await timed(['npm', 'ci', '--no-audit', '--no-fund']);
  const test = await timed(['npm', 'test']);
  const driver = bundled ? 'SwiftShader' : (env['VK_DRIVER_FILES'] ?? env['VK_ICD_FILENAMES'] ?? 'the system’s driver');
  console.log(`\n${commit} on ${cpus().length} cores, ${driver}, all caches empty:`);
  console.log(`npm ci ${minutes(install.seconds)}, npm test ${minutes(test.seconds)}: ${test.last}`);
  process.exitCode = install.code || test.code || 0;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
