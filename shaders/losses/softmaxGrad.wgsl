// softmax: dX = y (dY − Σ dY y). Its logarithm: dX = dY − exp(y) Σ dY.
// One invocation computes one row, or as many as sizes.shares do. The one class that may be likelier than all others
// together stays out of the sum, since its 1 − y would cancel: what is left of it is what the others have.

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

// More than one half; its logarithm, −0.6931….
fn is_likely(y: f32) -> bool {
  return y > select(0.5, -0.6931472, LOGARITHM);
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
  var of_likely = 0.0;
  for (var turn = 0u; turn < 0x7fffffffu; turn++) {
    let c = first + turn * shares();
    if (c >= end) { break; }
    of_likely += select(0.0, d_y[base + c], is_likely(y[base + c]));
  }
  of_likely = tree(of_likely, lane);
  var rest = 0.0;
  for (var turn = 0u; turn < 0x7fffffffu; turn++) {
    let c = first + turn * shares();
    if (c >= end) { break; }
    if (LOGARITHM) {
      rest += select(d_y[base + c], 0.0, is_likely(y[base + c]));
    } else {
      rest += y[base + c] * (d_y[base + c] - of_likely);
    }
  }
  rest = tree(rest, lane);
  for (var turn = 0u; turn < 0x7fffffffu; turn++) {
    let c = first + turn * shares();
    if (c >= end) { break; }
    let at = base + c;
    if (!LOGARITHM) {
      d_x[at] = y[at] * ((d_y[at] - of_likely) - rest);
    } else if (is_likely(y[at])) {
      d_x[at] = -exponential_minus_one(y[at]) * d_y[at] - exponential(y[at]) * rest;
    } else {
      d_x[at] = d_y[at] - exponential(y[at]) * (rest + of_likely);
    }
  }
}

fn exponential(x: f32) -> f32 {
  return exp(x);
}

fn exponential_minus_one(x: f32) -> f32 {
  return exp(x) - 1.0;
}
