// A SuperLink says today what it says in the recorded conversation, which `npm test` has where there is no Python:
// test/flower/conversation.test.ts. With MILLRACE_RECORD=1 the conversation of today is written down in its place.

import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { withSuperLink } from '../../flower/superlink.mjs';

const KEPT = 'test/goldens/flower/conversation.json';

/** @param {import('../live.mjs').Live} live */
export function run(live) {
  return withSuperLink(live, async (superlink) => {
    /** @type {typeof import('../../flower/conversation.ts')} */
    const { recordingProxy, saidIn, withoutRepeats } = await live.load('/test/flower/conversation.ts');
    /** @type {typeof import('../../flower/exactNodes.ts')} */
    const { nodeNames, takePart, ROUNDS } = await live.load('/test/flower/exactNodes.ts');
    const proxies = await Promise.all(nodeNames.map(() => recordingProxy(superlink.url)));
    const nodes = nodeNames.map((name, at) => takePart(name, proxies[at].url));
    const begun = await superlink.run({ 'min-nodes': nodeNames.length, 'num-server-rounds': ROUNDS }, { save: true });
    const left = await Promise.all(nodes);
    const { status, details, log } = await begun.ended;
    await Promise.all(proxies.map(({ stop }) => stop()));
    assert.equal(status, 'finished:completed', `${details}\n${log}`);

    const flwr = left[0].events.flatMap((event) => (event.kind === 'joined' ? [event.version] : []))[0];
    const heard = proxies.map((proxy) => withoutRepeats(proxy.heard));
    const today = { flwr: String(flwr), nodes: { known: heard[0], passing: heard[1] } };
    const path = join(live.root, KEPT);
    if (process.env['MILLRACE_RECORD']) await writeFile(path, `${JSON.stringify(today, null, 1)}\n`);
    /** @type {import('../../flower/conversation.ts').Conversation} */
    const kept = JSON.parse(await readFile(path, 'utf8'));
    assert.equal(today.flwr, kept.flwr);
    const [now, then] = [saidIn(today), saidIn(kept)];
    assert.deepEqual(
      { new: now.filter((each) => !then.includes(each)), gone: then.filter((each) => !now.includes(each)) },
      { new: [], gone: [] },
    );
    return `${heard[0].length} and ${heard[1].length} exchanges, of ${now.length} kinds, are those that were recorded of flwr ${flwr}`;
  });
}
