// Nodes of node.mjs, and what happens to them.

import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { journal } from './journal.mjs';
import { lastLines } from './programs.mjs';

/**
 * An event of a node's; `weights` and `came` are digests of what its trainer has and of the arrays of a message.
 * @typedef {{ kind: string, at: number, weights?: string, came?: string, why?: string, [name: string]: unknown }} Told
 *
 * @typedef {ReturnType<typeof startNode>} Node
 */

const script = fileURLToPath(new URL('node.mjs', import.meta.url));

/**
 * @param {import('./runs.mjs').Programs} programs
 * @param {import('./node.mjs').NodeOptions} options
 * @param {NodeJS.ProcessEnv} [env]
 */
export function startNode(programs, options, env = {}) {
  /** @type {ReturnType<typeof journal<Told>>} */
  const { entries, first, tell, close } = journal();
  /** @param {string} line */
  const onLine = (line) => line.startsWith('{') && tell(JSON.parse(line));
  const program = programs.start(process.execPath, ['--no-warnings', script, JSON.stringify(options)], { env, onLine });
  void program.ended.then(async () => close(`the node has ended:\n${lastLines(await program.log())}`));
  return {
    ...program,
    events: entries,
    /** The first of a kind. @param {string} kind @param {Partial<Told>} [that] which has these */
    event: (kind, that = {}) =>
      first((entry) => Object.entries({ ...that, kind }).every(([name, value]) => entry[name] === value)),
    /** Its summary, once it has left. */
    ends: async () =>
      /** @type {FlowerSummary} */ (/** @type {unknown} */ (await first(({ kind }) => kind === 'ends'))),
  };
}

/**
 * Whenever a node told of its weights, they were those that it began with, all arrays of one message, or what it had trained.
 * @param {Node} node
 */
export function assertWhole({ events }) {
  const known = new Set();
  /** What it is at. @type {string | undefined} */
  let task;
  const ordered = events.toSorted((a, b) => a.at - b.at);
  for (const { kind, came, weights, ...event } of ordered) {
    if (kind === 'received') task = String(event['task']);
    if (kind === 'received' && task !== 'query') known.add(came);
    const isDone = kind === 'replied' || kind === 'dropped' || kind === 'failed';
    // Of a reply that was not taken, too, training was done.
    if (kind === 'begins' || (task === 'train' && isDone && kind !== 'failed')) known.add(weights);
    assert.ok(weights === undefined || known.has(weights), `at "${kind}" it had weights that nobody made`);
    if (isDone) task = undefined;
  }
}

/** @typedef {import('../../src/flower/index.ts').FlowerSummary} FlowerSummary */
