// v = μ v + g,  p = p − lr · v; with Nesterov's momentum p = p − lr · (g + μ v).
// One invocation updates one parameter of the whole model; its block's group says how, or that it stays.

const NESTEROV = false;

struct Sizes {
  count: u32,
  rows: u32,
  momentum: f32,
}

@group(0) @binding(0) var<storage, read_write> parameters: array<f32>;
@group(0) @binding(1) var<storage, read> gradients: array<f32>;
@group(0) @binding(2) var<storage, read_write> velocity: array<f32>;
// By block of 64: its group. By group: factor of the learning rate, decay, 1 if it trains.
@group(0) @binding(3) var<storage, read> blocks: array<u32>;
@group(0) @binding(4) var<storage, read> groups: array<vec4f>;
// By step: the learning rate.
@group(0) @binding(5) var<storage, read> schedule: array<vec4f>;
@group(0) @binding(6) var<storage, read> control: array<u32>;
@group(0) @binding(7) var<uniform> sizes: Sizes;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) workgroups: vec3u) {
  let i = id.y * workgroups.x * 64u + id.x;
  if (i >= sizes.count) {
    return;
  }
  let group = groups[blocks[i / 64u]];
  if (group.z == 0.0) {
    return;
  }
  let rate = schedule[control[0] % sizes.rows].x * group.x;
  let p = parameters[i];
  let g = gradients[i] + group.y * p;
  let next = sizes.momentum * velocity[i] + g;
  velocity[i] = next;
  parameters[i] = p - rate * select(next, g + sizes.momentum * next, NESTEROV);
}
