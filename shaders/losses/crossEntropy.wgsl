// loss[n] = w · ((1 − s) (L − x[label]) + s (L − mean x)), L = log Σ exp x[n, ·], s the label smoothing, w = weight[n].
// One invocation computes one row, or as many as sizes.shares do: its loss, L, w, and whether the largest logit is at the label.
// L − x is (max − x) + log(1 + Σ of the other classes' exp(x − max)): where one class is sure, the loss is small, not 0.

const WIDTH = 64u;

struct Term {
  largest: f32,
  best: u32,
  total: f32,
}

struct Sizes {
  rows: u32,
  classes: u32,
  smoothing: f32,
  ignored: i32,
  shares: u32,
  // What each row's loss counts in the whole, where its gradient is computed along with it.
  row_slope: f32,
}

@group(0) @binding(0) var<storage, read> logits: array<f32>;
@group(0) @binding(1) var<storage, read> labels: array<u32>;
@group(0) @binding(2) var<storage, read_write> loss: array<f32>;
@group(0) @binding(3) var<storage, read_write> log_sum: array<f32>;
@group(0) @binding(4) var<storage, read_write> weight: array<f32>;
@group(0) @binding(5) var<storage, read_write> correct: array<f32>;
@group(0) @binding(6) var<uniform> sizes: Sizes;

var<workgroup> terms: array<Term, WIDTH>;

fn label_at(row: u32) -> i32 {
  return i32(labels[row]);
}

fn is_nan(x: f32) -> bool {
  return x != x;
}

fn exponential(x: f32) -> f32 {
  return exp(x);
}

fn logarithm_of_one_plus(x: f32) -> f32 {
  return log(1.0 + x);
}

// Of the row's own label, and of each class as a smoothed target.
fn class_weight(class_index: u32) -> f32 {
  return 1.0;
}

// NaN counts as larger than all.
fn exceeds(value: f32, best: f32) -> bool {
  return !is_nan(best) && (value > best || is_nan(value));
}

// The first of the largest, and a sum.
fn combine(a: Term, b: Term) -> Term {
  let total = a.total + b.total;
  if (exceeds(b.largest, a.largest) || (b.best < a.best && !exceeds(a.largest, b.largest))) {
    return Term(b.largest, b.best, total);
  }
  return Term(a.largest, a.best, total);
}

// One invocation has a row to itself; where several share it, the functions of tree.wgsl take the place of these two.
fn shares() -> u32 {
  return 1u;
}

fn tree(term: Term, slot: u32) -> Term {
  return term;
}

fn sum_of(total: f32, slot: u32) -> f32 {
  return tree(Term(0.0, 0u, total), slot).total;
}

// What stands before the first NaN counts, as the reference goes no further.
fn best_of(base: u32, best: Term) -> i32 {
  var at = best.best;
  if (is_nan(best.largest)) {
    at = 0u;
    for (var c = 1u; c < 0x7fffffffu; c++) {
      if (c >= best.best) { break; }
      at = select(at, c, logits[base + c] > logits[base + at]);
    }
  }
  return i32(at);
}

// What else is to be made of a row, from its class `first` up to `end`.
fn finish_row(row: u32, first: u32, end: u32, slot: u32, log_total: f32, label: i32, counts: bool) {
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
  var best = Term(logits[base + first], first, 0.0);
  for (var turn = 0u; turn < 0x7fffffffu; turn++) {
    let c = first + (turn + 1u) * shares();
    if (c >= end) { break; }
    let x = logits[base + c];
    if (exceeds(x, best.largest)) {
      best = Term(x, c, 0.0);
    }
  }
  best = tree(best, lane);
  let largest = best.largest;
  var rest = 0.0;
  for (var turn = 0u; turn < 0x7fffffffu; turn++) {
    let c = first + turn * shares();
    if (c >= end) { break; }
    rest += select(exponential(logits[base + c] - largest), 0.0, c == best.best);
  }
  let log_rest = logarithm_of_one_plus(sum_of(rest, lane));
  let log_total = largest + log_rest;
  var even = 0.0;
  if (sizes.smoothing > 0.0) {
    for (var turn = 0u; turn < 0x7fffffffu; turn++) {
      let c = first + turn * shares();
      if (c >= end) { break; }
      even += class_weight(c) * ((largest - logits[base + c]) + log_rest);
    }
    even = sum_of(even, lane) * (sizes.smoothing / f32(sizes.classes));
  }
  let label = label_at(row);
  let counts = label != sizes.ignored && label >= 0 && label < i32(sizes.classes);
  if (first == 0u && row < sizes.rows) {
    let at = u32(max(label, 0));
    let w = class_weight(at);
    let value = (1.0 - sizes.smoothing) * w * ((largest - logits[base + at]) + log_rest) + even;
    log_sum[row] = log_total;
    loss[row] = select(0.0, value, counts);
    weight[row] = select(0.0, w, counts);
    correct[row] = select(0.0, 1.0, counts && best_of(base, best) == label);
  }
  finish_row(row, first, end, lane, log_total, label, counts);
}
