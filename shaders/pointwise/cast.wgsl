// y[i] = epilogue(x[i]), x packed four to a word.
// One invocation computes one element.

alias Y = f32;

struct Sizes {
  count: u32,
}

@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read_write> y: array<Y>;
@group(0) @binding(2) var<uniform> sizes: Sizes;

fn epilogue(value: u32, at: u32) -> Y {
  return Y(value);
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * 64u + id.x;
  if (i < sizes.count) {
    y[i] = epilogue((x[i / 4u] >> (8u * (i % 4u))) & 0xffu, i);
  }
}
