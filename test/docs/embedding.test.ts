// docs/embedding.md is a program, which compiles and runs as it stands there, on a device of its host's.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create, globals } from 'webgpu';
import { afterAll, expect, test, vi } from 'vitest';
import { root } from '../support/packed.ts';
import { compiled, runnable, snippetsIn, withoutImports, type Said } from '../support/snippets.ts';

const folder = mkdtempSync(join(tmpdir(), 'millrace-embedding-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
  vi.unstubAllGlobals();
});

/** Which the compiler's DOM does not know. */
const FLAGS = `const { GPUBufferUsage, GPUTextureUsage } = globalThis as unknown as Record<string, Record<string, number>>;\n`;

/** The host's own work: it moves its points, and looks at what it is given. */
const HOST = `
/** The points of a plane, and their heights, moved on a little. */
function movePoints(encoder: GPUCommandEncoder): void {
  const code = \`@group(0) @binding(0) var<storage, read_write> points: array<f32>;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
  let at = 8u * id.x;
  let place = vec3f(fract(f32(id.x) * 0.618 + points[at] * 0.1), fract(f32(id.x) * 0.414), fract(f32(id.x) * 0.732));
  points[at] = place.x; points[at + 1u] = place.y; points[at + 2u] = place.z;
  points[at + 3u] = dot(place, vec3f(1.0, -1.0, 0.5));
}\`;
  moving ??= device.createComputePipeline({
    layout: 'auto',
    compute: { module: device.createShaderModule({ code }) },
  });
  const pass = encoder.beginComputePass();
  pass.setPipeline(moving);
  const entries = [{ binding: 0, resource: { buffer: points } }];
  pass.setBindGroup(0, device.createBindGroup({ layout: moving.getBindGroupLayout(0), entries }));
  pass.dispatchWorkgroups(samples / 64);
  pass.end();
}

function draw(encoder: GPUCommandEncoder, binding: GPUBufferBinding): void {
  const code = \`@group(0) @binding(0) var<storage, read> heights: array<f32>;
@vertex fn vertex(@builtin(vertex_index) i: u32) -> @builtin(position) vec4f {
  return vec4f(f32(i % 2u) * 4.0 - 1.0, f32(i / 2u) * 4.0 - 1.0, 0.0, 1.0);
}
@fragment fn fragment(@builtin(position) at: vec4f) -> @location(0) vec4f {
  return vec4f(heights[u32(at.x) % arrayLength(&heights)], 0.0, 0.0, 1.0);
}\`;
  const made = drawing ?? device.createShaderModule({ code });
  drawing = made;
  painting ??= device.createRenderPipeline({
    layout: 'auto',
    vertex: { module: made },
    fragment: { module: made, targets: [{ format: 'rgba8unorm' }] },
  });
  const pass = encoder.beginRenderPass({
    colorAttachments: [{ view: canvas.createView(), loadOp: 'clear', storeOp: 'store' }],
  });
  pass.setPipeline(painting);
  const entries = [{ binding: 0, resource: binding }];
  pass.setBindGroup(0, device.createBindGroup({ layout: painting.getBindGroupLayout(0), entries }));
  pass.draw(3);
  pass.end();
}
let moving: GPUComputePipeline | undefined;
let drawing: GPUShaderModule | undefined;
let painting: GPURenderPipeline | undefined;
const told: string[] = [];
device.addEventListener('uncapturederror', ({ error }) => void told.push(error.message));
`;

function written(): string {
  const parts = snippetsIn(readFileSync(join(root, 'docs/embedding.md'), 'utf8')).map(({ text }) =>
    withoutImports(text),
  );
  const [first, ...others] = parts.map(({ body }) => body);
  const path = join(folder, 'page.ts');
  const body = [FLAGS, first, HOST, ...others, 'console.log(told);'].join('\n');
  writeFileSync(path, runnable(parts.map(({ imports }) => imports).join(''), body));
  return path;
}

test('the page compiles', async () => {
  expect(await compiled(folder, [written()])).toBe('');
});

test('it runs, the host is told of nothing, and what it prints is what stands there', async () => {
  vi.stubGlobal('navigator', { gpu: create([]) });
  for (const [name, value] of Object.entries(globals)) vi.stubGlobal(name, value);
  const said: unknown[][] = [];
  const { run } = (await import(/* @vite-ignore */ written())) as { run(console: Said): Promise<void> };
  await run({ log: (...things) => void said.push(things) });
  expect(said).toEqual([[2], [40], [40], [40], [[3, 32], 32 * 4, [64, 32]], [0], [1, true], [null], [[]]]);
});
