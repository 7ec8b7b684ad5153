// y[i] = the first r at which x[i, r] is largest; NaN counts as larger than all.
// One invocation computes one output.

alias X = f32;

struct Sizes {
  count: u32,
  length: u32,
  inner: u32,
}

@group(0) @binding(0) var<storage, read> x: array<X>;
@group(0) @binding(1) var<storage, read_write> y: array<i32>;
@group(0) @binding(2) var<uniform> sizes: Sizes;

fn exceeds(value: X, best: X) -> bool {
  return value > best;
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * 64u + id.x;
  if (i >= sizes.count) {
    return;
  }
  let base = (i / sizes.inner) * sizes.length * sizes.inner + i % sizes.inner;
  var best = x[base];
  var at = 0u;
  for (var r = 1u; r < sizes.length; r++) {
    let value = x[base + r * sizes.inner];
    if (exceeds(value, best)) {
      best = value;
      at = r;
    }
  }
  y[i] = i32(at);
}
