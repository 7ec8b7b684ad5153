// A SuperLink of Flower's, its nodes in Python, and runs of an app on it, for tests that compare with them.

import { mkdir, mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { journal } from './journal.mjs';
import { freePort, lastLines, programsIn } from './programs.mjs';

/**
 * @typedef {string | number | boolean} Setting
 *
 * @typedef {object} Round a line of examples/flower: what the nodes that answered said, in the mean
 * @property {number} round
 * @property {Answers} train
 * @property {Answers} evaluate
 * @property {number} seconds
 *
 * @typedef {{ nodes: number, failed?: string[], train_loss?: number, eval_loss?: number, eval_acc?: number }} Answers
 *
 * @typedef {object} Ended
 * @property {string} status as `finished:completed`
 * @property {string} details why it failed
 * @property {readonly Round[]} rounds
 * @property {string} log
 *
 * @typedef {object} Run
 * @property {string} id
 * @property {(number: number) => Promise<Round>} round when it is over; it rejects if the run ends before
 * @property {Promise<Ended>} ended
 * @property {() => Promise<Arrays>} arrays the last ones, of a run that was told to save them
 * @property {() => Promise<readonly Sent[]>} sent what the nodes sent and what came of it, of a run that was told to record
 *
 * @typedef {Readonly<Record<string, { shape: readonly number[], data: ArrayLike<number | bigint> }>>} Arrays
 *
 * @typedef {object} Sent of a round
 * @property {readonly { examples: number, arrays: Arrays }[]} nodes
 * @property {Arrays} average
 *
 * @typedef {{ kind: string, at: number, weights?: string, came?: string, why?: string, [name: string]: unknown }} Told an event of node.mjs
 *
 * @typedef {object} Options
 * @property {boolean} [lasting] runs and messages are in a file, and ServerApps go on while the SuperLink is away
 * @property {{ authority: string, certificate: string, key: string }} [tls] files; nodes must then be registered
 */

const nodeScript = fileURLToPath(new URL('node.mjs', import.meta.url));
/** Its first start makes its tables; a machine that is busy takes a while. */
const START_SECONDS = 120;
const ROUND_LINE = /^\{"round": /;
const SENT = /^round(\d+)-node\d+-examples(\d+)\.npz$/;

/** @typedef {Awaited<ReturnType<typeof startSuperLink>>} SuperLink */

/**
 * Starts one, gives it to `use`, and stops it with all that was begun on it.
 * @template T
 * @param {import('../interop/live.mjs').Live} live
 * @param {(superlink: SuperLink) => Promise<T>} use
 * @param {Options} [options]
 * @returns {Promise<T>}
 */
export async function withSuperLink(live, use, options = {}) {
  const superlink = await startSuperLink(live, options);
  try {
    return await use(superlink);
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
  const config = ['[superlink]', 'default = "here"', '[superlink.here]', `address = "${address}"`];
  config.push(tls ? `root-certificates = ${JSON.stringify(tls.authority)}` : 'insecure = true');
  await writeFile(join(home, 'config.toml'), `${config.join('\n')}\n`);
  const args = ['--host', '127.0.0.1', '--port', String(port)];
  if (lasting) args.push('--database', join(folder, 'state.db'), '--isolation', 'process');
  if (!tls) args.push('--insecure');
  else args.push('--ssl-ca-certfile', tls.authority, '--ssl-certfile', tls.certificate, '--ssl-keyfile', tls.key);
  if (tls) args.push('--enable-supernode-auth');

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
    /** A node that is written here. @param {Partial<import('./node.mjs').NodeOptions>} options */
    node(options, env = {}) {
      /** @type {ReturnType<typeof journal<Told>>} */
      const { entries, first, tell, close } = journal();
      const args = ['--no-warnings', nodeScript, JSON.stringify({ superlink: url, runs: 1, ...options })];
      /** @param {string} line */
      const onLine = (line) => line.startsWith('{') && tell(JSON.parse(line));
      const program = programs.start(process.execPath, args, { env, onLine });
      void program.ended.then(async () => close(`the node has ended:\n${lastLines(await program.log())}`));
      return {
        ...program,
        events: entries,
        /** The first of a kind. @param {string} kind @param {Partial<Told>} [that] which has these */
        event: (kind, that = {}) =>
          first((entry) => Object.entries({ ...that, kind }).every(([name, value]) => entry[name] === value)),
      };
    },
    /** Has it accept a node of this key. @param {string} path of a public one @returns {Promise<string>} its number */
    async register(path) {
      return JSON.parse(jsonOf(await flwr('supernode', 'register', path, '--format', 'json')))['node-id'];
    },
    /**
     * Begins a run of examples/flower.
     * @param {Record<string, Setting>} settings
     * @param {{ save?: boolean, record?: boolean }} [keep]
     * @returns {Promise<Run>}
     */
    async run(settings, { save = false, record = false } = {}) {
      const own = join(folder, `run${(await readdir(folder)).length}`);
      await mkdir(own);
      const [last, all] = [join(own, 'last.npz'), join(own, 'sent')];
      const kept = { ...(save && { save: last }), ...(record && { record: all }) };
      const written = join(own, 'config.toml');
      await writeFile(written, toml({ ...settings, ...kept }, '\n'));
      const app = join(root, 'examples/flower');
      const id = JSON.parse(jsonOf(await flwr('run', app, '--run-config', written, '--format', 'json')))['run-id'];
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

/** @param {Record<string, Setting>} settings @param {string} between */
const toml = (settings, between) =>
  Object.entries(settings)
    .map(([name, value]) => `${name}=${JSON.stringify(value)}`)
    .join(between);

/** What `--format json` printed, behind what else was said. @param {string} printed */
const jsonOf = (printed) => printed.slice(printed.indexOf('{'));

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

/**
 * Follows a run by its log, across restarts of the SuperLink.
 * @param {string} id
 * @param {ReturnType<typeof programsIn>} programs
 * @param {string} flwr
 */
function follow(id, programs, flwr) {
  /** @type {ReturnType<typeof journal<Round>>} */
  const rounds = journal();
  /** @param {string} line */
  const onLine = (line) => {
    if (!ROUND_LINE.test(line)) return;
    /** @type {Round} */
    const told = JSON.parse(line);
    // The log is told from its beginning again after a restart.
    if (!rounds.entries.some(({ round }) => round === told.round)) rounds.tell(told);
  };
  const follows = async () => {
    for (;;) {
      const log = programs.start(flwr, ['log', id], { onLine });
      await log.ended;
      const run = await stateOf(id, programs, flwr);
      if (run?.status.startsWith('finished')) {
        return { status: run.status, details: run['status-details'], rounds: rounds.entries, log: await log.log() };
      }
      await delay(1000);
    }
  };
  /** @type {Promise<Ended>} */
  const ended = follows();
  ended.then(
    ({ status, details }) => rounds.close(`run ${id} is ${status}: ${details}`),
    (error) => rounds.close(`run ${id} could not be followed: ${error}`),
  );
  return { id, ended, round: (/** @type {number} */ number) => rounds.first(({ round }) => round === number) };
}

/**
 * @param {string} id
 * @param {ReturnType<typeof programsIn>} programs
 * @param {string} flwr
 * @returns {Promise<{ status: string, 'status-details': string } | undefined>} nothing while the SuperLink is away
 */
async function stateOf(id, programs, flwr) {
  const listed = await programs.run(flwr, ['ls', '--run-id', id, '--format', 'json']).catch(() => undefined);
  if (listed === undefined) return undefined;
  return JSON.parse(jsonOf(listed)).runs[0];
}

/** @typedef {Pick<import('../interop/live.mjs').Live['interop'], 'readNpz'>} Npz */

/** @param {string} path @param {Npz} npz @returns {Promise<Arrays>} */
const arraysIn = async (path, { readNpz }) => readNpz(path, await readFile(path));

/**
 * @param {string} folder
 * @param {Npz} npz
 * @returns {Promise<readonly Sent[]>}
 */
async function sentIn(folder, npz) {
  const files = await readdir(folder);
  const count = files.filter((file) => file.endsWith('-average.npz')).length;
  return Promise.all(
    Array.from({ length: count }, async (_, at) => {
      const own = files.map((file) => SENT.exec(file)).filter((found) => Number(found?.[1]) === at + 1);
      const nodes = own.map(async (found) => ({
        examples: Number(found?.[2]),
        arrays: await arraysIn(join(folder, String(found?.[0])), npz),
      }));
      return {
        nodes: await Promise.all(nodes),
        average: await arraysIn(join(folder, `round${at + 1}-average.npz`), npz),
      };
    }),
  );
}
