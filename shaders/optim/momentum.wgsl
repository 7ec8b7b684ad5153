// momentum = μ · momentum + (1 − μ) · g; direction = (1 − μ) · g + μ · momentum with Nesterov's, else the momentum.
// One invocation computes one number of each; both stay, and the direction is 0, where the block's group does not train.

const NESTEROV = true;

struct Sizes {
  count: u32,
  rows: u32,
  limit: f32,
  mu: f32,
  rest: f32,
}

@group(0) @binding(0) var<storage, read_write> momentum: array<f32>;
@group(0) @binding(1) var<storage, read> gradients: array<f32>;
// As in update.wgsl.
@group(0) @binding(2) var<storage, read> groups: array<vec4f>;
@group(0) @binding(3) var<storage, read> schedule: array<vec4f>;
@group(0) @binding(4) var<storage, read> control: array<u32>;
@group(0) @binding(5) var<storage, read_write> direction: array<f32>;
@group(0) @binding(6) var<uniform> sizes: Sizes;

fn clipped(gradient: f32, now: vec4f, group: vec4f) -> f32 {
  return gradient;
}

// As in update.wgsl.
fn is_spoilt() -> bool {
  return arrayLength(&control) > 10u && control[9] != 0u && control[6] != control[7u + (control[0] & 1u)];
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) workgroups: vec3u) {
  let i = id.y * workgroups.x * 64u + id.x;
  if (i >= sizes.count) {
    return;
  }
  let group = groups[i / 64u];
  if (group.z == 0.0 || is_spoilt()) {
    direction[i] = 0.0;
  } else {
    let g = clipped(gradients[i], schedule[control[0] % sizes.rows], group);
    let next = sizes.mu * momentum[i] + sizes.rest * g;
    momentum[i] = next;
    direction[i] = select(next, sizes.rest * g + sizes.mu * next, NESTEROV);
  }
}
