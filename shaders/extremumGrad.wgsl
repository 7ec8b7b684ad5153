// dX[i, r] = dY[i] / (how often y[i] occurs in x[i, ·]) where x[i, r] = y[i], else 0.
// One invocation computes all dX that share a y: it counts the ties first.

struct Sizes {
  count: u32,
  length: u32,
  kept_rank: u32,
  reduced_rank: u32,
  kept_shape: array<vec4u, 2>,
  kept_strides: array<vec4u, 2>,
  reduced_shape: array<vec4u, 2>,
  reduced_strides: array<vec4u, 2>,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> y: array<f32>;
@group(0) @binding(2) var<storage, read> d_y: array<f32>;
@group(0) @binding(3) var<storage, read_write> d_x: array<f32>;
@group(0) @binding(4) var<uniform> sizes: Sizes;

fn kept_offset(index: u32) -> u32 {
  var rest = index;
  var offset = 0u;
  for (var axis = sizes.kept_rank; axis > 0u; axis--) {
    let lane = axis - 1u;
    let extent = sizes.kept_shape[lane / 4u][lane % 4u];
    offset += (rest % extent) * sizes.kept_strides[lane / 4u][lane % 4u];
    rest /= extent;
  }
  return offset;
}

fn reduced_offset(index: u32) -> u32 {
  var rest = index;
  var offset = 0u;
  for (var axis = sizes.reduced_rank; axis > 0u; axis--) {
    let lane = axis - 1u;
    let extent = sizes.reduced_shape[lane / 4u][lane % 4u];
    offset += (rest % extent) * sizes.reduced_strides[lane / 4u][lane % 4u];
    rest /= extent;
  }
  return offset;
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * 64u + id.x;
  if (i >= sizes.count) {
    return;
  }
  let base = kept_offset(i);
  var ties = 0.0;
  for (var r = 0u; r < sizes.length; r++) {
    ties += select(0.0, 1.0, x[base + reduced_offset(r)] == y[i]);
  }
  for (var r = 0u; r < sizes.length; r++) {
    let at = base + reduced_offset(r);
    d_x[at] = select(0.0, d_y[i] / ties, x[at] == y[i]);
  }
}
