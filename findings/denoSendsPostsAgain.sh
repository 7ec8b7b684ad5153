#!/usr/bin/env bash
# Deno's fetch sends a request again whose connection was closed without an answer, if a request before it went over the same
# connection: a POST too, which may have been obeyed already, and of which a server has read all. Nobody is told: fetch rejects
# for the second try, or gives its answer as if there had been one. Node's fetch sends it once. A body that is a stream, which
# cannot be read a second time, is sent once by both.
# Seen on 2026-11-30: Deno 2.9.6, Node 20.20.2, times that the server read a POST whose connection it then closed:
#   node, bytes, on a connection of its own: 1
#   node, bytes, on one that was used: 1
#   node, a stream, on one that was used: 1
#   deno, bytes, on a connection of its own: 1
#   deno, bytes, on one that was used: 2
#   deno, a stream, on one that was used: 1
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts=false deno@2.9.6
cat > client.mjs <<'CLIENT'
const url = globalThis.process.env.SERVER;
const post = async (path, body) => {
  const response = await fetch(url + path, { method: 'POST', body, duplex: 'half' });
  await response.text();
};
const bytes = () => new Uint8Array(10);
for (const [name, isUsed, body] of [
  ['alone', false, bytes],
  ['used', true, bytes],
  ['stream', true, () => new Blob([bytes()]).stream()],
]) {
  if (isUsed) await post('/answered', bytes());
  await post(`/closed/${name}`, body()).catch(() => {});
}
CLIENT
cat > server.mjs <<'SERVER'
import { execFile } from 'node:child_process';
import { createServer } from 'node:http';
import { promisify } from 'node:util';

const titles = {
  alone: 'bytes, on a connection of its own',
  used: 'bytes, on one that was used',
  stream: 'a stream, on one that was used',
};
let read = {};
const server = createServer(async (request, response) => {
  for await (const _part of request);
  if (request.url === '/answered') return response.end('yes');
  const [, , name] = request.url.split('/');
  read[name] = (read[name] ?? 0) + 1;
  request.socket.destroy();
});
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
const env = { ...process.env, SERVER: `http://127.0.0.1:${server.address().port}`, DENO_NO_UPDATE_CHECK: '1' };
let changed = false;
for (const [engine, command, args] of [
  ['node', process.execPath, ['client.mjs']],
  ['deno', 'node_modules/.bin/deno', ['run', '-A', 'client.mjs']],
]) {
  read = {};
  await promisify(execFile)(command, args, { env });
  for (const [name, title] of Object.entries(titles)) {
    console.log(`${engine}, ${title}: ${read[name]}`);
    changed ||= read[name] !== (engine === 'deno' && name === 'used' ? 2 : 1);
  }
}
server.close();
process.exit(changed ? 1 : 0);
SERVER
node server.mjs
