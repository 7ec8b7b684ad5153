// row = the step's row of the schedule, with w = min(1, limit / (√Σ norms² + ε)), the factor that clips the norm.
// One workgroup: each invocation sums every 64th norm, the first one their sums.

// In PyTorch's clip_grad_norm_.
const EPSILON = 1e-6;

struct Sizes {
  norms: u32,
  rows: u32,
  limit: f32,
}

@group(0) @binding(0) var<storage, read> norms: array<f32>;
@group(0) @binding(1) var<storage, read> schedule: array<vec4f>;
@group(0) @binding(2) var<storage, read> control: array<u32>;
@group(0) @binding(3) var<storage, read_write> row: array<vec4f>;
@group(0) @binding(4) var<uniform> sizes: Sizes;

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
  let norm = norm_of(total) + EPSILON;
  // A norm that is NaN is not below the limit, and comes out as NaN.
  row[0] = vec4f(schedule[control[0] % sizes.rows].xyz, select(sizes.limit / norm, 1.0, norm <= sizes.limit));
}
