// y[o, r, i] = sum of x[o, j, i] over all j with indices[j] = r, in the order of j.
// One invocation computes one element: no atomics, so the same bits every time.

struct Sizes {
  count: u32,
  rows: u32,
  chosen: u32,
  inner: u32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> indices: array<u32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<uniform> sizes: Sizes;

fn index_at(at: u32) -> u32 {
  return indices[at];
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * 64u + id.x;
  if (i >= sizes.count) {
    return;
  }
  let outer = i / (sizes.inner * sizes.rows);
  let row = (i / sizes.inner) % sizes.rows;
  var total = 0.0;
  for (var j = 0u; j < 0x7fffffffu; j++) {
    if (j >= sizes.chosen) { break; }
    if (index_at(j) == row) {
      total += x[(outer * sizes.chosen + j) * sizes.inner + i % sizes.inner];
    }
  }
  y[i] = total;
}
