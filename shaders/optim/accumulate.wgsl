// y[i] = keep · y[i] + add · x[i]; or, where the first part of a step begins anew, add · x[i].
// One invocation computes one element.

const AFRESH = false;

struct Sizes {
  count: u32,
  keep: f32,
  add: f32,
}

@group(0) @binding(0) var<storage, read_write> y: array<f32>;
@group(0) @binding(1) var<storage, read> x: array<f32>;
// The step, then the part of it; or a ledger.
@group(0) @binding(2) var<storage, read> control: array<u32>;
@group(0) @binding(3) var<uniform> sizes: Sizes;

// As in update.wgsl; a share of a step is added as it is, for nobody takes it up.
fn is_spoilt() -> bool {
  return !AFRESH && arrayLength(&control) > 10u && control[9] != 0u && control[6] != control[7u + (control[0] & 1u)];
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * 64u + id.x;
  if (i >= sizes.count || is_spoilt()) {
    return;
  }
  let kept = select(sizes.keep * y[i], 0.0, AFRESH && control[1] == 0u);
  y[i] = kept + sizes.add * x[i];
}
