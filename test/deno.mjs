// Runs tests in Deno, whose WebGPU is wgpu: `npm run test:deno [-- arguments of vitest]`, the core of the GPU's where none
// are given. Deno comes from npm, in one version.

import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cacheFolder, softwareDriver } from './support/driver.mjs';
import { program, versions } from './support/publicPackages.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const core = [
  'test/ops',
  ...['trainer', 'trajectory', 'lostDevice', 'wgsl', 'sameBits'].map((name) => `test/train/${name}.test.ts`),
];
const given = process.argv.slice(2);
const vitest = ['node_modules/vitest/vitest.mjs', 'run'];

const deno = await program('deno');
const folder = await mkdtemp(join(tmpdir(), 'millrace-deno-'));
const env = {
  MESA_SHADER_CACHE_DIR: join(cacheFolder, 'mesa'),
  DENO_NO_UPDATE_CHECK: '1',
  MILLRACE_BITS: join(folder, 'bits.json'),
  ...process.env,
  ...(await softwareDriver()),
};

/** @param {string} path @param {readonly string[]} args */
function run(path, args) {
  const child = spawn(path, args, { cwd: root, stdio: 'inherit', env });
  return new Promise((resolve, reject) => child.once('error', reject).once('close', (code) => resolve(code ?? 1)));
}

const known = await run(process.execPath, [...vitest, 'test/train/sameBits.test.ts']);
console.log(`Deno ${versions['deno']}`);
process.exitCode = known || (await run(deno, ['run', '-A', ...vitest, ...(given.length > 0 ? given : core)]));
await rm(folder, { recursive: true });
