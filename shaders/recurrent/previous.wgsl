// before[n, t] = h[n, t − 1], or h[n, t + 1] in reverse; at a sample's first step what it began with.
// One invocation computes one unit's, STEPS of them: where it stands is a matter of divisions, which a CPU does lane by lane.

const STEPS = 16u;

struct Sizes {
  count: u32,
  steps: u32,
  // STEPS of a sample go into all of its steps so many times.
  parts: u32,
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
  let i = id.y * groups.x * 64u + id.x;
  if (i >= sizes.count) {
    return;
  }
  let u = i % sizes.units;
  let part = i / sizes.units;
  let n = part / sizes.parts;
  let begin = (part - n * sizes.parts) * STEPS;
  let length = length_of(n);
  let first = select(0u, length - 1u, sizes.reverse != 0u);
  let end = min(begin + STEPS, sizes.steps);
  for (var turn = 0u; turn < 0x7fffffffu; turn++) {
    let t = begin + turn;
    if (t >= end) { break; }
    let at = (n * sizes.steps + t) * sizes.units + u;
    if (t >= length) {
      before[at] = 0.0;
    } else if (t == first) {
      before[at] = initial_at(n * sizes.units + u);
    } else {
      before[at] = h[select(at - sizes.units, at + sizes.units, sizes.reverse != 0u)];
    }
  }
}
