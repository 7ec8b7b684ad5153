// squares[t] = Σ x[i]² over i = t, t + T, t + 2T, …, T being the number of these sums.
// One invocation computes one sum, in blocks of 64 terms, so that the rounding of long sums stays small.

struct Sizes {
  count: u32,
  sums: u32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> squares: array<f32>;
@group(0) @binding(2) var<uniform> sizes: Sizes;

const BLOCK = 64u;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= sizes.sums) {
    return;
  }
  var total = 0.0;
  for (var start = id.x; start < sizes.count; start += BLOCK * sizes.sums) {
    let end = min(start + BLOCK * sizes.sums, sizes.count);
    var block = 0.0;
    for (var i = start; i < end; i += sizes.sums) {
      block += x[i] * x[i];
    }
    total += block;
  }
  squares[id.x] = total;
}
