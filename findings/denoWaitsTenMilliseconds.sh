#!/usr/bin/env bash
# In Deno every answer of the GPU takes 10 ms: onSubmittedWorkDone() on a queue to which nothing was ever submitted, and
# mapAsync() of a few bytes, are answered at the next look, and the first one comes 10 ms after the call. Neither is work
# nor a slow driver the reason; waits one behind the other add up, waits at once do not. Dawn in Node answers the same in
# some hundredths of a millisecond. A program that reads a loss at each step takes 100 steps a second at most.
# Seen on 2026-11-29: deno 2.9.6, SwiftShader of @sparticuz/chromium 147.0.0 (Linux x64, with Vulkan's loader, libvulkan1):
#   Dawn in Node: an idle queue 0.03 ms, a map 0.02 ms, eight maps at once 0.05 ms
#   Deno 2.9.6: an idle queue 11.32 ms, a map 11.34 ms, eight maps at once 12.03 ms
# It fails where a wait takes less than 9 ms, or eight at once more than three times one.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts=false deno@2.9.6 webgpu@0.6.2 @sparticuz/chromium@147.0.0
mkdir driver
node -e "process.stdout.write(require('node:zlib').brotliDecompressSync(require('node:fs').readFileSync('node_modules/@sparticuz/chromium/bin/swiftshader.tar.br')))" | tar -x -C driver
cat > wait.mjs <<'JS'
const gpu = globalThis.navigator?.gpu ?? (await import('webgpu')).create([]);
const adapter = await gpu.requestAdapter();
const device = await adapter.requestDevice();
const buffers = Array.from({ length: 8 }, () => device.createBuffer({ size: 16, usage: 0x1 | 0x8 })); // MAP_READ, COPY_DST

async function median(wait) {
  const times = [];
  for (let i = 0; i < 15; i++) {
    const began = performance.now();
    await wait();
    times.push(performance.now() - began);
  }
  return times.sort((a, b) => a - b)[7];
}

const map = async (buffer) => (await buffer.mapAsync(1), buffer.unmap());
const idle = await median(() => device.queue.onSubmittedWorkDone());
const one = await median(() => map(buffers[0]));
const eight = await median(() => Promise.all(buffers.map(map)));
const where = globalThis.Deno ? `Deno ${Deno.version.deno}` : 'Dawn in Node';
const [a, b, c] = [idle, one, eight].map((ms) => ms.toFixed(2));
console.log(`${where}: an idle queue ${a} ms, a map ${b} ms, eight maps at once ${c} ms`);
const isSlow = idle > 9 && one > 9 && eight < 3 * one;
process.exit((globalThis.Deno ? isSlow : idle < 5) ? 0 : 1);
JS
export VK_ICD_FILENAMES="$folder/driver/vk_swiftshader_icd.json" LD_LIBRARY_PATH="$folder/driver" DENO_NO_UPDATE_CHECK=1
node wait.mjs
./node_modules/.bin/deno run -A wait.mjs
