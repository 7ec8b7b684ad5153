// Two nodes, one with the digits 0 to 4 and the other with 5 to 9, on a SuperLink: neither can learn alone what both do.

import assert from 'node:assert/strict';
import { mnistOf, perceptron } from '../../flower/perceptron.mjs';
import { withSuperLink } from '../../flower/superlink.mjs';

const ROUNDS = 5;
const HALVES = ['01234', '56789'];
/** Of 10,000 pictures of all digits: alone at most, and together at least. */
const [ALONE, TOGETHER] = [0.6, 0.85];

/** @param {import('../live.mjs').Live} live */
export function run(live) {
  return withSuperLink(live, async (superlink) => {
    const nodes = HALVES.map((digits) => superlink.node({ share: { digits } }));
    const begun = await superlink.run({ 'min-nodes': 2, 'num-server-rounds': ROUNDS });
    const { status, details, rounds, log } = await begun.ended;
    assert.equal(status, 'finished:completed', `${details}\n${log}`);
    for (const node of nodes)
      assert.equal((await node.ends()).rounds.filter(({ kind }) => kind === 'train').length, ROUNDS);
    const together = Number(rounds[ROUNDS - 1].evaluate.eval_acc);
    assert.ok(together > TOGETHER, `together they came to ${together}`);
    const alone = [];
    for (const digits of HALVES) {
      const trainer = await perceptron(live);
      await trainer.fit(await mnistOf(live, 'train', { digits }), { epochs: ROUNDS });
      alone.push((await trainer.evaluate(await mnistOf(live, 't10k'))).accuracy);
      trainer.destroy();
    }
    assert.ok(Math.max(...alone) < ALONE, `alone they came to ${alone.join(' and ')}`);
    const [first, second, both] = [...alone, together].map((share) => `${(100 * share).toFixed(2)} %`);
    return `nodes with half of the digits come to ${first} and ${second} alone, to ${both} together`;
  });
}
