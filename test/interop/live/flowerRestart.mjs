// A SuperLink that is restarted between rounds: with a database the run goes on; without one the nodes say that it is gone, which
// for them is its end: who was there for it alone leaves, the others join again, and take part in the next.

import assert from 'node:assert/strict';
import { assertWhole } from '../../flower/nodes.mjs';
import { withSuperLink } from '../../flower/superlink.mjs';

const ROUNDS = 4;
const SHARE = { most: 4000 };
const SECONDS_AWAY = 3;

/** @param {import('../live.mjs').Live} live */
export async function run(live) {
  const lasting = await withSuperLink(live, goesOn, { lasting: true });
  return `${lasting}; ${await withSuperLink(live, beginsAnew)}`;
}

/** @param {import('../../flower/superlink.mjs').SuperLink} superlink */
async function goesOn(superlink) {
  const nodes = [1, 2].map((seed) => superlink.node({ share: SHARE, seed }));
  const begun = await superlink.run({ 'min-nodes': 2, 'num-server-rounds': ROUNDS });
  await begun.round(1);
  await superlink.restart(SECONDS_AWAY);
  const { status, details, rounds, log } = await begun.ended;
  assert.equal(status, 'finished:completed', `${details}\n${log}`);
  assert.equal(rounds.length, ROUNDS);
  for (const node of nodes) {
    await node.ends();
    await node.event('waiting');
    await node.event('back');
    assertWhole(node);
  }
  const counts = rounds.map(({ train }) => train.nodes).join(', ');
  return `with a database a run of ${ROUNDS} rounds goes on across a restart, with ${counts} nodes`;
}

/** @param {import('../../flower/superlink.mjs').SuperLink} superlink */
async function beginsAnew(superlink) {
  const nodes = [1, 2].map((seed) => superlink.node({ share: SHARE, seed, runs: 2 }));
  const leaving = superlink.node({ share: SHARE, seed: 3, runs: 1 });
  const lost = await superlink.run({ 'min-nodes': 3, 'num-server-rounds': 100 });
  await lost.round(1);
  await superlink.restart(SECONDS_AWAY);
  const dropped = await Promise.all([...nodes, leaving].map((node) => node.event('dropped')));
  await leaving.ends();
  const begun = await superlink.run({ 'min-nodes': 2, 'num-server-rounds': 2 });
  const { status, details, rounds, log } = await begun.ended;
  assert.equal(status, 'finished:completed', `${details}\n${log}`);
  assert.deepEqual(
    rounds.map(({ train }) => train.nodes),
    [2, 2],
  );
  for (const node of nodes) await node.ends();
  for (const node of [...nodes, leaving]) assertWhole(node);
  return `without one nodes say "${dropped[0].why}", leave where they were there for one run, and else take part in the next`;
}
