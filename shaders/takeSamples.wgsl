// y[r, i] = epilogue(x[rows[r] − first, i]) for the samples that x holds, from the first on; other rows stay.
// One invocation computes one element.

alias X = f32;
alias Y = f32;

struct Sizes {
  count: u32,
  // Of a sample.
  size: u32,
  first: u32,
  samples: u32,
}

@group(0) @binding(0) var<storage, read> rows: array<u32>;
@group(0) @binding(1) var<storage, read> x: array<X>;
@group(0) @binding(2) var<storage, read_write> y: array<Y>;
@group(0) @binding(3) var<uniform> sizes: Sizes;

fn element(at: u32) -> X {
  return x[at];
}

fn epilogue(value: X) -> Y {
  return Y(value);
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * 64u + id.x;
  if (i >= sizes.count) {
    return;
  }
  // Past the last sample, too, for those before the first.
  let row = rows[i / sizes.size] - sizes.first;
  if (row < sizes.samples) {
    y[i] = epilogue(element(row * sizes.size + i % sizes.size));
  }
}
