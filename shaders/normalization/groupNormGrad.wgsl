// dX = epilogue((h − mean of h − x̂ · mean of h x̂) / √(variance + epsilon)), h = dY · gamma[c], x̂ the normalized x, means over a row.
// One invocation computes one row, or as many as sizes.shares do. A row is a group of channels in all pixels of a sample.

alias Term = vec2f;

const WIDTH = 64u;
// False: the mean of x counts as 0, and h has none to lose.
const CENTERED = true;
// So many terms at a time, so that the rounding of long sums stays small.
const BLOCK = 64u;

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
@group(0) @binding(2) var<storage, read> mean: array<f32>;
@group(0) @binding(3) var<storage, read> variance: array<f32>;
@group(0) @binding(4) var<storage, read> d_y: array<f32>;
@group(0) @binding(5) var<storage, read_write> d_x: array<f32>;
@group(0) @binding(6) var<uniform> sizes: Sizes;

var<workgroup> terms: array<Term, WIDTH>;

fn combine(a: Term, b: Term) -> Term {
  return a + b;
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
  let center = mean[row];
  let inverse = inverseSqrt(variance[row] + sizes.epsilon);
  let stride = BLOCK * shares();
  var total = Term();
  for (var turn = 0u; turn < 0x7fffffffu; turn++) {
    let start = first + turn * stride;
    if (start >= end) { break; }
    var block = Term();
    for (var k = 0u; k < BLOCK; k++) {
      let t = start + k * shares();
      if (t >= end) { break; }
      let place = term_at(t);
      let h = d_y[base + place.x] * gamma[channel + place.y];
      block += Term(h, h * ((x[base + place.x] - center) * inverse));
    }
    total += block;
  }
  let means = tree(total, lane) / f32(sizes.length);
  let mean_h = select(0.0, means.x, CENTERED);
  for (var turn = 0u; turn < 0x7fffffffu; turn++) {
    let t = first + turn * shares();
    if (t >= end) { break; }
    let place = term_at(t);
    let at = base + place.x;
    let h = d_y[at] * gamma[channel + place.y];
    d_x[at] = epilogue(inverse * (h - mean_h - (x[at] - center) * inverse * means.y), at);
  }
}
