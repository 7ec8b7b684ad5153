#!/usr/bin/env bash
# A variable that is declared in a loop without a first value keeps the one that it had in the turn before: WGSL says
# that it is zero whenever the declaration is reached. Dawn clears it once, at the beginning of the function. It is so
# with two drivers, so it is Dawn's doing; with the zero written out, `var v = vec4f();`, each turn begins anew.
# Seen on 2026-11-29: webgpu 0.6.2 (Dawn) on Node 20, SwiftShader of @sparticuz/chromium 147.0.0 (Linux x64); the same
# numbers with Mesa 25.0.7's lavapipe. A loop that sets v in every other turn, and stores it in each:
#   var v: vec4f;     1 1 3 3 5 5
#   var v = vec4f();  1 0 3 0 5 0
# So a kernel that adds up in such a variable adds to what the turn before left there.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts=false webgpu@0.6.2 @sparticuz/chromium@147.0.0
mkdir driver
node -e "process.stdout.write(require('node:zlib').brotliDecompressSync(require('node:fs').readFileSync('node_modules/@sparticuz/chromium/bin/swiftshader.tar.br')))" | tar -x -C driver
cat > turns.mjs <<'NODE'
import { create } from 'webgpu';

const TURNS = 6;
const gpu = create([]);
const adapter = await gpu.requestAdapter();
const device = await adapter.requestDevice();

async function turns(declaration) {
  const code = `
    @group(0) @binding(0) var<storage, read_write> seen: array<f32>;
    @compute @workgroup_size(1) fn main() {
      for (var i = 0u; i < ${TURNS}u; i++) {
        ${declaration}
        if (i % 2u == 0u) { v = vec4f(f32(i + 1u)); }
        seen[i] = v.x;
      }
    }`;
  const compute = { module: device.createShaderModule({ code }) };
  const pipeline = device.createComputePipeline({ layout: 'auto', compute });
  const buffer = device.createBuffer({ size: 4 * TURNS, usage: 0x80 | 0x4 });
  const copy = device.createBuffer({ size: 4 * TURNS, usage: 0x1 | 0x8 });
  const entries = [{ binding: 0, resource: { buffer } }];
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries }));
  pass.dispatchWorkgroups(1);
  pass.end();
  encoder.copyBufferToBuffer(buffer, 0, copy, 0, 4 * TURNS);
  device.queue.submit([encoder.finish()]);
  await copy.mapAsync(1);
  return [...new Float32Array(copy.getMappedRange())].join(' ');
}

const seen = { bare: await turns('var v: vec4f;'), written: await turns('var v = vec4f();') };
console.log(`var v: vec4f;     ${seen.bare}\nvar v = vec4f();  ${seen.written}`);
process.exit(seen.bare === '1 1 3 3 5 5' && seen.written === '1 0 3 0 5 0' ? 0 : 1);
NODE
VK_ICD_FILENAMES="$folder/driver/vk_swiftshader_icd.json" LD_LIBRARY_PATH="$folder/driver" node turns.mjs
