// dX[n, c] = dLoss[n] · ((1 − s) w_label (p[c] − [c = label]) + s / C · (p[c] Σ w − w[c])), p = exp(x − L).
// One invocation computes one row, or as many as sizes.shares do.

alias Term = f32;

const WIDTH = 64u;

struct Sizes {
  rows: u32,
  classes: u32,
  smoothing: f32,
  ignored: i32,
  shares: u32,
}

@group(0) @binding(0) var<storage, read> logits: array<f32>;
@group(0) @binding(1) var<storage, read> labels: array<u32>;
@group(0) @binding(2) var<storage, read> log_sum: array<f32>;
@group(0) @binding(3) var<storage, read> d_loss: array<f32>;
@group(0) @binding(4) var<storage, read_write> d_logits: array<f32>;
@group(0) @binding(5) var<uniform> sizes: Sizes;

var<workgroup> terms: array<Term, WIDTH>;

fn label_at(row: u32) -> i32 {
  return i32(labels[row]);
}

fn exponential(x: f32) -> f32 {
  return exp(x);
}

fn class_weight(class_index: u32) -> f32 {
  return 1.0;
}

// Without smoothing.
fn cross_entropy_slope(p: f32, beyond: f32, sharp: f32, even: f32, total_weight: f32, weight: f32) -> f32 {
  return sharp * beyond;
}

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
  let label = label_at(row);
  let counts = label != sizes.ignored && label >= 0 && label < i32(sizes.classes);
  let d_row = select(0.0, d_loss[row], counts);
  var total_weight = f32(sizes.classes);
  if (sizes.smoothing > 0.0) {
    total_weight = 0.0;
    for (var turn = 0u; turn < 0x7fffffffu; turn++) {
      let c = first + turn * shares();
      if (c >= end) { break; }
      total_weight += class_weight(c);
    }
    total_weight = tree(total_weight, lane);
  }
  let sharp = (1.0 - sizes.smoothing) * class_weight(u32(max(label, 0)));
  let even = sizes.smoothing / f32(sizes.classes);
  var others = 0.0;
  for (var turn = 0u; turn < 0x7fffffffu; turn++) {
    let c = first + turn * shares();
    if (c >= end) { break; }
    let p = exponential(logits[base + c] - log_sum[row]);
    others += select(p, 0.0, i32(c) == label);
    d_logits[base + c] = d_row * cross_entropy_slope(p, p, sharp, even, total_weight, class_weight(c));
  }
  others = tree(others, lane);
  // 1 − p of the label's class would cancel: it is what the others have.
  if (counts && u32(label) < end && u32(label) % shares() == first) {
    let p = exponential(logits[base + u32(label)] - log_sum[row]);
    let slope = cross_entropy_slope(p, -others, sharp, even, total_weight, class_weight(u32(label)));
    d_logits[base + u32(label)] = d_row * slope;
  }
}
