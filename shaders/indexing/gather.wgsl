// y[o, j, i] = epilogue(x[o, indices[j], i]); an index outside x reads 0.
// One invocation computes one element.

alias X = f32;

struct Sizes {
  count: u32,
  rows: u32,
  chosen: u32,
  inner: u32,
}

@group(0) @binding(0) var<storage, read> x: array<X>;
@group(0) @binding(1) var<storage, read> indices: array<u32>;
@group(0) @binding(2) var<storage, read_write> y: array<X>;
@group(0) @binding(3) var<uniform> sizes: Sizes;

fn index_at(at: u32) -> u32 {
  return indices[at];
}

fn epilogue(value: X, at: u32) -> X {
  return value;
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * 64u + id.x;
  if (i >= sizes.count) {
    return;
  }
  let outer = i / (sizes.inner * sizes.chosen);
  let row = index_at((i / sizes.inner) % sizes.chosen);
  var value = X(0);
  if (row < sizes.rows) {
    value = x[(outer * sizes.rows + row) * sizes.inner + i % sizes.inner];
  }
  y[i] = epilogue(value, i);
}
