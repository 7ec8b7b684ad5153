// Every strategy that examples/flower offers, over the same three nodes, run after run: each begins with what nodes have then.

import assert from 'node:assert/strict';
import { assertWhole } from '../../flower/nodes.mjs';
import { withSuperLink } from '../../flower/superlink.mjs';

const STRATEGIES = ['fedavg', 'fedavgm', 'fedadagrad', 'fedadam', 'fedyogi', 'fedmedian', 'fedtrimmedavg', 'krum'];
const ROUNDS = 2;
/** Of 1,000 pictures; guessing comes to a tenth. */
const ACCURACY = 0.3;

/** @param {import('../live.mjs').Live} live */
export function run(live) {
  return withSuperLink(live, async (superlink) => {
    const nodes = [0, 1, 2].map((part) =>
      superlink.node({ share: { part, parts: 3, most: 3200 }, tests: 1000, runs: STRATEGIES.length }),
    );
    const accuracies = [];
    for (const strategy of STRATEGIES) {
      const begun = await superlink.run({ 'min-nodes': 3, 'num-server-rounds': ROUNDS, strategy });
      const { status, details, rounds, log } = await begun.ended;
      assert.equal(status, 'finished:completed', `${strategy}: ${details}\n${log}`);
      assert.deepEqual(
        rounds.map(({ train, evaluate }) => [train.nodes, evaluate.nodes]),
        Array.from({ length: ROUNDS }, () => [3, 3]),
      );
      const accuracy = Number(rounds[ROUNDS - 1].evaluate.eval_acc);
      assert.ok(accuracy > ACCURACY, `${strategy} came to ${accuracy}`);
      accuracies.push(`${strategy} ${(100 * accuracy).toFixed(1)} %`);
    }
    for (const node of nodes) {
      await node.ends();
      assertWhole(node);
    }
    return `after ${ROUNDS} rounds: ${accuracies.join(', ')}`;
  });
}
