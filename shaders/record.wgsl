// ring[step % rows, column + j] = factor[j] · Σ metric j, added to what earlier parts of the step left there; then the
// control counts on. One invocation does it all, so nobody reads the control while it changes.

const METRICS = 1u;
// What the control counts on by: 0 nothing, 1 a part of the step, 2 back to the step's first part, 3 a step.
const COUNTS = 0u;
const ADDS = false;

struct Sizes {
  rows: u32,
  columns: u32,
  column: u32,
  // Of a step: how many samples it takes, and how many there are in an epoch.
  taken: u32,
  length: u32,
  lengths: array<vec4u, 2>,
  factors: array<vec4f, 2>,
}

// Step, part, the seed's two words, epoch, position.
@group(0) @binding(0) var<storage, read_write> control: array<u32>;
@group(0) @binding(1) var<storage, read_write> ring: array<f32>;
@group(0) @binding(2) var<uniform> sizes: Sizes;

fn metric(j: u32, i: u32) -> f32 {
  return 0.0;
}

@compute @workgroup_size(1)
fn main() {
  let row = (control[0] % sizes.rows) * sizes.columns + sizes.column;
  for (var j = 0u; j < METRICS; j++) {
    let length = sizes.lengths[j / 4u][j % 4u];
    var total = 0.0;
    for (var i = 0u; i < 0x7fffffffu; i++) {
      if (i >= length) { break; }
      total += metric(j, i);
    }
    let before = select(0.0, ring[row + j], ADDS && control[1] > 0u);
    ring[row + j] = before + total * sizes.factors[j / 4u][j % 4u];
  }
  if (COUNTS == 1u) {
    control[1]++;
  } else if (COUNTS == 2u) {
    control[1] = 0u;
  } else if (COUNTS == 3u) {
    control[0]++;
    control[1] = 0u;
    let position = control[5] + sizes.taken;
    control[4] += position / sizes.length;
    control[5] = position % sizes.length;
  }
}
