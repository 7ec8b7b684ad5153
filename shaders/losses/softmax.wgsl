// y[n, c] = exp(x[n, c] − max) / Σ exp(x[n, ·] − max), or its logarithm.
// One invocation computes one row, or as many as sizes.shares do. The largest class' 1 stays out of the sum: beside it,
// what the others have would be rounded away, and with it a logarithm near 0.

const WIDTH = 64u;
const LOGARITHM = false;

struct Sizes {
  rows: u32,
  classes: u32,
  shares: u32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<uniform> sizes: Sizes;

struct Term {
  largest: f32,
  // How many are as large, and the sum of the others.
  equals: f32,
  rest: f32,
}

var<workgroup> terms: array<Term, WIDTH>;

fn combine(a: Term, b: Term) -> Term {
  return Term(larger(a.largest, b.largest), a.equals + b.equals, a.rest + b.rest);
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
  var largest = x[base + first];
  for (var turn = 0u; turn < 0x7fffffffu; turn++) {
    let c = first + (turn + 1u) * shares();
    if (c >= end) { break; }
    largest = larger(largest, x[base + c]);
  }
  largest = tree(Term(largest, 0.0, 0.0), lane).largest;
  var part = Term(largest, 0.0, 0.0);
  for (var turn = 0u; turn < 0x7fffffffu; turn++) {
    let c = first + turn * shares();
    if (c >= end) { break; }
    let shifted = x[base + c] - largest;
    part.equals += select(0.0, 1.0, shifted == 0.0);
    part.rest += select(exponential(shifted), 0.0, shifted == 0.0);
  }
  let whole = tree(part, lane);
  let rest = (whole.equals - 1.0) + whole.rest;
  for (var turn = 0u; turn < 0x7fffffffu; turn++) {
    let c = first + turn * shares();
    if (c >= end) { break; }
    let shifted = x[base + c] - largest;
    if (LOGARITHM) {
      y[base + c] = shifted - logarithm_of_one_plus(rest);
    } else {
      y[base + c] = exponential(shifted) / (1.0 + rest);
    }
  }
}

fn larger(a: f32, b: f32) -> f32 {
  return max(a, b);
}

fn exponential(x: f32) -> f32 {
  return exp(x);
}

fn logarithm_of_one_plus(x: f32) -> f32 {
  return log(1.0 + x);
}
