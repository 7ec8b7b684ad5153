// running = keep · running + add · batch: of means, and, with another add, of variances.
// One invocation computes both of one channel.

struct Sizes {
  channels: u32,
  keep: f32,
  add_mean: f32,
  add_variance: f32,
}

@group(0) @binding(0) var<storage, read_write> running_mean: array<f32>;
@group(0) @binding(1) var<storage, read_write> running_variance: array<f32>;
@group(0) @binding(2) var<storage, read> mean: array<f32>;
@group(0) @binding(3) var<storage, read> variance: array<f32>;
@group(0) @binding(4) var<uniform> sizes: Sizes;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let c = id.y * groups.x * 64u + id.x;
  if (c >= sizes.channels) {
    return;
  }
  running_mean[c] = sizes.keep * running_mean[c] + sizes.add_mean * mean[c];
  running_variance[c] = sizes.keep * running_variance[c] + sizes.add_variance * variance[c];
}
