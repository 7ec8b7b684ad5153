// dX[r, c] = epilogue(gamma[c] / √(variance[c] + epsilon) · (dY − (dBeta[c] + x̂ · dGamma[c]) / rows)), x̂ being the normalized x
// One invocation computes a channel's elements in every sizes.stride-th row: what belongs to the channel is read once.

struct Sizes {
  rows: u32,
  channels: u32,
  stride: u32,
  epsilon: f32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> mean: array<f32>;
@group(0) @binding(2) var<storage, read> variance: array<f32>;
@group(0) @binding(3) var<storage, read> gamma: array<f32>;
@group(0) @binding(4) var<storage, read> d_beta: array<f32>;
@group(0) @binding(5) var<storage, read> d_gamma: array<f32>;
@group(0) @binding(6) var<storage, read> d_y: array<f32>;
@group(0) @binding(7) var<storage, read_write> d_x: array<f32>;
@group(0) @binding(8) var<uniform> sizes: Sizes;

fn epilogue(value: f32, at: u32) -> f32 {
  return value;
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * 64u + id.x;
  let c = i % sizes.channels;
  let first = i / sizes.channels;
  if (first >= sizes.stride) {
    return;
  }
  let center = mean[c];
  let inverse = inverseSqrt(variance[c] + sizes.epsilon);
  let scale = inverse * gamma[c];
  let rows = f32(sizes.rows);
  let mean_d_y = d_beta[c] / rows;
  let slope = d_gamma[c] / rows * inverse;
  for (var turn = 0u; turn < 0x7fffffffu; turn++) {
    let r = first + turn * sizes.stride;
    if (r >= sizes.rows) { break; }
    let at = r * sizes.channels + c;
    d_x[at] = epilogue(scale * (d_y[at] - mean_d_y - (x[at] - center) * slope), at);
  }
}
