// y[n, c] = exp(x[n, c] − max) / Σ exp(x[n, ·] − max), or its logarithm.
// One invocation computes one row.

const LOGARITHM = false;

struct Sizes {
  rows: u32,
  classes: u32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<uniform> sizes: Sizes;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let row = id.y * groups.x * 64u + id.x;
  if (row >= sizes.rows) {
    return;
  }
  let base = row * sizes.classes;
  var largest = x[base];
  for (var c = 1u; c < sizes.classes; c++) {
    largest = larger(largest, x[base + c]);
  }
  var total = 0.0;
  for (var c = 0u; c < sizes.classes; c++) {
    total += exponential(x[base + c] - largest);
  }
  for (var c = 0u; c < sizes.classes; c++) {
    let shifted = x[base + c] - largest;
    if (LOGARITHM) {
      y[base + c] = shifted - logarithm(total);
    } else {
      y[base + c] = exponential(shifted) / total;
    }
  }
}

fn larger(a: f32, b: f32) -> f32 {
  return max(a, b);
}

fn exponential(x: f32) -> f32 {
  return exp(x);
}

fn logarithm(x: f32) -> f32 {
  return log(x);
}
