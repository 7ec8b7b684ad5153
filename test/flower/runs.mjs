// A run of examples/flower, as its log tells of it, and what it wrote.

import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { journal } from './journal.mjs';

/**
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
 * @typedef {ReturnType<typeof import('./programs.mjs').programsIn>} Programs
 * @typedef {Pick<import('../interop/live.mjs').Live['interop'], 'readNpz'>} Npz
 */

const ROUND_LINE = /^\{"round": /;
const SENT = /^round(\d+)-node\d+-examples(\d+)\.npz$/;

/**
 * What `--format json` printed, behind what else was said. It ends well where it failed, and says so.
 * @param {string} printed
 */
export function jsonOf(printed) {
  const told = JSON.parse(printed.slice(printed.indexOf('{')));
  if (told.success) return told;
  throw new Error(told['error-message']);
}

/**
 * Follows a run by its log, across restarts of the SuperLink.
 * @param {string} id
 * @param {Programs} programs
 * @param {string} flwr
 */
export function follow(id, programs, flwr) {
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
 * @param {Programs} programs
 * @param {string} flwr
 * @returns {Promise<{ status: string, 'status-details': string } | undefined>} nothing while the SuperLink is away
 */
async function stateOf(id, programs, flwr) {
  try {
    return jsonOf(await programs.run(flwr, ['ls', '--run-id', id, '--format', 'json'])).runs[0];
  } catch (error) {
    if (String(error).includes('not found')) throw error;
    return undefined;
  }
}

/** @param {string} path @param {Npz} npz @returns {Promise<Arrays>} */
export const arraysIn = async (path, { readNpz }) => readNpz(path, await readFile(path));

/**
 * @param {string} folder
 * @param {Npz} npz
 * @returns {Promise<readonly Sent[]>}
 */
export async function sentIn(folder, npz) {
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
