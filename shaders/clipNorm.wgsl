// row = the step's row of the schedule, with w = min(1, limit / (√Σ squares + ε)), the factor that clips the norm.
// One workgroup: each invocation sums every 64th square, the first one their sums.

// In PyTorch's clip_grad_norm_.
const EPSILON = 1e-6;

struct Sizes {
  sums: u32,
  rows: u32,
  limit: f32,
}

@group(0) @binding(0) var<storage, read> squares: array<f32>;
@group(0) @binding(1) var<storage, read> schedule: array<vec4f>;
@group(0) @binding(2) var<storage, read> control: array<u32>;
@group(0) @binding(3) var<storage, read_write> row: array<vec4f>;
@group(0) @binding(4) var<uniform> sizes: Sizes;

var<workgroup> partial: array<f32, 64>;

@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) lane: u32) {
  var total = 0.0;
  for (var at = lane; at < sizes.sums; at += 64u) {
    total += squares[at];
  }
  partial[lane] = total;
  workgroupBarrier();
  if (lane > 0u) {
    return;
  }
  for (var other = 1u; other < 64u; other++) {
    total += partial[other];
  }
  let norm = sqrt(total) + EPSILON;
  // A norm that is NaN is not below the limit, and comes out as NaN.
  row[0] = vec4f(schedule[control[0] % sizes.rows].xyz, select(sizes.limit / norm, 1.0, norm <= sizes.limit));
}
