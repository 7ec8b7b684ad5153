// table[b] = groups[b] with w = factor(√Σ norms²), the sum being over all blocks of the parameter that b belongs to.
// One workgroup serves one parameter: each invocation sums every 64th norm, and all of them the 64 sums.

struct Sizes {
  ranges: u32,
  limit: f32,
}

@group(0) @binding(0) var<storage, read> norms: array<f32>;
@group(0) @binding(1) var<storage, read> groups: array<vec4f>;
// By parameter: its first block, and one past its last.
@group(0) @binding(2) var<storage, read> ranges: array<vec2u>;
@group(0) @binding(3) var<storage, read_write> table: array<vec4f>;
@group(0) @binding(4) var<uniform> sizes: Sizes;

const LANES = 64u;

var<workgroup> partial: array<vec3f, LANES>;

fn square_of(x: f32) -> vec3f {
  return vec3f(0.0, x * x, 0.0);
}

fn norm_of(sums: vec3f) -> f32 {
  return sqrt(sums.y);
}

fn factor(norm: f32) -> f32 {
  return min(1.0, sizes.limit / norm);
}

@compute @workgroup_size(LANES)
fn main(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let parameter = id.y * workgroups.x + id.x;
  if (parameter >= sizes.ranges) {
    return;
  }
  let range = ranges[parameter];
  var own = vec3f();
  for (var turn = 0u; turn < 0x7fffffffu; turn++) {
    let block = range.x + lane + turn * LANES;
    if (block >= range.y) { break; }
    own += square_of(norms[block]);
  }
  partial[lane] = own;
  workgroupBarrier();
  var total = vec3f();
  for (var other = 0u; other < LANES; other++) {
    total += partial[other];
  }
  let scale = factor(norm_of(total));
  for (var turn = 0u; turn < 0x7fffffffu; turn++) {
    let block = range.x + lane + turn * LANES;
    if (block >= range.y) { break; }
    table[block] = vec4f(groups[block].xyz, scale);
  }
}
