// y[r, f] = epilogue(silu(x[r, f]) · x[r, F + f])
// One invocation computes one element.

struct Sizes {
  count: u32,
  // F.
  width: u32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<uniform> sizes: Sizes;

fn silu(value: f32) -> f32 {
  return value;
}

fn epilogue(value: f32, at: u32) -> f32 {
  return value;
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * 64u + id.x;
  if (i >= sizes.count) {
    return;
  }
  let gate = i / sizes.width * sizes.width + i;
  y[i] = epilogue(silu(x[gate]) * x[gate + sizes.width], i);
}
