// y[i] = finish(words of Philox at counter (part · part_count + i, step, stream, 0)); key, step and part are control's.
// One invocation makes one number.

alias Y = f32;

struct Sizes {
  count: u32,
  stream: u32,
  part_count: u32,
}

// The step, its part, and the two words of the seed.
@group(0) @binding(0) var<storage, read> control: array<u32>;
@group(0) @binding(1) var<storage, read_write> y: array<Y>;
@group(0) @binding(2) var<uniform> sizes: Sizes;

fn random_words(counter: vec4u, key: vec2u) -> vec4u {
  return counter;
}

fn finish(words: vec4u) -> Y {
  return f32(words.x >> 8u) / 16777216.0;
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * 64u + id.x;
  if (i < sizes.count) {
    let e = control[1] * sizes.part_count + i;
    y[i] = finish(random_words(vec4u(e, control[0], sizes.stream, 0u), vec2u(control[2], control[3])));
  }
}
