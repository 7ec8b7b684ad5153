// loss[n] = w · ((1 − s) (L − x[label]) + s (L − mean x)), L = log Σ exp x[n, ·], s the label smoothing, w = weight[n].
// One invocation computes one row: its loss, L, w, and whether the largest logit is at the label.

struct Sizes {
  rows: u32,
  classes: u32,
  smoothing: f32,
  ignored: i32,
}

@group(0) @binding(0) var<storage, read> logits: array<f32>;
@group(0) @binding(1) var<storage, read> labels: array<u32>;
@group(0) @binding(2) var<storage, read_write> loss: array<f32>;
@group(0) @binding(3) var<storage, read_write> log_sum: array<f32>;
@group(0) @binding(4) var<storage, read_write> weight: array<f32>;
@group(0) @binding(5) var<storage, read_write> correct: array<f32>;
@group(0) @binding(6) var<uniform> sizes: Sizes;

fn label_at(row: u32) -> i32 {
  return i32(labels[row]);
}

fn larger(a: f32, b: f32) -> f32 {
  return max(a, b);
}

fn exponential(x: f32) -> f32 {
  return exp(x);
}

fn logarithm(x: f32) -> f32 {
  return log(x);
}

// Of the row's own label, and of each class as a smoothed target.
fn class_weight(class_index: u32) -> f32 {
  return 1.0;
}

// What else is to be made of a row.
fn finish_row(row: u32, log_total: f32, label: i32, counts: bool) {
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let row = id.y * groups.x * 64u + id.x;
  if (row >= sizes.rows) {
    return;
  }
  let base = row * sizes.classes;
  var largest = logits[base];
  var best = 0;
  for (var c = 1u; c < sizes.classes; c++) {
    let x = logits[base + c];
    if (x > largest) {
      best = i32(c);
    }
    largest = larger(largest, x);
  }
  var total = 0.0;
  var even = 0.0;
  for (var c = 0u; c < sizes.classes; c++) {
    total += exponential(logits[base + c] - largest);
  }
  let log_total = largest + logarithm(total);
  if (sizes.smoothing > 0.0) {
    for (var c = 0u; c < sizes.classes; c++) {
      even += class_weight(c) * (log_total - logits[base + c]);
    }
    even *= sizes.smoothing / f32(sizes.classes);
  }
  log_sum[row] = log_total;
  let label = label_at(row);
  if (label == sizes.ignored || label < 0 || label >= i32(sizes.classes)) {
    loss[row] = 0.0;
    weight[row] = 0.0;
    correct[row] = 0.0;
    finish_row(row, log_total, label, false);
    return;
  }
  let w = class_weight(u32(label));
  loss[row] = (1.0 - sizes.smoothing) * w * (log_total - logits[base + u32(label)]) + even;
  weight[row] = w;
  correct[row] = select(0.0, 1.0, best == label);
  finish_row(row, log_total, label, true);
}
