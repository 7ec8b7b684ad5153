// A SuperLink that knows its nodes by their keys, over TLS: those that are registered take part, one that is not is told so.

import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { assertWhole } from '../../flower/nodes.mjs';
import { withSuperLink } from '../../flower/superlink.mjs';

/** One made as by ssh-keygen, and one made here. */
const known = ['first', 'second'];

/** @param {import('../live.mjs').Live} live */
export async function run(live) {
  const { folder, python, root, load } = live;
  await python(join(root, 'test/flower/certificates.py'), folder);
  const [authority, certificate, key] = ['authority', 'certificate', 'key'].map((name) => join(folder, `${name}.pem`));
  /** @type {typeof import('../../../src/flower/index.ts')} */
  const { createNodeKey } = await load('/src/flower/index.ts');
  for (const name of ['second', 'unknown']) {
    const { privateKey, openSsh } = await createNodeKey();
    await writeFile(join(folder, name), privateKey);
    await writeFile(join(folder, `${name}.pub`), openSsh);
  }
  return withSuperLink(
    live,
    async (superlink) => {
      /** @param {string} name @param {NodeJS.ProcessEnv} [env] */
      const node = (name, env = { NODE_EXTRA_CA_CERTS: authority }) =>
        superlink.node({ key: join(folder, name), share: { most: 2000 }, patience: 20 }, env);
      const numbers = await Promise.all(known.map((name) => superlink.register(join(folder, `${name}.pub`))));
      const nodes = known.map((name) => node(name));
      const stranger = node('unknown');
      const distrustful = node('first', {});
      const begun = await superlink.run({ 'min-nodes': 2, 'num-server-rounds': 2 });
      const { status, details, rounds, log } = await begun.ended;
      assert.equal(status, 'finished:completed', `${details}\n${log}`);
      assert.deepEqual(
        rounds.map(({ train }) => train.nodes),
        [2, 2],
      );
      for (const [at, one] of nodes.entries()) {
        const { node: number } = await one.ends();
        assert.equal(number, numbers[at]);
        assertWhole(one);
      }
      const refusals = await Promise.all([stranger, distrustful].map((one) => one.event('gives up')));
      for (const one of [stranger, distrustful]) assertWhole(one);
      const [refused, untrusted] = refusals.map(({ name, message }) => `${String(name)}: ${String(message)}`);
      assert.match(refused, /FlowerError: .*regist/);
      assert.match(untrusted, /FlowerError: .*certificate/);
      return `registered nodes take part over TLS; an unknown one says "${refused}", one that does not know the authority "${untrusted}"`;
    },
    { tls: { authority, certificate, key } },
  );
}
