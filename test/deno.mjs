// Runs tests in Deno, whose WebGPU is wgpu: `npm run test:deno [-- arguments of vitest]`, the core of the GPU's where none
// are given. Deno comes from npm, in one version.

import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cacheFolder, softwareDriver } from './support/driver.mjs';
import { program, versions } from './support/publicPackages.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const core = [
  'test/ops',
  ...['trainer', 'trajectory', 'lostDevice', 'wgsl'].map((name) => `test/train/${name}.test.ts`),
];
const [...given] = process.argv.slice(2);

const deno = await program('deno');
console.log(`Deno ${versions['deno']}`);
const child = spawn(
  deno,
  ['run', '-A', 'node_modules/vitest/vitest.mjs', 'run', ...(given.length > 0 ? given : core)],
  {
    cwd: root,
    stdio: 'inherit',
    env: {
      MESA_SHADER_CACHE_DIR: join(cacheFolder, 'mesa'),
      DENO_NO_UPDATE_CHECK: '1',
      ...process.env,
      ...(await softwareDriver()),
    },
  },
);
child.once('close', (code) => (process.exitCode = code ?? 1));
