// y[r, i] = epilogue(x[rows[r] − first, i]) for the samples that x holds, from the first on; other rows stay.
// One invocation computes four neighbours of a sample.

alias X = f32;
alias Y = f32;
// A whole vector, or four packed bytes, where samples are a multiple of four long; four and store_four change with them.
alias X_ELEMENT = f32;
alias Y_ELEMENT = f32;

struct Sizes {
  // Of the rows, and of the fours that each takes.
  count: u32,
  fours: u32,
  // Of a sample.
  size: u32,
  first: u32,
  samples: u32,
  // From a sample to the next one, in x.
  stride: u32,
  // Numbers in front of the first sample, in x.
  front: u32,
}

@group(0) @binding(0) var<storage, read> rows: array<u32>;
@group(0) @binding(1) var<storage, read> x: array<X_ELEMENT>;
@group(0) @binding(2) var<storage, read_write> y: array<Y_ELEMENT>;
@group(0) @binding(3) var<uniform> sizes: Sizes;

fn four(at: u32) -> vec4<X> {
  return vec4<X>(x[at], x[at + 1u], x[at + 2u], x[at + 3u]);
}

fn epilogue(value: vec4<X>) -> vec4<Y> {
  return vec4<Y>(value);
}

fn store_four(at: u32, left: u32, value: vec4<Y>) {
  y[at] = value.x;
  if (left > 1u) {
    y[at + 1u] = value.y;
  }
  if (left > 2u) {
    y[at + 2u] = value.z;
  }
  if (left > 3u) {
    y[at + 3u] = value.w;
  }
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * 64u + id.x;
  let r = i / sizes.fours;
  if (r >= sizes.count) {
    return;
  }
  let at = 4u * (i - r * sizes.fours);
  // Past the last sample, too, for those before the first.
  let row = rows[r] - sizes.first;
  if (row < sizes.samples) {
    store_four(r * sizes.size + at, sizes.size - at, epilogue(four(sizes.front + row * sizes.stride + at)));
  }
}
