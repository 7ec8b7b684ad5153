// y = (cos · x₀ − sin · x₁, sin · x₀ + cos · x₁) of the pairs x of the first heads, each by its step's angle; the others as they are.
// One invocation turns one pair.

struct Sizes {
  count: u32,
  // Pairs of a head.
  half: u32,
  heads: u32,
  // The first so many are turned.
  turned: u32,
  steps: u32,
  // −1 turns back.
  sign: f32,
}

// [N, T, H, D / 2] pairs.
@group(0) @binding(0) var<storage, read> x: array<vec2f>;
// Cosine and sine, [T, D / 2].
@group(0) @binding(1) var<storage, read> angles: array<vec2f>;
@group(0) @binding(2) var<storage, read_write> y: array<vec2f>;
@group(0) @binding(3) var<uniform> sizes: Sizes;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * 64u + id.x;
  if (i >= sizes.count) {
    return;
  }
  let line = i / sizes.half;
  let step = line / sizes.heads % sizes.steps;
  var pair = x[i];
  if (line % sizes.heads < sizes.turned) {
    let turn = angles[step * sizes.half + i % sizes.half];
    let sine = sizes.sign * turn.y;
    pair = vec2f(turn.x * pair.x - sine * pair.y, sine * pair.x + turn.x * pair.y);
  }
  y[i] = pair;
}
