// What a round costs beside its work: bytes and seconds, with one to four nodes, each in a process of its own, on one machine.

import assert from 'node:assert/strict';
import { cpus } from 'node:os';
import { withSuperLink } from '../../flower/superlink.mjs';

const NODES = [1, 2, 3, 4];
/** The first is left out: it compiles. */
const ROUNDS = 4;
const BATCH = 32;
const SHARE = { most: 200 * BATCH };

/** @param {import('../live.mjs').Live} live */
export function run(live) {
  return withSuperLink(live, async (superlink) => {
    const rows = [];
    for (const count of NODES) rows.push(await rowOf(superlink, count));
    const heads = [
      'nodes',
      'step ms',
      'KB in',
      'KB out',
      'train s',
      'of it work',
      'evaluate s',
      'of it work',
      'round s',
      'beside work',
    ];
    const table = [heads, ...rows].map((row) => row.map((cell) => cell.padStart(11)).join(' '));
    return `medians of ${ROUNDS - 1} rounds on ${cpus().length} cores (${cpus()[0].model}); in and out of a node, bodies alone:\n${table.join('\n')}`;
  });
}

/** @param {import('../../flower/superlink.mjs').SuperLink} superlink @param {number} count */
async function rowOf(superlink, count) {
  const nodes = Array.from({ length: count }, (_, seed) => superlink.node({ share: SHARE, tests: 1000, seed }));
  const begun = await superlink.run({ 'min-nodes': count, 'num-server-rounds': ROUNDS });
  const { status, details, rounds, log } = await begun.ended;
  assert.equal(status, 'finished:completed', `${details}\n${log}`);
  const all = (await Promise.all(nodes.map((node) => node.ends()))).map((summary) => summary.rounds);
  /** By rounds, of the node that took longest. @param {'train' | 'evaluate'} kind */
  const slowest = (kind) =>
    Array.from({ length: ROUNDS }, (_, at) => {
      const own = all.flatMap((done) => done.filter((one) => one.kind === kind && one.round === at + 1));
      assert.equal(own.length, count);
      return own.reduce((most, one) => (one.seconds > most.seconds ? one : most));
    });
  const [train, evaluate] = [slowest('train'), slowest('evaluate')];
  /** @param {(at: number) => number} of @param {number} [digits] */
  const median = (of, digits = 2) => {
    const later = Array.from({ length: ROUNDS - 1 }, (_, at) => of(at + 1)).toSorted((a, b) => a - b);
    return later[(ROUNDS - 1) >> 1].toFixed(digits);
  };
  const work = (/** @type {number} */ at) => train[at].secondsOfWork + evaluate[at].secondsOfWork;
  return [
    String(count),
    median((at) => (1000 * train[at].secondsOfWork) / (SHARE.most / BATCH)),
    median((at) => (train[at].bytesReceived + evaluate[at].bytesReceived) / 1000, 0),
    median((at) => (train[at].bytesSent + evaluate[at].bytesSent) / 1000, 0),
    median((at) => train[at].seconds),
    median((at) => train[at].secondsOfWork),
    median((at) => evaluate[at].seconds),
    median((at) => evaluate[at].secondsOfWork),
    median((at) => rounds[at].seconds),
    median((at) => rounds[at].seconds - work(at)),
  ];
}
