#!/usr/bin/env bash
# fast-png reads an interlaced PNG (Adam7) of 1, 2 or 4 bits a pixel as if each pixel took a byte: such a file ends in an
# error about its filter, though Pillow reads the same file, and fast-png itself the same picture where it is not
# interlaced, and an interlaced one of 8 bits. Digits, masks and palettes come in few bits.
# Seen on 2026-11-28: fast-png 8.0.0 on Node 20, of files written by pypng 0.20220715.0, which Pillow 13.0.0 reads alike:
#   1 bits: plain read, interlaced: Unsupported filter: 255
#   2 bits: plain read, interlaced: Unsupported filter: 170
#   4 bits: plain read, interlaced: Unsupported filter: 8
#   8 bits: plain read, interlaced: read alike
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install -q pypng==0.20220715.0 pillow==13.0.0
npm install --silent --no-audit --no-fund fast-png@8.0.0
venv/bin/python - <<'PYTHON'
import png
from PIL import Image

for bits in (1, 2, 4, 8):
    rows = [[(3 * x + 5 * y * y) % 2**bits for x in range(16)] for y in range(16)]
    for kind in ("plain", "interlaced"):
        with open(f"{kind}{bits}.png", "wb") as file:
            png.Writer(16, 16, greyscale=True, bitdepth=bits, interlace=kind == "interlaced").write(file, rows)
    plain, interlaced = (Image.open(f"{kind}{bits}.png").convert("L").tobytes() for kind in ("plain", "interlaced"))
    assert plain == interlaced, f"Pillow reads {bits} bits otherwise when interlaced"
PYTHON
cat > read.mjs <<'NODE'
import { readFileSync } from 'node:fs';
import { decode } from 'fast-png';

let changed = false;
for (const bits of [1, 2, 4, 8]) {
  const plain = decode(readFileSync(`plain${bits}.png`)).data.join();
  let found;
  try {
    found = decode(readFileSync(`interlaced${bits}.png`)).data.join() === plain ? 'read alike' : 'read otherwise';
  } catch (error) {
    found = error.message;
  }
  console.log(`${bits} bits: plain read, interlaced: ${found}`);
  changed ||= (found === 'read alike') !== (bits === 8);
}
process.exitCode = changed ? 1 : 0;
NODE
node read.mjs
