// x = h · weight + bias; loss[n] = log Σ exp x[n, ·] − x[n, label]; d_x = slope · (softmax x − [c = label]); d_h = d_x · weightᵀ.
// One invocation computes a row, without a barrier, which a CPU that plays the GPU is slow at.

const CLASSES = 2u;

struct Sizes {
  rows: u32,
  inner: u32,
  slope: f32,
  // CLASSES: a loop that ends by it stays one, where a row does something once.
  classes: u32,
}

@group(0) @binding(0) var<storage, read> h: array<f32>;
@group(0) @binding(1) var<storage, read> labels: array<u32>;
@group(0) @binding(2) var<storage, read> weight: array<f32>;
@group(0) @binding(3) var<storage, read_write> d_h: array<f32>;
@group(0) @binding(4) var<storage, read_write> loss: array<f32>;
@group(0) @binding(5) var<storage, read_write> correct: array<f32>;
@group(0) @binding(6) var<storage, read_write> d_x: array<f32>;
@group(0) @binding(7) var<uniform> sizes: Sizes;

fn bias_at(class_index: u32) -> f32 {
  return 0.0;
}

fn label_at(row: u32) -> i32 {
  return i32(labels[row]);
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

fn epilogue(value: f32, at: u32) -> f32 {
  return value;
}

// The lane of its subgroup that an invocation is; linked where there are subgroups.
fn lane_of(local: u32) -> u32 {
  return local;
}

// A line of the weights. Where there are subgroups, each lane loads one of eight, and the others take it from there.
fn weights_at(k: u32, lane: u32) -> array<f32, CLASSES> {
  var line: array<f32, CLASSES>;
  for (var c = 0u; c < CLASSES; c++) {
    line[c] = weight[k * CLASSES + c];
  }
  return line;
}

@compute @workgroup_size(8)
fn main(
  @builtin(global_invocation_id) id: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = id.y * groups.x * 8u + id.x;
  // Past the last row that one again, so that all lanes load; nothing is stored of it.
  let row = min(i, sizes.rows - 1u);
  let base = row * sizes.inner;
  let lane = lane_of(local);
  var sums: array<f32, CLASSES>;
  for (var k = 0u; k < 0x7fffffffu; k++) {
    if (k >= sizes.inner) { break; }
    let value = h[base + k];
    let line = weights_at(k, lane);
    for (var c = 0u; c < CLASSES; c++) {
      sums[c] += value * line[c];
    }
  }
  let label = label_at(row);
  let counts = label >= 0 && label < i32(CLASSES);
  var x = sums;
  var largest = 0.0;
  var best = 0;
  var of_label = 0.0;
  for (var c = 0u; c < 0x7fffffffu; c++) {
    if (c >= sizes.classes) { break; }
    let own = x[c] + bias_at(c);
    x[c] = own;
    best = select(best, i32(c), c > 0u && own > largest);
    largest = select(larger(largest, own), own, c == 0u);
    of_label = select(of_label, own, i32(c) == label);
  }
  // The largest class' 1 stays out of the sum: beside it, what the others have would be rounded away.
  var rest = 0.0;
  for (var c = 0u; c < 0x7fffffffu; c++) {
    if (c >= sizes.classes) { break; }
    rest += select(exponential(x[c] - largest), 0.0, i32(c) == best);
  }
  let log_rest = logarithm_of_one_plus(rest);
  let slope = select(0.0, sizes.slope, counts);
  // Nor is the label's slope p − 1, which would cancel: it is what the others have.
  var others = 0.0;
  for (var c = 0u; c < 0x7fffffffu; c++) {
    if (c >= sizes.classes) { break; }
    x[c] = exponential(x[c] - (largest + log_rest));
    others += select(x[c], 0.0, i32(c) == label);
  }
  for (var c = 0u; c < 0x7fffffffu; c++) {
    if (c >= sizes.classes) { break; }
    x[c] = slope * select(x[c], -others, i32(c) == label);
    if (i < sizes.rows) {
      d_x[row * CLASSES + c] = x[c];
    }
  }
  if (i < sizes.rows) {
    loss[row] = select(0.0, (largest - of_label) + log_rest, counts);
    correct[row] = select(0.0, 1.0, counts && best == label);
  }
  let slopes = x;
  for (var k = 0u; k < 0x7fffffffu; k++) {
    if (k >= sizes.inner) { break; }
    let line = weights_at(k, lane);
    var value = 0.0;
    for (var c = 0u; c < CLASSES; c++) {
      value += slopes[c] * line[c];
    }
    if (i < sizes.rows) {
      d_h[base + k] = epilogue(value, base + k);
    }
  }
}
