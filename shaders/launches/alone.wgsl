// Does besides(i) for i = 0, 1, …: what may ride on another launch, in one of its own.
// One invocation does one i.

alias BESIDES = u32;

struct Sizes {
  besides: BESIDES,
}

@group(0) @binding(0) var<uniform> sizes: Sizes;

fn besides(i: u32) {
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  besides(id.y * groups.x * 64u + id.x);
}
