// y[i] = epilogue(accumulate over r of x[i, r]), r running over the reduced axes in row-major order.
// One invocation computes one output, in blocks of 64 terms, so that the rounding of long sums stays small.

alias X = f32;

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

@group(0) @binding(0) var<storage, read> x: array<X>;
@group(0) @binding(1) var<storage, read_write> y: array<X>;
@group(0) @binding(2) var<uniform> sizes: Sizes;

const BLOCK = 64u;

fn initial() -> X {
  return X(0);
}

fn accumulate(total: X, value: X) -> X {
  return total + value;
}

fn epilogue(value: X, at: u32) -> X {
  return value;
}

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
  if (sizes.reduced_rank == 1u) {
    return index * sizes.reduced_strides[0][0];
  }
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
  var total = initial();
  for (var start = 0u; start < sizes.length; start += BLOCK) {
    let end = min(start + BLOCK, sizes.length);
    var block = initial();
    for (var r = start; r < end; r++) {
      block = accumulate(block, x[base + reduced_offset(r)]);
    }
    total = accumulate(total, block);
  }
  y[i] = epilogue(total, i);
}
