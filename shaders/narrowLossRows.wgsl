// x = h · weight + bias; loss[n] = log Σ exp x[n, ·] − x[n, label]; d_x = slope · (softmax x − [c = label]); d_h = d_x · weightᵀ.
// One invocation computes a row, without a barrier, which a CPU that plays the GPU is slow at.

const CLASSES = 2u;

struct Sizes {
  rows: u32,
  inner: u32,
  slope: f32,
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

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let row = id.y * groups.x * 64u + id.x;
  if (row >= sizes.rows) {
    return;
  }
  let base = row * sizes.inner;
  var x: array<f32, CLASSES>;
  for (var k = 0u; k < 0x7fffffffu; k++) {
    if (k >= sizes.inner) { break; }
    let value = h[base + k];
    for (var c = 0u; c < CLASSES; c++) {
      x[c] += value * weight[k * CLASSES + c];
    }
  }
  let label = label_at(row);
  let counts = label >= 0 && label < i32(CLASSES);
  var largest = x[0] + bias_at(0u);
  var best = 0;
  var of_label = 0.0;
  for (var c = 0u; c < CLASSES; c++) {
    x[c] += bias_at(c);
    best = select(best, i32(c), x[c] > largest);
    largest = larger(largest, x[c]);
    of_label = select(of_label, x[c], i32(c) == label);
  }
  // The largest class' 1 stays out of the sum: beside it, what the others have would be rounded away.
  var rest = 0.0;
  for (var c = 0u; c < CLASSES; c++) {
    rest += select(exponential(x[c] - largest), 0.0, i32(c) == best);
  }
  let log_rest = logarithm_of_one_plus(rest);
  loss[row] = select(0.0, (largest - of_label) + log_rest, counts);
  correct[row] = select(0.0, 1.0, counts && best == label);
  let slope = select(0.0, sizes.slope, counts);
  // Nor is the label's slope p − 1, which would cancel: it is what the others have.
  var others = 0.0;
  for (var c = 0u; c < CLASSES; c++) {
    x[c] = exponential(x[c] - (largest + log_rest));
    others += select(x[c], 0.0, i32(c) == label);
  }
  for (var c = 0u; c < CLASSES; c++) {
    x[c] = slope * select(x[c], -others, i32(c) == label);
    d_x[row * CLASSES + c] = x[c];
  }
  for (var k = 0u; k < 0x7fffffffu; k++) {
    if (k >= sizes.inner) { break; }
    var value = 0.0;
    for (var c = 0u; c < CLASSES; c++) {
      value += x[c] * weight[k * CLASSES + c];
    }
    d_h[base + k] = epilogue(value, base + k);
  }
}
