// before[n, t] = h[n, t − 1], or h[n, t + 1] in reverse; at a sample's first step what it began with.
// One invocation computes one unit's.

struct Sizes {
  count: u32,
  steps: u32,
  units: u32,
  // Whether from each sample's last step to its first.
  reverse: u32,
}

@group(0) @binding(0) var<storage, read> h: array<f32>;
@group(0) @binding(1) var<storage, read_write> before: array<f32>;
@group(0) @binding(2) var<uniform> sizes: Sizes;

// How many steps a sample has.
fn length_of(n: u32) -> u32 {
  return sizes.steps;
}

fn initial_at(at: u32) -> f32 {
  return 0.0;
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let at = id.y * groups.x * 64u + id.x;
  if (at >= sizes.count) {
    return;
  }
  let u = at % sizes.units;
  let t = at / sizes.units % sizes.steps;
  let n = at / (sizes.units * sizes.steps);
  let length = length_of(n);
  let is_first = t == select(0u, length - 1u, sizes.reverse != 0u);
  if (t >= length) {
    before[at] = 0.0;
  } else if (is_first) {
    before[at] = initial_at(n * sizes.units + u);
  } else {
    before[at] = h[select(at - sizes.units, at + sizes.units, sizes.reverse != 0u)];
  }
}
