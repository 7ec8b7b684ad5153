// dX as in groupNormGrad.wgsl, of rows of channels; dBeta[c] = Σ dY and dGamma[c] = Σ dY · x̂ over all rows.
// One invocation computes one row, or, in the workgroups behind those of the rows, one channel's pair.

// False: the mean counts as 0, so that what is divided by is the root of the mean square.
const CENTERED = true;
// So many terms at a time, so that the rounding of long sums stays small.
const BLOCK = 64u;

struct Sizes {
  rows: u32,
  channels: u32,
  // Workgroups of rows.
  row_groups: u32,
  epsilon: f32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> gamma: array<f32>;
@group(0) @binding(2) var<storage, read> mean: array<f32>;
@group(0) @binding(3) var<storage, read> variance: array<f32>;
@group(0) @binding(4) var<storage, read> d_y: array<f32>;
@group(0) @binding(5) var<storage, read_write> d_x: array<f32>;
@group(0) @binding(6) var<storage, read_write> d_beta: array<f32>;
@group(0) @binding(7) var<storage, read_write> d_gamma: array<f32>;
@group(0) @binding(8) var<uniform> sizes: Sizes;

fn epilogue(value: f32, at: u32) -> f32 {
  return value;
}

fn row_of(row: u32) {
  let base = row * sizes.channels;
  let center = mean[row];
  let inverse = inverseSqrt(variance[row] + sizes.epsilon);
  var total = vec2f();
  for (var turn = 0u; turn < 0x7fffffffu; turn++) {
    let start = turn * BLOCK;
    if (start >= sizes.channels) { break; }
    var block = vec2f();
    for (var k = 0u; k < BLOCK; k++) {
      let c = start + k;
      if (c >= sizes.channels) { break; }
      let h = d_y[base + c] * gamma[c];
      block += vec2f(h, h * ((x[base + c] - center) * inverse));
    }
    total += block;
  }
  let means = total / f32(sizes.channels);
  let mean_h = select(0.0, means.x, CENTERED);
  for (var c = 0u; c < 0x7fffffffu; c++) {
    if (c >= sizes.channels) { break; }
    let at = base + c;
    let h = d_y[at] * gamma[c];
    d_x[at] = epilogue(inverse * (h - mean_h - (x[at] - center) * inverse * means.y), at);
  }
}

fn channel_of(c: u32) {
  var total = vec2f();
  for (var turn = 0u; turn < 0x7fffffffu; turn++) {
    let start = turn * BLOCK;
    if (start >= sizes.rows) { break; }
    var block = vec2f();
    for (var k = 0u; k < BLOCK; k++) {
      let row = start + k;
      if (row >= sizes.rows) { break; }
      let at = row * sizes.channels + c;
      block += vec2f(d_y[at], d_y[at] * ((x[at] - mean[row]) * inverseSqrt(variance[row] + sizes.epsilon)));
    }
    total += block;
  }
  d_beta[c] = total.x;
  d_gamma[c] = total.y;
}

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let own = group.y * groups.x + group.x;
  if (own < sizes.row_groups) {
    let row = own * 64u + lane;
    if (row < sizes.rows) {
      row_of(row);
    }
  } else {
    let c = (own - sizes.row_groups) * 64u + lane;
    if (c < sizes.channels) {
      channel_of(c);
    }
  }
}
