// norms[t] = √Σ x[i]² over i = t, t + T, t + 2T, …, T being the number of these norms.
// One invocation computes one norm, in blocks of 64 terms, so that the rounding of long sums stays small.

struct Sizes {
  count: u32,
  norms: u32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> norms: array<f32>;
@group(0) @binding(2) var<uniform> sizes: Sizes;

const BLOCK = 64u;

fn square_of(x: f32) -> vec3f {
  return vec3f(0.0, x * x, 0.0);
}

fn norm_of(sums: vec3f) -> f32 {
  return sqrt(sums.y);
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= sizes.norms) {
    return;
  }
  var total = vec3f();
  for (var turn = 0u; turn < 0x7fffffffu; turn++) {
    let start = id.x + turn * (BLOCK * sizes.norms);
    if (start >= sizes.count) { break; }
    var block = vec3f();
    for (var k = 0u; k < BLOCK; k++) {
      let i = start + k * sizes.norms;
      if (i >= sizes.count) { break; }
      block += square_of(x[i]);
    }
    total += block;
  }
  norms[id.x] = norm_of(total);
}
