// A node that is killed in a round, and one that joins late: the run ends, and says which rounds were of whom.

import assert from 'node:assert/strict';
import { assertWhole } from '../../flower/nodes.mjs';
import { withSuperLink } from '../../flower/superlink.mjs';

const ROUNDS = 4;
/** The least that a SuperLink takes; twice as long without a sign of life, and a node counts as lost. */
const HEARTBEAT = 10;
/** Samples; those of whom is killed last longer than it lives. */
const [FEW, MANY] = [2000, 60000];

/** @param {import('../live.mjs').Live} live */
export function run(live) {
  return withSuperLink(live, async (superlink) => {
    /** @param {number} most @param {number} [seed] */
    const node = (most, seed = 1) => superlink.node({ share: { most }, seed, heartbeat: HEARTBEAT });
    const steady = [node(FEW), node(FEW)];
    const killed = node(MANY);
    const begun = await superlink.run({ 'min-nodes': 2, 'num-server-rounds': ROUNDS, 'local-epochs': 2 });
    await killed.event('received', { task: 'train', round: 1 });
    await killed.stop('SIGKILL');
    const since = Date.now();
    const first = await begun.round(1);
    const seconds = (Date.now() - since) / 1000;
    const late = node(FEW, 2);
    const { status, details, rounds, log } = await begun.ended;
    assert.equal(status, 'finished:completed', `${details}\n${log}`);
    assert.equal(rounds.length, ROUNDS);
    assert.equal(first.train.nodes, 2);
    assert.match(String(first.train.failed), /^node \d+: /);
    assert.equal(rounds[ROUNDS - 1].train.nodes, 3);
    assert.equal(rounds[ROUNDS - 1].train.failed, undefined);
    for (const one of [...steady, late]) {
      const { rounds: own } = await one.ends();
      assert.ok(own.some(({ kind, round }) => kind === 'train' && round === ROUNDS));
      assertWhole(one);
    }
    const counts = rounds.map(({ train }) => train.nodes).join(', ');
    return `a killed node is told of after ${seconds.toFixed(0)} s ("${String(first.train.failed)}"), one that joins late takes part: rounds of ${counts} nodes`;
  });
}
