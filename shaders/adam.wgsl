// m = β1 m + (1 − β1) g,  v = β2 v + (1 − β2) g²,  p = p − lr · (m / c1) / (√v / √c2 + ε), c1 and c2 Adam's corrections.
// One invocation updates one parameter of the whole model; its block's group says how, or that it stays.

// Whether decay is taken from the weight itself (AdamW) or added to its gradient (Adam).
const DECOUPLED = false;

struct Sizes {
  count: u32,
  rows: u32,
  beta1: f32,
  beta2: f32,
  one_minus_beta1: f32,
  one_minus_beta2: f32,
  epsilon: f32,
}

@group(0) @binding(0) var<storage, read_write> parameters: array<f32>;
@group(0) @binding(1) var<storage, read> gradients: array<f32>;
@group(0) @binding(2) var<storage, read_write> m: array<f32>;
@group(0) @binding(3) var<storage, read_write> v: array<f32>;
// By block of 64: its group. By group: factor of the learning rate, decay, 1 if it trains.
@group(0) @binding(4) var<storage, read> blocks: array<u32>;
@group(0) @binding(5) var<storage, read> groups: array<vec4f>;
// By step: learning rate, 1 / c1, 1 / √c2.
@group(0) @binding(6) var<storage, read> schedule: array<vec4f>;
@group(0) @binding(7) var<storage, read> control: array<u32>;
@group(0) @binding(8) var<uniform> sizes: Sizes;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) workgroups: vec3u) {
  let i = id.y * workgroups.x * 64u + id.x;
  if (i >= sizes.count) {
    return;
  }
  let group = groups[blocks[i / 64u]];
  if (group.z == 0.0) {
    return;
  }
  let now = schedule[control[0] % sizes.rows];
  let rate = now.x * group.x;
  let p = parameters[i];
  let g = gradients[i] + select(group.y * p, 0.0, DECOUPLED);
  let next_m = sizes.beta1 * m[i] + sizes.one_minus_beta1 * g;
  let next_v = sizes.beta2 * v[i] + sizes.one_minus_beta2 * g * g;
  m[i] = next_m;
  v[i] = next_v;
  let kept = p * (1.0 - select(0.0, rate * group.y, DECOUPLED));
  parameters[i] = kept - rate * (next_m * now.y) / (sqrt(next_v) * now.z + sizes.epsilon);
}
