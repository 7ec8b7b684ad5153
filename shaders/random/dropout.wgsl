// y[i] = epilogue(x[i] · (kept if the uniform of element e = part · part_count + i is at least the rate, else dropped))
// One invocation takes the elements of one counter, 4c ≤ e < 4c + 4, so that each counter is drawn once.

struct Sizes {
  count: u32,
  stream: u32,
  // The rate in units of 2⁻²⁴.
  threshold: u32,
  // 1 / (1 − rate) and 0: both come in, for a compiler that knew the 0 could hide a NaN behind it.
  kept: f32,
  dropped: f32,
  part_count: u32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
// The step, its part, and the two words of the seed.
@group(0) @binding(1) var<storage, read> control: array<u32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<uniform> sizes: Sizes;

fn random_words(counter: vec4u, key: vec2u) -> vec4u {
  return counter;
}

fn epilogue(value: f32, at: u32) -> f32 {
  return value;
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let first = control[1] * sizes.part_count;
  let start = 4u * ((first >> 2u) + id.y * groups.x * 64u + id.x);
  var words = random_words(vec4u(start >> 2u, control[0], sizes.stream, 1u), vec2u(control[2], control[3]));
  let turns = min(4u, first + sizes.count - start);
  for (var k = 0u; k < 0x7fffffffu; k++) {
    if (k >= turns) { break; }
    // Elements before the first wrap around, beyond the last.
    let i = start + k - first;
    if (i < sizes.count) {
      y[i] = epilogue(x[i] * select(sizes.dropped, sizes.kept, (words.x >> 8u) >= sizes.threshold), i);
    }
    words = words.yzww;
  }
}
