#!/usr/bin/env bash
# Deno's node:crypto calls a right ECDSA signature on P-521 wrong where its digest is SHA-256: the same key, text and signature
# are right to Deno's own Web Crypto, and to Node's node:crypto, and so are all with SHA-384 and SHA-512.
# Seen on 2026-11-30: Deno 2.9.6, of signatures by Node 20.20.2's Web Crypto:
#   SHA-256: node:crypto in Node true, in Deno false, Web Crypto in Deno true
#   SHA-384: node:crypto in Node true, in Deno true, Web Crypto in Deno true
#   SHA-512: node:crypto in Node true, in Deno true, Web Crypto in Deno true
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts=false deno@2.9.6
cat > sign.mjs <<'SIGN'
import { writeFileSync } from 'node:fs';

const text = new TextEncoder().encode('a text');
const pair = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-521' }, true, ['sign', 'verify']);
const base64 = (buffer) => Buffer.from(buffer).toString('base64');
const signatures = {};
for (const hash of ['SHA-256', 'SHA-384', 'SHA-512']) {
  signatures[hash] = base64(await crypto.subtle.sign({ name: 'ECDSA', hash }, pair.privateKey, text));
}
writeFileSync('signed.json', JSON.stringify({ key: base64(await crypto.subtle.exportKey('spki', pair.publicKey)), signatures }));
SIGN
cat > verify.mjs <<'VERIFY'
import { Buffer } from 'node:buffer';
import { createPublicKey, verify } from 'node:crypto';
import { readFileSync } from 'node:fs';

const text = new TextEncoder().encode('a text');
const { key, signatures } = JSON.parse(readFileSync('signed.json', 'utf8'));
const spki = Buffer.from(key, 'base64');
const own = { key: createPublicKey({ key: spki, format: 'der', type: 'spki' }), dsaEncoding: 'ieee-p1363' };
const web = await crypto.subtle.importKey('spki', spki, { name: 'ECDSA', namedCurve: 'P-521' }, true, ['verify']);
const found = {};
for (const [hash, base64] of Object.entries(signatures)) {
  const signature = Buffer.from(base64, 'base64');
  found[hash] = [
    verify(hash.replace('-', '').toLowerCase(), text, own, signature),
    await crypto.subtle.verify({ name: 'ECDSA', hash }, web, signature, text),
  ];
}
console.log(JSON.stringify(found));
VERIFY
node sign.mjs
node verify.mjs > node.json
DENO_NO_UPDATE_CHECK=1 node_modules/.bin/deno run -A verify.mjs > deno.json
node --input-type=module - <<'COMPARE'
import { readFileSync } from 'node:fs';

const [inNode, inDeno] = ['node', 'deno'].map((name) => JSON.parse(readFileSync(`${name}.json`, 'utf8')));
let changed = false;
for (const [hash, [node]] of Object.entries(inNode)) {
  const [deno, web] = inDeno[hash];
  console.log(`${hash}: node:crypto in Node ${node}, in Deno ${deno}, Web Crypto in Deno ${web}`);
  changed ||= !node || !web || deno !== (hash !== 'SHA-256');
}
process.exitCode = changed ? 1 : 0;
COMPARE
