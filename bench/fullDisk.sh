#!/usr/bin/env bash
# Checkpoints on a disk that becomes full (Linux, as root; `npm run build` first): a tmpfs with room for three files. The
# run must be told of the files that did not fit, go on to its end, and leave the files before as they were, of which the
# newest is gone on from.
set -euo pipefail
dist=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)/dist
folder=$(mktemp -d)
trap 'umount "$folder/disk" 2>/dev/null || true; rm -rf "$folder"' EXIT
mkdir "$folder/disk"
mount -t tmpfs -o size=1400k tmpfs "$folder/disk"
cat > "$folder/run.mjs" <<NODE
import { readdir, statfs, writeFile } from 'node:fs/promises';
import { adam, createTrainer, crossEntropy, dataset, linear } from '$dist/index.js';
import { checkpoints } from '$dist/node.js';

const set = dataset({ point: { data: new Float32Array(6400).fill(1), shape: [100] }, label: new Uint8Array(64) });
const told = [];
const made = (warn) =>
  createTrainer({ model: linear(100, 300), loss: crossEntropy, optimizer: adam(), batchSize: 8, backend: 'cpu', data: set, warn });
const folder = '$folder/disk/run';
const store = checkpoints({ folder, every: { steps: 4 }, keep: 2 });
const trainer = await made((text) => told.push(text));
await trainer.fit(set, { steps: 9, checkpoints: store });
const before = (await readdir(folder)).sort();
const { bavail, bsize } = await statfs('$folder/disk');
await writeFile('$folder/disk/other', new Uint8Array(bavail * bsize - 4096));
const last = await trainer.fit(set, { steps: 9, checkpoints: store });
const after = (await readdir(folder)).sort();
const again = await made(console.warn);
const loaded = await again.load(await store.newest());
console.log(\`before the disk was full: \${before.join(', ')}\`);
console.log(\`behind: \${after.join(', ')}\`);
console.log(\`the run ended at step \${last.step}; it was told \${told.length} times, at first: \${told[0]}\`);
console.log(\`goes on from step \${loaded.step}, \${loaded.exact ? 'exactly' : 'NOT EXACTLY'}\`);
const isAsWanted = after.join() === before.join() && last.step === 18 && told.every((text) => /ENOSPC/.test(text)) && told.length > 0;
process.exit(isAsWanted && loaded.exact && loaded.step === 9 ? 0 : 1);
NODE
node "$folder/run.mjs"
