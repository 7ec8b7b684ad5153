// Runs the tests where Dawn has an adapter: `node test/run.mjs [arguments of vitest]`.
// Its last line is `N passed, N failed`, and `, N skipped` where there are any.

import { execFile, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { cacheFolder, softwareDriver } from './support/driver.mjs';
import { patienceFor } from './support/testTimeout.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = await mkdtemp(join(tmpdir(), 'millrace-test-'));
const results = join(folder, 'results.json');

const exitCode = await runVitest();
const { passed, failed, skipped } = await count();
await rm(folder, { recursive: true });

if (!process.env['MILLRACE_DATA']) {
  console.log('MILLRACE_DATA is not set: THE TESTS ON REAL DATA DID NOT RUN. Set it to the folder of the data sets.');
}
console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
process.exitCode = failed > 0 || passed === 0 ? 1 : 0;

/** @returns {Promise<number | null>} the exit code of vitest */
async function runVitest() {
  console.log('Looking for an adapter …');
  // Mesa compiles shaders for a CPU as a C compiler would: it should do so once.
  const env = { MESA_SHADER_CACHE_DIR: join(cacheFolder, 'mesa'), ...process.env, ...(await softwareDriver()) };
  const patience = await patienceHere(env);
  const vitest = join(dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs');
  const reports = ['--reporter=default', '--reporter=./test/support/progress.mjs', '--reporter=json'];
  const child = spawn(
    process.execPath,
    [vitest, 'run', ...reports, `--outputFile.json=${results}`, ...process.argv.slice(2)],
    { cwd: root, stdio: 'inherit', env: { MILLRACE_PATIENCE: patience, ...env } },
  );
  return new Promise((resolve, reject) => child.once('error', reject).once('close', resolve));
}

/**
 * How long a test may wait, by how fast this machine is now.
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<string>} seconds
 */
async function patienceHere(env) {
  const measure = [join(root, 'test/support/speed.mjs')];
  try {
    const { stdout } = await promisify(execFile)(process.execPath, measure, { env });
    /** @type {{ adapter: string, seconds: number }} */
    const { adapter, seconds } = JSON.parse(stdout);
    const patience = String(patienceFor(seconds));
    console.log(`${adapter} opens and compiles a dozen kernels in ${seconds.toFixed(1)} s.`);
    console.log(`What a test waits for longer than ${env['MILLRACE_PATIENCE'] ?? patience} s counts as hung.`);
    return patience;
  } catch {
    console.log('There is no adapter: the tests of WebGPU will fail.');
    return String(patienceFor(0));
  }
}

/** A file that fails outside its tests, and a run that fails outside its files, count as one failed test each. */
async function count() {
  /** @type {{ testResults: { status: string, assertionResults: { status: string }[] }[] }} */
  const report = await readFile(results, 'utf8').then(JSON.parse, () => ({ testResults: [] }));
  const tally = { passed: 0, failed: 0, skipped: 0 };
  for (const { status, assertionResults: tests } of report.testResults) {
    const ended = (/** @type {string} */ how) => tests.filter((test) => test.status === how).length;
    tally.passed += ended('passed');
    tally.failed += status === 'failed' ? Math.max(ended('failed'), 1) : 0;
    tally.skipped += tests.length - ended('passed') - ended('failed');
  }
  if (exitCode !== 0) tally.failed = Math.max(tally.failed, 1);
  return tally;
}
