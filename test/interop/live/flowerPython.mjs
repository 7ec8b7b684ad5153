// Three nodes in Python, each with a third of MNIST, on a SuperLink: what nodes that are written here are held against.

import assert from 'node:assert/strict';
import { withSuperLink } from '../../flower/superlink.mjs';

/** Of 10,000 pictures, after five epochs of thirds. */
const ACCURACY = 0.94;
const ROUNDS = 5;

/** @param {import('../live.mjs').Live} live */
export function run(live) {
  return withSuperLink(live, async (superlink) => {
    for (const part of [0, 1, 2]) {
      await superlink.supernode({ 'partition-id': part, 'num-partitions': 3, framework: part < 2 ? 'numpy' : 'torch' });
    }
    const begun = await superlink.run({ 'min-nodes': 3, 'num-server-rounds': ROUNDS }, { save: true, record: true });
    const { status, details, rounds, log } = await begun.ended;
    assert.equal(status, 'finished:completed', `${details}\n${log}`);
    assert.equal(rounds.length, ROUNDS);
    assert.deepEqual(
      rounds.map(({ train, evaluate }) => [train.nodes, evaluate.nodes]),
      Array.from(rounds, () => [3, 3]),
    );
    const accuracies = rounds.map(({ evaluate }) => Number(evaluate.eval_acc));
    assert.ok(accuracies[ROUNDS - 1] > ACCURACY, `five rounds came to ${accuracies.join(', ')}`);
    const sent = await begun.sent();
    assert.deepEqual(
      sent.map(({ nodes }) => nodes.map(({ examples }) => examples)),
      Array.from(rounds, () => [20000, 20000, 20000]),
    );
    assert.deepEqual(await begun.arrays(), sent[ROUNDS - 1].average);
    return `two nodes of NumPy and one of PyTorch came to ${accuracies.map((share) => (100 * share).toFixed(2)).join(', ')} %`;
  });
}
