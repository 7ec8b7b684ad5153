// Nodes behind a proxy that cuts one request in seven: before a request is passed on, before its answer is, and within it.

import assert from 'node:assert/strict';
import { cuttingProxy } from '../../flower/cuttingProxy.mjs';
import { assertWhole } from '../../flower/nodes.mjs';
import { withSuperLink } from '../../flower/superlink.mjs';

const ROUNDS = 2;
const ONE_OF = 7;
/** Of units: 13 MB of arrays, in three pieces. */
const HIDDEN = 4000;

/** @param {import('../live.mjs').Live} live */
export function run(live) {
  return withSuperLink(live, async (superlink) => {
    const proxy = await cuttingProxy(superlink.port, ONE_OF);
    try {
      const options = { superlink: proxy.url, share: { most: 320 }, tests: 320, hidden: HIDDEN, heartbeat: 10 };
      const nodes = [1, 2].map((seed) => superlink.node({ ...options, seed }));
      const begun = await superlink.run(
        { 'min-nodes': 2, 'num-server-rounds': ROUNDS, 'learning-rate': 0.03 },
        { record: true },
      );
      const { status, details, rounds, log } = await begun.ended;
      assert.equal(status, 'finished:completed', `${details}\n${log}`);
      for (const node of nodes) {
        await node.ends();
        await node.event('waiting');
        assertWhole(node);
      }
      const ways = Object.entries(proxy.done).map(([way, count]) => `${way.replace('/v1/fleet/', '')}: ${count}`);
      const counts = rounds.map(({ train, evaluate }) => `${train.nodes} and ${evaluate.nodes}`).join(', ');
      return `a run ends whose nodes' connections are cut (${ways.join(', ')}); rounds of ${counts} nodes`;
    } finally {
      proxy.stop();
    }
  });
}
