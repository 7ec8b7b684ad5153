// The two nodes of examples/flower, in NumPy and in PyTorch: on the same samples, in the same order, both learn the same.

import assert from 'node:assert/strict';
import { withSuperLink } from '../../flower/superlink.mjs';

/** Of 10,000 pictures, after two epochs of a sixth of MNIST. */
const ACCURACY = 0.9;
const ROUNDS = 2;
/** Of weights of the size of one, after 312 steps in f32 that add in other orders. */
const TOLERANCE = 1e-3;

/** @param {import('../live.mjs').Live} live */
export function run(live) {
  return withSuperLink(live, async (superlink) => {
    for (const framework of ['numpy', 'torch']) {
      await superlink.supernode({ 'partition-id': 0, 'num-partitions': 6, framework });
    }
    const begun = await superlink.run({ 'min-nodes': 2, 'num-server-rounds': ROUNDS }, { save: true, record: true });
    const { status, details, rounds, log } = await begun.ended;
    assert.equal(status, 'finished:completed', `${details}\n${log}`);
    assert.deepEqual(
      rounds.map(({ train, evaluate }) => [train.nodes, evaluate.nodes]),
      Array.from({ length: ROUNDS }, () => [2, 2]),
    );
    const accuracy = Number(rounds[ROUNDS - 1].evaluate.eval_acc);
    assert.ok(accuracy > ACCURACY, `they came to ${accuracy}`);
    const sent = await begun.sent();
    const [{ nodes }] = sent;
    assert.deepEqual(
      nodes.map(({ examples }) => examples),
      [10000, 10000],
    );
    const [one, other] = nodes.map(({ arrays }) => arrays);
    assert.deepEqual(Object.keys(one), ['0.weight', '0.bias', '2.weight', '2.bias']);
    let worst = 0;
    for (const [name, { shape, data }] of Object.entries(one)) {
      assert.deepEqual(other[name].shape, shape, name);
      for (let at = 0; at < data.length; at++) {
        worst = Math.max(worst, Math.abs(Number(data[at]) - Number(other[name].data[at])));
      }
    }
    assert.ok(worst < TOLERANCE, `NumPy's weights and PyTorch's are ${worst} apart`);
    assert.deepEqual(await begun.arrays(), sent[ROUNDS - 1].average);
    return `a node of NumPy and one of PyTorch learn the same, to ${worst.toExponential(1)}, and come to ${(100 * accuracy).toFixed(2)} %`;
  });
}
