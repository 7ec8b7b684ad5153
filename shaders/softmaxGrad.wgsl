// softmax: dX = y (dY − Σ dY y). Its logarithm: dX = dY − exp(y) Σ dY.
// One invocation computes one row.

const LOGARITHM = false;

struct Sizes {
  rows: u32,
  classes: u32,
}

@group(0) @binding(0) var<storage, read> y: array<f32>;
@group(0) @binding(1) var<storage, read> d_y: array<f32>;
@group(0) @binding(2) var<storage, read_write> d_x: array<f32>;
@group(0) @binding(3) var<uniform> sizes: Sizes;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let row = id.y * groups.x * 64u + id.x;
  if (row >= sizes.rows) {
    return;
  }
  let base = row * sizes.classes;
  var total = 0.0;
  for (var c = 0u; c < sizes.classes; c++) {
    total += d_y[base + c] * select(y[base + c], 1.0, LOGARITHM);
  }
  for (var c = 0u; c < sizes.classes; c++) {
    if (LOGARITHM) {
      d_x[base + c] = d_y[base + c] - exponential(y[base + c]) * total;
    } else {
      d_x[base + c] = y[base + c] * (d_y[base + c] - total);
    }
  }
}

fn exponential(x: f32) -> f32 {
  return exp(x);
}
