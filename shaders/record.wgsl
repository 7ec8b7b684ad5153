// ring[step % rows, column + j] = the mean of metric j; the last launch of a step also advances the step.
// One invocation does it all, so nobody reads the step while it changes.

const METRICS = 1u;
const ADVANCE = true;

struct Sizes {
  rows: u32,
  columns: u32,
  column: u32,
  unused: u32,
  lengths: array<vec4u, 2>,
}

@group(0) @binding(0) var<storage, read_write> control: array<u32>;
@group(0) @binding(1) var<storage, read_write> ring: array<f32>;
@group(0) @binding(2) var<uniform> sizes: Sizes;

fn metric(j: u32, i: u32) -> f32 {
  return 0.0;
}

@compute @workgroup_size(1)
fn main() {
  let step = control[0];
  for (var j = 0u; j < METRICS; j++) {
    let length = sizes.lengths[j / 4u][j % 4u];
    var total = 0.0;
    for (var i = 0u; i < length; i++) {
      total += metric(j, i);
    }
    ring[(step % sizes.rows) * sizes.columns + sizes.column + j] = total / f32(length);
  }
  if (ADVANCE) {
    control[0] = step + 1u;
  }
}
