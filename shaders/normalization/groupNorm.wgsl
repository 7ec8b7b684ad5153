// y = epilogue((x − mean) / √(variance + epsilon) · gamma[c] + beta[c]) with mean and variance of x over its own row.
// One invocation computes one row, or as many as sizes.shares do. A row is a group of channels in all pixels of a sample.

const WIDTH = 64u;
// False: the mean counts as 0, so that what is divided by is the root of the mean square.
const CENTERED = true;
// So few terms at a time, so that even one far from all others does little harm as what the others are taken from.
const BLOCK = 16u;

struct Sizes {
  rows: u32,
  // Terms of a row.
  length: u32,
  // Of a group.
  width: u32,
  channels: u32,
  pixels: u32,
  shares: u32,
  epsilon: f32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> gamma: array<f32>;
@group(0) @binding(2) var<storage, read> beta: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<storage, read_write> mean: array<f32>;
@group(0) @binding(5) var<storage, read_write> variance: array<f32>;
@group(0) @binding(6) var<uniform> sizes: Sizes;

// How many numbers, their mean less the pivot, the sum of their squared deviations from it.
struct Term {
  count: f32,
  mean: f32,
  squares: f32,
}

var<workgroup> terms: array<Term, WIDTH>;

fn combine(a: Term, b: Term) -> Term {
  let count = a.count + b.count;
  let share = b.count / max(count, 1.0);
  let difference = b.mean - a.mean;
  return Term(
    count,
    a.mean + difference * share,
    a.squares + b.squares + difference * difference * (a.count * share),
  );
}

// The place of a term, counted from its row's first, and its channel, counted from its group's first.
fn term_at(t: u32) -> vec2u {
  if (sizes.width == sizes.length) {
    return vec2u(t, t);
  }
  let pixel = t / sizes.width;
  let c = t - pixel * sizes.width;
  return vec2u(pixel * sizes.channels + c, c);
}

fn block_at(start: u32, stop: u32, base: u32, pivot: f32) -> Term {
  let near = select(0.0, x[base + term_at(start).x] - pivot, CENTERED);
  var total = 0.0;
  var squares = 0.0;
  var count = 0.0;
  for (var turn = 0u; turn < 0x7fffffffu; turn++) {
    let t = start + turn * shares();
    if (t >= stop) { break; }
    let difference = x[base + term_at(t).x] - pivot - near;
    total += difference;
    squares += difference * difference;
    count += 1.0;
  }
  let shift = select(0.0, total / count, CENTERED);
  return Term(count, near + shift, squares - total * shift);
}

// One invocation has a row to itself; where several share it, the functions of tree.wgsl take the place of these two.
fn shares() -> u32 {
  return 1u;
}

fn tree(term: Term, slot: u32) -> Term {
  return term;
}

fn epilogue(value: f32, at: u32) -> f32 {
  return value;
}

@compute @workgroup_size(WIDTH)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let row = (group.y * groups.x + group.x) * (WIDTH / shares()) + lane / shares();
  let in_sample = sizes.channels / sizes.width;
  let channel = row % in_sample * sizes.width;
  let base = row / in_sample * sizes.pixels * sizes.channels + channel;
  let first = lane % shares();
  let end = select(0u, sizes.length, row < sizes.rows);
  // All are taken from one of them, so that a large mean costs no digits of a small deviation.
  let pivot = select(0.0, x[base], CENTERED);
  let stride = BLOCK * shares();
  var total = Term(0.0, 0.0, 0.0);
  for (var turn = 0u; turn < 0x7fffffffu; turn++) {
    let start = first + turn * stride;
    if (start >= end) { break; }
    total = combine(total, block_at(start, min(start + stride, end), base, pivot));
  }
  total = tree(total, lane);
  let spread = total.squares / total.count;
  if (row < sizes.rows && first == 0u) {
    mean[row] = pivot + total.mean;
    variance[row] = spread;
  }
  let inverse = inverseSqrt(spread + sizes.epsilon);
  for (var turn = 0u; turn < 0x7fffffffu; turn++) {
    let t = first + turn * shares();
    if (t >= end) { break; }
    let place = term_at(t);
    let at = base + place.x;
    let c = channel + place.y;
    y[at] = epilogue((x[at] - pivot - total.mean) * inverse * gamma[c] + beta[c], at);
  }
}
