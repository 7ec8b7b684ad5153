// A SuperLink of Flower's, its nodes in Python, and runs of an app on it, for tests that compare with them.

import { mkdir, mkdtemp, readdir, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { startNode } from './nodes.mjs';
import { freePort, lastLines, programsIn } from './programs.mjs';
import { arraysIn, follow, jsonOf, sentIn } from './runs.mjs';

/**
 * @typedef {string | number | boolean} Setting
 *
 * @typedef {import('./node.mjs').NodeOptions} NodeOptions
 *
 * @typedef {object} Options
 * @property {boolean} [lasting] runs and messages are in a file, and ServerApps go on while the SuperLink is away
 * @property {{ authority: string, certificate: string, key: string }} [tls] files; nodes must then be registered
 */

/** Its first start makes its tables; a machine that is busy takes a while. */
const START_SECONDS = 120;

/** @typedef {Awaited<ReturnType<typeof startSuperLink>>} SuperLink */

/**
 * Starts one, gives it to `use`, and stops it with all that was begun on it.
 * @param {import('../interop/live.mjs').Live} live
 * @param {(superlink: SuperLink) => Promise<string>} use
 * @param {Options} [options]
 * @returns {Promise<string>} what `use` says
 */
export async function withSuperLink(live, use, options = {}) {
  if (!process.env['MILLRACE_DATA']) return 'IT DID NOT RUN: MILLRACE_DATA names no folder that has mnist/';
  const superlink = await startSuperLink(live, options);
  try {
    return await use(superlink);
  } catch (error) {
    console.log(await superlink.programs.tails());
    throw error;
  } finally {
    await superlink.stop();
  }
}

/** @param {import('../interop/live.mjs').Live} live @param {Options} options */
async function startSuperLink({ interpreter, folder: parent, root, interop }, { lasting = false, tls }) {
  const folder = await mkdtemp(join(parent, 'superlink-'));
  const [home, logs] = [join(folder, 'flwr'), join(folder, 'logs')];
  await Promise.all([mkdir(home, { recursive: true }), mkdir(logs, { recursive: true })]);
  const bin = dirname(interpreter);
  const env = { ...process.env, ...quiet, FLWR_HOME: home, PATH: `${bin}:${process.env['PATH']}` };
  const programs = programsIn(logs, env);
  const port = await freePort();
  const address = `127.0.0.1:${port}`;
  const url = `${tls ? 'https' : 'http'}://${address}`;
  const trust = tls ? ['--root-certificates', tls.authority] : ['--insecure'];
  await writeFile(join(home, 'config.toml'), connectionTo(address, tls));
  const args = ['--host', '127.0.0.1', '--port', String(port), ...identityOf(tls)];
  if (lasting) args.push('--database', join(folder, 'state.db'), '--isolation', 'process');

  const up = async () => {
    const program = programs.start(join(bin, 'flower-superlink'), args);
    await listens(port, program);
    return program;
  };
  /** @type {import('./programs.mjs').Program} */
  let superlink;
  try {
    superlink = await up();
    // Else the SuperLink starts one itself, which ends with it.
    if (lasting) programs.start(join(bin, 'flower-superexec'), [...trust, '--runtime-api-address', address]);
  } catch (error) {
    await programs.stopAll();
    throw error;
  }

  /** @param {readonly string[]} command @returns {Promise<string>} */
  const flwr = (...command) => programs.run(join(bin, 'flwr'), command);

  return {
    url,
    port,
    programs,
    stop: () => programs.stopAll(),
    /** Stops it and starts it again on the same port. @param {number} [seconds] in which it is away */
    async restart(seconds = 0) {
      await superlink.stop();
      await delay(seconds * 1000);
      superlink = await up();
    },
    /** A node in Python. @param {Record<string, Setting>} settings its config */
    async supernode(settings) {
      const own = ['--port', String(await freePort()), '--node-config', toml(settings, ' ')];
      return programs.start(join(bin, 'flower-supernode'), [...trust, '--superlink', address, ...own]);
    },
    /** A node that is written here. @param {Partial<NodeOptions>} options @param {NodeJS.ProcessEnv} [more] its environment */
    node: (options, more) => startNode(programs, { superlink: url, runs: 1, ...options }, more),
    /** Has it accept a node of this key. @param {string} path of a public one @returns {Promise<string>} its number */
    async register(path) {
      const printed = await flwr('supernode', 'register', path, '--format', 'json');
      jsonOf(printed);
      // It is larger than what a number holds.
      return String(/"node-id": (\d+)/.exec(printed)?.[1]);
    },
    /**
     * Begins a run of examples/flower.
     * @param {Record<string, Setting>} settings
     * @param {{ save?: boolean, record?: boolean }} [keep]
     * @returns {Promise<import('./runs.mjs').Run>}
     */
    async run(settings, { save = false, record = false } = {}) {
      const own = join(folder, `run${(await readdir(folder)).length}`);
      await mkdir(own);
      const [last, all] = [join(own, 'last.npz'), join(own, 'sent')];
      const kept = { ...(save && { save: last }), ...(record && { record: all }) };
      const written = join(own, 'config.toml');
      await writeFile(written, toml({ ...settings, ...kept }, '\n'));
      const app = join(root, 'examples/flower');
      const id = jsonOf(await flwr('run', app, '--run-config', written, '--format', 'json'))['run-id'];
      return {
        ...follow(id, programs, join(bin, 'flwr')),
        arrays: () => arraysIn(last, interop),
        sent: () => sentIn(all, interop),
      };
    },
  };
}

/** Nothing of Flower's goes outside, or waits for a terminal; what it prints comes at once, and small products use one core. */
const quiet = {
  FLWR_TELEMETRY_ENABLED: '0',
  FLWR_DISABLE_UPDATE_CHECK: '1',
  FLWR_DISABLE_RUNTIME_DEPENDENCY_INSTALLATION: '1',
  FLWR_SUPEREXEC_TASK_POLL_INTERVAL: '0.2',
  PYTHONUNBUFFERED: '1',
  OMP_NUM_THREADS: '1',
  OPENBLAS_NUM_THREADS: '1',
};

/** @param {Options['tls']} tls */
const identityOf = (tls) =>
  tls
    ? `--enable-supernode-auth --ssl-ca-certfile ${tls.authority} --ssl-certfile ${tls.certificate} --ssl-keyfile ${tls.key}`.split(
        ' ',
      )
    : ['--insecure'];

/** How `flwr` finds it. @param {string} address @param {Options['tls']} tls */
const connectionTo = (address, tls) =>
  `[superlink]
default = "here"
[superlink.here]
address = "${address}"
${tls ? `root-certificates = ${JSON.stringify(tls.authority)}` : 'insecure = true'}
`;

/** @param {Record<string, Setting>} settings @param {string} between */
const toml = (settings, between) =>
  Object.entries(settings)
    .map(([name, value]) => `${name}=${JSON.stringify(value)}`)
    .join(between);

/**
 * @param {number} port
 * @param {import('./programs.mjs').Program} program
 */
async function listens(port, program) {
  /** @type {number | null | undefined} */
  let status;
  void program.ended.then((code) => (status = code)).catch(() => (status = null));
  for (const begun = Date.now(); Date.now() - begun < START_SECONDS * 1000; await delay(100)) {
    if (status !== undefined) throw new Error(`the SuperLink ended at once:\n${lastLines(await program.log())}`);
    const isUp = await new Promise((resolve) => {
      const socket = connect(port, '127.0.0.1', () => resolve(true)).once('error', () => resolve(false));
      socket.once('connect', () => socket.destroy());
    });
    if (isUp) return;
  }
  throw new Error(`the SuperLink did not listen within ${START_SECONDS} s:\n${lastLines(await program.log())}`);
}
