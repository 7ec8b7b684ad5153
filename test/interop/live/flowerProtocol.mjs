// What flwr's descriptors say of its messages is what is kept of them, which test/flower/descriptors.test.ts holds ours against.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** @param {import('../live.mjs').Live} live */
export async function run({ python, root }) {
  const kept = JSON.parse(await readFile(join(root, 'test/goldens/flower/descriptors.json'), 'utf8'));
  const told = JSON.parse(await python('flower_protocol.py'));
  const { flwr, messages } = kept;
  assert.equal(told.flwr, flwr);
  for (const name in { ...messages, ...told.messages }) assert.deepEqual(told.messages[name], messages[name], name);
  return `${Object.keys(messages).length} messages are those of flwr ${flwr}`;
}
