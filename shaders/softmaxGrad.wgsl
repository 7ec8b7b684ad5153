// softmax: dX = y (dY − Σ dY y). Its logarithm: dX = dY − exp(y) Σ dY.
// One invocation computes one row, or as many as sizes.shares do.

alias Term = f32;

const WIDTH = 64u;
const LOGARITHM = false;

struct Sizes {
  rows: u32,
  classes: u32,
  shares: u32,
}

@group(0) @binding(0) var<storage, read> y: array<f32>;
@group(0) @binding(1) var<storage, read> d_y: array<f32>;
@group(0) @binding(2) var<storage, read_write> d_x: array<f32>;
@group(0) @binding(3) var<uniform> sizes: Sizes;

var<workgroup> terms: array<Term, WIDTH>;

fn combine(a: Term, b: Term) -> Term {
  return a + b;
}

// One invocation has a row to itself; where several share it, the functions of tree.wgsl take the place of these two.
fn shares() -> u32 {
  return 1u;
}

fn tree(term: Term, slot: u32) -> Term {
  return term;
}

@compute @workgroup_size(WIDTH)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let row = (group.y * groups.x + group.x) * (WIDTH / shares()) + lane / shares();
  let base = row * sizes.classes;
  let first = lane % shares();
  let end = select(0u, sizes.classes, row < sizes.rows);
  var total = 0.0;
  for (var c = first; c < end; c += shares()) {
    total += d_y[base + c] * select(y[base + c], 1.0, LOGARITHM);
  }
  total = tree(total, lane);
  for (var c = first; c < end; c += shares()) {
    if (LOGARITHM) {
      d_x[base + c] = d_y[base + c] - exponential(y[base + c]) * total;
    } else {
      d_x[base + c] = y[base + c] * (d_y[base + c] - total);
    }
  }
}

fn exponential(x: f32) -> f32 {
  return exp(x);
}
