// Holds what is written here against the frameworks that it is for, and what they write against what is read here:
// `node test/interop/live.mjs [NAME …]`. It is no part of `npm test`: it takes Python, and gigabytes of packages.
//
// A case is a file test/interop/live/NAME.mjs:
//
//     /** @param {import('../live.mjs').Live} live */
//     export async function run({ python, folder, millrace, data, interop }) {
//       await python('name.py', 'write', folder);
//       …
//       return 'outputs agree to 3e-7'; // what was compared, and how near it is: it is printed
//     }
//
// It throws where the two differ. It runs in a process of its own, which has a GPU adapter, if only in software.
// `python` runs test/interop/live/NAME.py with the packages of python/requirements.txt, and gives what it printed; `folder`
// is an empty one; the others are the library's entries, of the sources as they are, and `load` has other modules of them. MILLRACE_PYTHON names an interpreter that
// has the packages; else they are installed into a folder of the cache, once. Where there is no Python or no index, it
// says so and ends well. Its last line is `N passed, N failed`.

import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { access, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createServer } from 'vite';
import { cacheFolder, softwareDriver } from '../support/driver.mjs';

/**
 * @typedef {object} Live
 * @property {(script: string, ...args: readonly string[]) => Promise<string>} python
 * @property {string} interpreter of Python, which has the packages
 * @property {string} folder
 * @property {string} root the project's
 * @property {<T>(path: string) => Promise<T>} load a module by its path from there, as `/test/interop/writtenModels.ts`
 * @property {typeof import('../../src/index.ts')} millrace
 * @property {typeof import('../../src/data/index.ts')} data
 * @property {typeof import('../../src/interop/index.ts')} interop
 */

const root = fileURLToPath(new URL('../..', import.meta.url));
const cases = join(root, 'test/interop/live');
const requirements = join(root, 'test/interop/python/requirements.txt');
const run = promisify(execFile);

/** The packages are large: what takes longer has no index, or one that is too slow. */
const INSTALL_MINUTES = 40;
/** The slowest case takes one. */
const CASE_MINUTES = 12;
const MINUTE = 60_000;

const [name, ...others] = process.argv.slice(2);
if (name === '--case') await runCase(others[0]);
else await runAll(process.argv.slice(2));

/** @param {readonly string[]} names of cases; all of them, if there is none */
async function runAll(names) {
  const python = process.env['MILLRACE_PYTHON'] ?? (await installed());
  const all = (await readdir(cases)).filter((file) => file.endsWith('.mjs')).map((file) => file.slice(0, -4));
  let [passed, failed] = [0, 0];
  if (python) {
    const env = { ...process.env, ...(await softwareDriver()), MILLRACE_PYTHON: python };
    for (const one of all.toSorted().filter((each) => names.length === 0 || names.includes(each))) {
      const begun = performance.now();
      const isPassed = await passes(one, env);
      console.log(`${isPassed ? 'ok    ' : 'FAILED'} ${one} (${((performance.now() - begun) / 1000).toFixed(0)} s)`);
      if (isPassed) passed++;
      else failed++;
    }
  }
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = failed > 0 ? 1 : 0;
}

/**
 * @param {string} one
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<boolean>}
 */
function passes(one, env) {
  const args = ['--no-warnings', fileURLToPath(import.meta.url), '--case', one];
  const child = spawn(process.execPath, args, { env, stdio: 'inherit', timeout: CASE_MINUTES * MINUTE });
  return new Promise((resolve, reject) => child.once('error', reject).once('close', (code) => resolve(code === 0)));
}

/** @param {string} one */
async function runCase(one) {
  const vite = await createServer({
    root,
    logLevel: 'error',
    server: { middlewareMode: true, hmr: false, ws: false, watch: null },
  });
  /** @type {(path: string) => Promise<any>} */
  const load = (path) => vite.ssrLoadModule(path);
  const folder = await mkdtemp(join(tmpdir(), 'millrace-live-'));
  const interpreter = /** @type {string} */ (process.env['MILLRACE_PYTHON']);
  try {
    const [millrace, data, interop] = await Promise.all(
      ['index', 'data/index', 'interop/index'].map((entry) => load(`/src/${entry}.ts`)),
    );
    /** @type {{ run(live: object): Promise<string> }} */
    const found = await import(`./live/${one}.mjs`);
    console.log(
      `       ${await found.run({ python: pythonOf(interpreter), interpreter, folder, root, load, millrace, data, interop })}`,
    );
  } finally {
    await rm(folder, { recursive: true });
    await vite.close();
  }
  // A device in software may keep a process alive.
  process.exit();
}

/** Runs a script beside the cases, and gives what it printed. @param {string} interpreter @returns {Live['python']} */
function pythonOf(interpreter) {
  const env = { ...process.env, KERAS_BACKEND: 'jax', JAX_PLATFORMS: 'cpu', CUDA_VISIBLE_DEVICES: '' };
  return async (script, ...args) => {
    const { stdout } = await run(interpreter, [isAbsolute(script) ? script : join(cases, script), ...args], {
      env,
      maxBuffer: 2 ** 28,
    });
    return stdout;
  };
}

/** @returns {Promise<string | null>} an interpreter that has the packages, or null where there is none to be had */
async function installed() {
  const text = await readFile(requirements, 'utf8');
  const folder = join(cacheFolder, `interop-${createHash('sha256').update(text).digest('hex').slice(0, 12)}`);
  const [python, whole] = [join(folder, 'bin/python'), join(folder, 'whole')];
  const exists = await access(whole).then(
    () => true,
    () => false,
  );
  if (exists) return python;
  const base = await newEnoughPython();
  if (!base) return skipped('there is no Python of version 3.11 or newer');
  console.log('Installing the packages that the live comparison takes …');
  const begun = performance.now();
  try {
    await rm(folder, { recursive: true, force: true });
    await run(base, ['-m', 'venv', folder]);
    const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-r', requirements];
    await run(python, pip, { timeout: INSTALL_MINUTES * MINUTE });
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    return skipped(`the packages cannot be had: ${String(error).trim().split('\n').at(-1)}`);
  }
  await writeFile(whole, '');
  console.log(`They are there after ${((performance.now() - begun) / MINUTE).toFixed(1)} minutes.`);
  return python;
}

/** @param {string} why */
async function skipped(why) {
  const { flwr } = JSON.parse(await readFile(join(root, 'test/goldens/flower/conversation.json'), 'utf8'));
  console.log(`THE LIVE COMPARISON WITH OTHER FRAMEWORKS DID NOT RUN: ${why}.`);
  console.log(`Nodes of Flower were held against what was RECORDED of a SuperLink of flwr ${flwr} alone, by npm test.`);
  return null;
}

/** @returns {Promise<string | undefined>} */
async function newEnoughPython() {
  for (const python of ['python3', 'python3.13', 'python3.12', 'python3.11']) {
    const check = ['-c', 'import sys, venv; sys.exit(sys.version_info < (3, 11))'];
    const is = await run(python, check).then(
      () => true,
      () => false,
    );
    if (is) return python;
  }
  return undefined;
}
