// Programs that are started for a while and stopped for certain: whatever happens, none outlives the process that began it.

import { execFileSync, spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';

/**
 * @typedef {object} Program
 * @property {number} pid
 * @property {Promise<number | null>} ended with its status, or null where a signal ended it
 * @property {(line: string) => void} say writes a line to its input
 * @property {(signal?: NodeJS.Signals) => Promise<void>} stop asks it by a signal, SIGTERM if none is given, then forces it
 * @property {() => Promise<string>} log what it printed so far
 */

/** What does not leave in that time when it is asked to is made to. */
const PATIENCE_MS = 10_000;
/** Of what a program printed, in a message that tells of its end. */
const LINES = 25;

/**
 * Starts programs whose output goes into files of a folder.
 * @param {string} folder
 * @param {NodeJS.ProcessEnv} env
 */
export function programsIn(folder, env) {
  /** @type {Set<import('node:child_process').ChildProcess>} */
  const running = new Set();
  let begun = 0;
  let isOver = false;
  const killAll = () => {
    for (const pid of below([...running].map((child) => child.pid ?? 0))) kill(pid);
  };
  // Who ends this process by a signal would leave them otherwise.
  const leave = () => process.exit(1);
  process.once('exit', killAll).once('SIGTERM', leave);

  /**
   * @param {string} command
   * @param {readonly string[]} args
   * @param {{ env?: NodeJS.ProcessEnv, onLine?: (line: string) => void, cwd?: string }} [options]
   * @returns {Program}
   */
  function start(command, args, { onLine, cwd, ...options } = {}) {
    if (isOver) throw new Error(`${command} is not started any more`);
    const path = join(folder, `${String(begun++).padStart(2, '0')}-${command.split('/').at(-1)}.log`);
    const child = spawn(command, args, { cwd, env: { ...env, ...options.env }, stdio: ['pipe', 'pipe', 'pipe'] });
    running.add(child);
    const file = createWriteStream(path);
    for (const output of [child.stdout, child.stderr]) output.pipe(file, { end: false });
    if (onLine) eachLine(child.stdout, onLine);
    // Whoever is written to may be gone.
    child.stdin.on('error', () => {});
    /** @type {Promise<number | null>} */
    const ended = new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code) => file.end(() => resolve(code)));
    }).finally(() => running.delete(child));
    ended.catch(() => {});
    return {
      pid: child.pid ?? 0,
      ended,
      say: (line) => void child.stdin.write(`${line}\n`),
      async stop(signal = 'SIGTERM') {
        child.kill(signal);
        const force = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS);
        await ended.catch(() => {});
        clearTimeout(force);
      },
      log: () => readFile(path, 'utf8'),
    };
  }

  return {
    start,
    /** Runs one to its end, and gives what it printed. @type {(...all: Parameters<typeof start>) => Promise<string>} */
    async run(command, args, options) {
      /** @type {string[]} */
      const lines = [];
      const program = start(command, args, { ...options, onLine: (line) => lines.push(line) });
      if ((await program.ended) === 0) return lines.join('\n');
      throw new Error(`${command} ${args.join(' ')} failed:\n${lastLines(await program.log())}`);
    },
    /** The end of what each printed. */
    async tails() {
      const files = (await readdir(folder)).toSorted();
      const texts = files.map(async (file) => `${file}:\n${lastLines(await readFile(join(folder, file), 'utf8'))}`);
      return (await Promise.all(texts)).join('\n\n');
    },
    async stopAll() {
      isOver = true;
      process.off('exit', killAll).off('SIGTERM', leave);
      const begotten = below([...running].map((child) => child.pid ?? 0));
      const all = [...running].map((child) => new Promise((resolve) => child.once('close', resolve)));
      running.forEach((child) => child.kill());
      const force = setTimeout(killAll, PATIENCE_MS);
      await Promise.all(all);
      clearTimeout(force);
      // A ServerApp goes on asking for a SuperLink that is gone.
      begotten.forEach(kill);
    },
  };
}

/** @param {number} pid */
function kill(pid) {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended already.
  }
}

/** Processes, and what they began, in sessions of their own too. @param {readonly number[]} roots @returns {readonly number[]} */
function below(roots) {
  const listed = execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' });
  const pairs = listed
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number));
  const found = [...roots];
  for (const pid of found) found.push(...pairs.filter(([, parent]) => parent === pid).map(([child]) => child));
  return found;
}

/** @param {string} text */
export const lastLines = (text) => text.trim().split('\n').slice(-LINES).join('\n');

/** @param {import('node:stream').Readable} stream @param {(line: string) => void} onLine */
function eachLine(stream, onLine) {
  let rest = '';
  stream.setEncoding('utf8').on('data', (text) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    lines.forEach(onLine);
  });
  stream.once('end', () => rest && onLine(rest));
}

/** @returns {Promise<number>} a port that nobody listens on */
export function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
      server.close(() => resolve(port));
    });
  });
}
