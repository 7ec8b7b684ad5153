// x = h · weight + bias; loss[n] = log Σ exp x[n, ·] − x[n, label]; d_x = slope · (softmax x − [c = label]); d_h = d_x · weightᵀ.
// One workgroup computes a row: its invocations share the sums over h, and then the row of d_h.

const CLASSES = 2u;
const LANES = 64u;
const GROUPS = LANES / CLASSES;

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

var<workgroup> partial: array<f32, LANES>;
var<workgroup> logits: array<f32, CLASSES>;
var<workgroup> exponentials: array<f32, CLASSES>;
var<workgroup> slopes: array<f32, CLASSES>;

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

@compute @workgroup_size(LANES)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let row = group.y * groups.x + group.x;
  if (row >= sizes.rows) {
    return;
  }
  // Neighbours take neighbouring weights: classes side by side, several lines of them at once.
  var sum = 0.0;
  if (lane < GROUPS * CLASSES) {
    for (var turn = 0u; turn < 0x7fffffffu; turn++) {
      let k = lane / CLASSES + turn * GROUPS;
      if (k >= sizes.inner) { break; }
      sum += h[row * sizes.inner + k] * weight[k * CLASSES + lane % CLASSES];
    }
  }
  partial[lane] = sum;
  workgroupBarrier();
  // From here on one invocation has one class, up to the row of d_h.
  let has_class = lane < CLASSES;
  if (has_class) {
    var total = bias_at(lane);
    for (var other = 0u; other < GROUPS; other++) {
      total += partial[other * CLASSES + lane];
    }
    logits[lane] = total;
  }
  workgroupBarrier();
  var largest = logits[0];
  if (has_class) {
    for (var c = 1u; c < CLASSES; c++) {
      largest = larger(largest, logits[c]);
    }
    exponentials[lane] = exponential(logits[lane] - largest);
  }
  workgroupBarrier();
  if (has_class) {
    // Of each class, what the others have: a sure one's 1 − p would cancel, and so would log Σ − x.
    var others = 0.0;
    for (var c = 0u; c < CLASSES; c++) {
      others += select(exponentials[c], 0.0, c == lane);
    }
    let own = exponentials[lane];
    let label = label_at(row);
    let counts = label >= 0 && label < i32(CLASSES);
    let hit = i32(lane) == label;
    let slope = select(0.0, sizes.slope, counts);
    let d = slope * (select(own, -others, hit) / (own + others));
    slopes[lane] = d;
    d_x[row * CLASSES + lane] = d;
    if (lane == 0u) {
      var best = 0;
      var highest = logits[0];
      for (var c = 1u; c < CLASSES; c++) {
        best = select(best, i32(c), logits[c] > highest);
        highest = larger(highest, logits[c]);
      }
      var rest = 0.0;
      for (var c = 0u; c < CLASSES; c++) {
        rest += select(exponentials[c], 0.0, i32(c) == best);
      }
      loss[row] = select(0.0, (largest - logits[max(label, 0)]) + logarithm_of_one_plus(rest), counts);
      correct[row] = select(0.0, 1.0, counts && best == label);
    }
  }
  workgroupBarrier();
  for (var turn = 0u; turn < 0x7fffffffu; turn++) {
    let k = lane + turn * LANES;
    if (k >= sizes.inner) { break; }
    var value = 0.0;
    for (var c = 0u; c < CLASSES; c++) {
      value += slopes[c] * weight[k * CLASSES + c];
    }
    let at = row * sizes.inner + k;
    d_h[at] = epilogue(value, at);
  }
}
