// A node in a process of its own: node node.mjs OPTIONS, as JSON. What happens to it is printed, a line of JSON each time,
// with a digest of the trainer's weights and of the arrays that came; a line on its input, or SIGTERM, has it leave.

import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { createServer } from 'vite';
import { arraysOf, mnistOf, perceptron } from './perceptron.mjs';

/**
 * @typedef {object} NodeOptions
 * @property {string} superlink
 * @property {import('./perceptron.mjs').Share} [share]
 * @property {number} [hidden] units
 * @property {number} [tests] so many samples to judge by at most
 * @property {'cpu' | 'wasm' | 'webgpu'} [backend]
 * @property {number} [seed]
 * @property {string} [key] a file
 * @property {number} [runs]
 * @property {number} [patience]
 * @property {number} [heartbeat]
 */

const root = fileURLToPath(new URL('../..', import.meta.url));
/** @type {NodeOptions} */
const { share, tests, hidden, backend, seed, key, ...rest } = JSON.parse(process.argv[2]);

const vite = await createServer({
  root,
  logLevel: 'error',
  server: { middlewareMode: true, hmr: false, ws: false, watch: null },
});
/** @type {(path: string) => Promise<any>} */
const load = (path) => vite.ssrLoadModule(path);
const [millrace, data, interop] = await Promise.all(
  ['index', 'data/index', 'interop/index'].map((entry) => load(`/src/${entry}.ts`)),
);
/** @type {typeof import('../../src/flower/index.ts')} */
const { joinFlower, readNodeKey } = await load('/src/flower/index.ts');
const entries = { millrace, data, interop };

const leaves = new AbortController();
const leave = () => leaves.abort();
process.once('SIGTERM', leave);
process.stdin.once('data', leave);

const trainer = await perceptron(entries, { hidden, seed, backend });
const [train, evaluate] = await Promise.all([
  mnistOf(entries, 'train', share),
  mnistOf(entries, 't10k', { most: tests }),
]);

/** @param {Iterable<[string, { data: ArrayBufferView }]>} arrays */
function digestOf(arrays) {
  const hash = createHash('sha256');
  for (const [name, { data: numbers }] of [...arrays].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    hash.update(name).update(new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength));
  }
  return hash.digest('hex').slice(0, 12);
}
const weights = async () => digestOf(Object.entries(await arraysOf(entries, trainer)));

/** @param {Record<string, unknown>} told */
const tell = (told) => console.log(JSON.stringify({ at: Date.now(), ...told }));

/** Tasks begun so far, and whether it is at one just now, when its weights are nobody's. */
let [tasks, isAtWork] = [0, false];

/** @param {import('../../src/flower/index.ts').FlowerEvent} event */
async function follow(event) {
  if (event.kind === 'step') return;
  const at = Date.now();
  if (event.kind === 'received') {
    const { kind, run, round, arrays } = event.task;
    [tasks, isAtWork] = [tasks + 1, true];
    tell({ kind: 'received', at, task: kind, run, round, bytes: event.bytes, came: digestOf(arrays) });
    return;
  }
  if (event.kind === 'replied' || event.kind === 'failed' || event.kind === 'dropped') isAtWork = false;
  const before = tasks;
  const digest = isAtWork ? undefined : await weights().catch(() => undefined);
  // The next task may have begun in the meantime.
  tell({ ...event, at, weights: tasks === before ? digest : undefined });
}

let status = 0;
try {
  tell({ kind: 'begins', weights: await weights() });
  const summary = await joinFlower({
    ...rest,
    ...(key !== undefined && { key: await readNodeKey(key, await readFile(key, 'utf8')) }),
    trainer,
    train,
    evaluate,
    layout: 'torch',
    signal: leaves.signal,
    onEvent: (event) => void follow(event),
  });
  tell({ kind: 'ends', ...summary, weights: await weights() });
} catch (error) {
  const { name, message } = /** @type {Error} */ (error);
  tell({ kind: 'gives up', name, message, weights: await weights() });
  status = 1;
}
await vite.close();
process.exit(status);
