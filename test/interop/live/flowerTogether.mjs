// Two nodes of millrace and one of PyTorch on a SuperLink, each with a third of MNIST: the average learns as one machine does,
// and is the mean of what they sent.

import assert from 'node:assert/strict';
import { mnistOf, perceptron } from '../../flower/perceptron.mjs';
import { withSuperLink } from '../../flower/superlink.mjs';

const ROUNDS = 5;
/** Of 10,000 pictures, by which the average may be behind one machine. */
const BEHIND = 0.01;
/** Flower adds f32 products of f32 weights: each of three terms is rounded, and each of their sums. */
const ROUNDING = 4 * 2 ** -24;

/** @param {import('../live.mjs').Live} live */
export function run(live) {
  return withSuperLink(live, async (superlink) => {
    const alone = await oneMachine(live);
    const nodes = [0, 1].map((part) => superlink.node({ share: { part, parts: 3 } }));
    await superlink.supernode({ 'partition-id': 2, 'num-partitions': 3, framework: 'torch' });
    const begun = await superlink.run({ 'min-nodes': 3, 'num-server-rounds': ROUNDS }, { save: true, record: true });
    const { status, details, rounds, log } = await begun.ended;
    assert.equal(status, 'finished:completed', `${details}\n${log}`);
    assert.deepEqual(
      rounds.map(({ train, evaluate }) => [train.nodes, evaluate.nodes]),
      Array.from({ length: ROUNDS }, () => [3, 3]),
    );
    for (const node of nodes) {
      const { rounds: own } = await node.ends();
      assert.deepEqual(
        own.filter(({ kind }) => kind !== 'query').map(({ kind, round }) => [kind, round]),
        Array.from({ length: 2 * ROUNDS }, (_, at) => [at % 2 === 0 ? 'train' : 'evaluate', 1 + (at >> 1)]),
      );
      assert.equal(await node.ended, 0, await node.log());
    }
    const accuracies = rounds.map(({ evaluate }) => Number(evaluate.eval_acc));
    const together = accuracies[ROUNDS - 1];
    assert.ok(together > alone - BEHIND, `together they came to ${together}, one machine to ${alone}`);
    const sent = await begun.sent();
    const apart = Math.max(...sent.map(fromMean));
    assert.ok(apart < ROUNDING, `the average is ${apart} of the largest term from the mean of what was sent`);
    assert.deepEqual(await begun.arrays(), sent[ROUNDS - 1].average);
    return `two nodes of millrace and one of PyTorch came to ${accuracies.map(percent).join(', ')}, one machine to ${percent(alone)}; averages are the f64 means of what was sent, to ${apart.toExponential(1)} of the largest term`;
  });
}

/** @param {number} share */
const percent = (share) => `${(100 * share).toFixed(2)} %`;

/** The same epochs over all samples. @param {import('../live.mjs').Live} live */
async function oneMachine(live) {
  const trainer = await perceptron(live);
  await trainer.fit(await mnistOf(live, 'train'), { epochs: ROUNDS });
  const { accuracy } = await trainer.evaluate(await mnistOf(live, 't10k'));
  trainer.destroy();
  return accuracy;
}

/**
 * How far an average is from the mean in f64, as a share of the largest number that went into it.
 * @param {import('../../flower/runs.mjs').Sent} sent
 */
function fromMean({ nodes, average }) {
  assert.equal(nodes.length, 3);
  const examples = nodes.reduce((sum, node) => sum + node.examples, 0);
  let worst = 0;
  for (const [name, { data, shape }] of Object.entries(average)) {
    const theirs = nodes.map(({ arrays }) => arrays[name]);
    for (const one of theirs) assert.deepEqual(one.shape, shape, name);
    for (let at = 0; at < data.length; at++) {
      const numbers = theirs.map((one) => Number(one.data[at]));
      const mean = numbers.reduce((sum, number, node) => sum + (number * nodes[node].examples) / examples, 0);
      const largest = Math.max(...numbers.map(Math.abs));
      if (largest > 0) worst = Math.max(worst, Math.abs(Number(data[at]) - mean) / largest);
    }
  }
  return worst;
}
