// Keys of nodes: as Flower's tools and OpenSSH write them, and signatures as Python's cryptography takes them.

import { createPublicKey, verify } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { createNodeKey, readNodeKey, type NodeKey } from '../../src/flower/index.ts';
import { derOf } from '../../src/flower/nodeKey.ts';

const golden = (name: string): string =>
  readFileSync(fileURLToPath(new URL(`../goldens/flower/keys/${name}`, import.meta.url)), 'utf8');

const isSigned = async (key: NodeKey): Promise<boolean> =>
  verify('sha256', Buffer.from('2026-11-30'), key.publicKey, await key.sign('2026-11-30'));

test('a new key is on P-384, signs, and is the same when it is read again', async () => {
  const key = await createNodeKey();
  expect(createPublicKey(key.publicKey).asymmetricKeyDetails).toEqual({ namedCurve: 'secp384r1' });
  expect(await isSigned(key)).toBe(true);
  const again = await readNodeKey('node.pem', key.privateKey);
  expect(again.publicKey).toBe(key.publicKey);
  expect(await isSigned(again)).toBe(true);
  expect(key.publicKey).not.toBe((await createNodeKey()).publicKey);
});

test.each([256, 384, 521])('a key that ssh-keygen wrote on the curve of %i bits is read', async (bits) => {
  const key = await readNodeKey('key', golden(`ecdsa${bits}`));
  expect(await isSigned(key)).toBe(true);
  // OpenSSH has the point as it is at the end of the public key.
  const [, body] = golden(`ecdsa${bits}.pub`).split(' ');
  const point = Buffer.from(body, 'base64').subarray(-2 * Math.ceil(bits / 8));
  const spki = createPublicKey(key.publicKey).export({ type: 'spki', format: 'der' });
  expect(spki.subarray(-point.length).equals(point)).toBe(true);
});

test.each([
  ['encrypted', 'key is encrypted by aes256-ctr: make a key without a passphrase'],
  ['ed25519', 'key is a key of the kind ssh-ed25519'],
  ['sec1.pem', 'key holds "EC PRIVATE KEY", not a private key'],
  ['ecdsa384.pub', 'key holds no key as PEM'],
])('%s is refused by name', async (name, why) => {
  await expect(readNodeKey('key', golden(name))).rejects.toThrow(why);
});

test('a signature is DER however many zeros its numbers begin with', () => {
  expect([...derOf(Uint8Array.of(0, 1, 0x80, 2))]).toEqual([0x30, 8, 2, 1, 1, 2, 3, 0, 0x80, 2]);
  expect([...derOf(Uint8Array.of(0, 0, 0, 0x7f))]).toEqual([0x30, 6, 2, 1, 0, 2, 1, 0x7f]);
  const long = derOf(new Uint8Array(132).fill(0xff));
  expect([...long.subarray(0, 5)]).toEqual([0x30, 0x81, 138, 2, 67]);
});

test('what was cut anywhere is refused, and nothing else happens', async () => {
  for (const name of ['ecdsa384', 'ecdsa521']) {
    const [, body] = /-\n([\s\S]+)\n-/.exec(golden(name))!;
    const bytes = Buffer.from(body, 'base64');
    for (let length = 0; length < bytes.length - 8; length += 3) {
      const cut = `-----BEGIN OPENSSH PRIVATE KEY-----\n${bytes.subarray(0, length).toString('base64')}\n-----END OPENSSH PRIVATE KEY-----`;
      await expect(readNodeKey('key', cut)).rejects.toThrow(/^\[readNodeKey\] key /);
    }
  }
});
