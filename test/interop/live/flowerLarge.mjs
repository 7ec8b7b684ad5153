// A message of 200 MB, there and back.

import assert from 'node:assert/strict';
import { assertWhole } from '../../flower/nodes.mjs';
import { withSuperLink } from '../../flower/superlink.mjs';

/** 795 parameters each, of four bytes: 200 MB. */
const UNITS = 63_000;
const BYTES = 200e6;
const SAMPLES = 32;
/** A step in WebAssembly holds the process up, of 50 million parameters for so long that signs of life must wait. */
const HEARTBEAT = 120;

/** @param {import('../live.mjs').Live} live */
export function run(live) {
  return withSuperLink(live, async (superlink) => {
    const node = superlink.node({ hidden: UNITS, share: { most: SAMPLES }, tests: SAMPLES, heartbeat: HEARTBEAT });
    const begun = await superlink.run(
      { 'min-nodes': 1, 'num-server-rounds': 1, 'learning-rate': 0.01 },
      { record: true },
    );
    const { status, details, log } = await begun.ended;
    assert.equal(status, 'finished:completed', `${details}\n${log}`);
    const { rounds } = await node.ends();
    assertWhole(node);
    const [query, train, evaluate] = rounds;
    assert.deepEqual(
      rounds.map(({ kind }) => kind),
      ['query', 'train', 'evaluate'],
    );
    for (const bytes of [query.bytesSent, train.bytesReceived, train.bytesSent, evaluate.bytesReceived]) {
      assert.ok(bytes > BYTES, `a message of ${bytes} bytes is no large one`);
    }
    const [{ nodes, average }] = await begun.sent();
    assert.deepEqual(average, nodes[0].arrays);
    const { secondsOfWork, seconds, bytesReceived, bytesSent } = train;
    const rate = (bytesReceived + bytesSent) / 1e6 / (seconds - secondsOfWork);
    return `${(bytesReceived / 1e6).toFixed(0)} MB come and ${(bytesSent / 1e6).toFixed(0)} MB go in ${(seconds - secondsOfWork).toFixed(1)} s, ${rate.toFixed(0)} MB/s, beside ${secondsOfWork.toFixed(1)} s of work`;
  });
}
