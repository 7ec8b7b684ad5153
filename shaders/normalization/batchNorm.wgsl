// y[r, c] = epilogue((x[r, c] − mean[c]) / √(variance[c] + epsilon) · gamma[c] + beta[c])
// One invocation computes a channel's elements in every sizes.stride-th row: what belongs to the channel is read once.

alias BESIDES = u32;

struct Sizes {
  rows: u32,
  channels: u32,
  stride: u32,
  epsilon: f32,
  @align(16) besides: BESIDES,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> mean: array<f32>;
@group(0) @binding(2) var<storage, read> variance: array<f32>;
@group(0) @binding(3) var<storage, read> gamma: array<f32>;
@group(0) @binding(4) var<storage, read> beta: array<f32>;
@group(0) @binding(5) var<storage, read_write> y: array<f32>;
@group(0) @binding(6) var<uniform> sizes: Sizes;

fn epilogue(value: f32, at: u32) -> f32 {
  return value;
}

// What rides on the launch.
fn besides(i: u32) {
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * 64u + id.x;
  let c = i % sizes.channels;
  besides(i);
  let first = i / sizes.channels;
  if (first >= sizes.stride) {
    return;
  }
  let center = mean[c];
  let scale = inverseSqrt(variance[c] + sizes.epsilon) * gamma[c];
  let shift = beta[c];
  for (var turn = 0u; turn < 0x7fffffffu; turn++) {
    let r = first + turn * sizes.stride;
    if (r >= sizes.rows) { break; }
    let at = r * sizes.channels + c;
    y[at] = epilogue((x[at] - center) * scale + shift, at);
  }
}
