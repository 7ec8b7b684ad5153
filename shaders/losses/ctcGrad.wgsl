// d_logits[n, t, c] = d_loss[n] · (p[t, c] − what the paths of n have at t in class c), p = softmax logits[n, t, ·].
// One workgroup computes a sample, from its last frame on: its invocations share the states.

const WIDTH = 8u;
const ROOM = 512u;

struct Sizes {
  samples: u32,
  frames: u32,
  classes: u32,
  labels: u32,
  blank: u32,
  per_label: u32,
  zero_infinity: u32,
}

@group(0) @binding(0) var<storage, read> logits: array<f32>;
@group(0) @binding(1) var<storage, read> labels: array<u32>;
@group(0) @binding(2) var<storage, read> input_lengths: array<u32>;
@group(0) @binding(3) var<storage, read> label_lengths: array<u32>;
@group(0) @binding(4) var<storage, read> shares: array<f32>;
@group(0) @binding(5) var<storage, read> d_loss: array<f32>;
@group(0) @binding(6) var<storage, read_write> d_logits: array<f32>;
@group(0) @binding(7) var<storage, read_write> posteriors: array<f32>;
@group(0) @binding(8) var<uniform> sizes: Sizes;

var<workgroup> rows: array<array<vec2f, ROOM>, 2>;

fn label_at(at: u32) -> i32 {
  return i32(labels[at]);
}

fn input_length_at(at: u32) -> i32 {
  return i32(input_lengths[at]);
}

fn label_length_at(at: u32) -> i32 {
  return i32(label_lengths[at]);
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

// From here on, the functions of ctcSample.wgsl and ctcBackward.wgsl are linked.
fn frames_of(n: u32) -> u32 {
  return sizes.frames;
}

fn count_of(n: u32) -> u32 {
  return sizes.labels;
}

fn divisor_of(count: u32) -> f32 {
  return 1.0;
}

fn frame_total(base: u32) -> vec2f {
  return vec2f(logits[base], 0.0);
}

fn backward(n: u32, frames: u32, count: u32, slope: f32, lane: u32) {
}

@compute @workgroup_size(WIDTH)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let n = group.y * groups.x + group.x;
  if (n < sizes.samples) {
    backward(n, frames_of(n), count_of(n), d_loss[n], lane);
  }
}
