// y[i] = epilogue(x[i]).
// One invocation computes one element.

alias X = f32;
alias Y = f32;

struct Sizes {
  count: u32,
}

@group(0) @binding(0) var<storage, read> x: array<X>;
@group(0) @binding(1) var<storage, read_write> y: array<Y>;
@group(0) @binding(2) var<uniform> sizes: Sizes;

fn epilogue(value: X, at: u32) -> Y {
  return value;
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * 64u + id.x;
  if (i < sizes.count) {
    y[i] = epilogue(x[i], i);
  }
}
