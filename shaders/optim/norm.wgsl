// norm = √Σ norms²
// One workgroup: each invocation sums every 64th square, the first one their sums.

struct Sizes {
  norms: u32,
}

@group(0) @binding(0) var<storage, read> norms: array<f32>;
@group(0) @binding(1) var<storage, read_write> norm: array<f32>;
@group(0) @binding(2) var<uniform> sizes: Sizes;

var<workgroup> partial: array<vec3f, 64>;

fn square_of(x: f32) -> vec3f {
  return vec3f(0.0, x * x, 0.0);
}

fn norm_of(sums: vec3f) -> f32 {
  return sqrt(sums.y);
}

@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) lane: u32) {
  var total = vec3f();
  for (var turn = 0u; turn < 0x7fffffffu; turn++) {
    let at = lane + turn * 64u;
    if (at >= sizes.norms) { break; }
    total += square_of(norms[at]);
  }
  partial[lane] = total;
  workgroupBarrier();
  if (lane > 0u) {
    return;
  }
  for (var other = 1u; other < 64u; other++) {
    total += partial[other];
  }
  norm[0] = norm_of(total);
}
