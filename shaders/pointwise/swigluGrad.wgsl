// dX[r, f] = dY[r, f] · x[r, F + f] · silu′(x[r, f]), dX[r, F + f] = dY[r, f] · silu(x[r, f])
// One invocation computes the two that one element of dY reaches.

struct Sizes {
  count: u32,
  // F.
  width: u32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> d_y: array<f32>;
@group(0) @binding(2) var<storage, read_write> d_x: array<f32>;
@group(0) @binding(3) var<uniform> sizes: Sizes;

fn silu(value: f32) -> f32 {
  return value;
}

fn silu_grad(value: f32, dy: f32) -> f32 {
  return dy;
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * 64u + id.x;
  if (i >= sizes.count) {
    return;
  }
  let gate = i / sizes.width * sizes.width + i;
  let dy = d_y[i];
  d_x[gate] = silu_grad(x[gate], dy * x[gate + sizes.width]);
  d_x[gate + sizes.width] = dy * silu(x[gate]);
}
