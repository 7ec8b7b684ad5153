// rows[r] = the sample at place position + first · part + r of the endless stream of epochs.
// One invocation finds one sample: a Feistel network under the epoch's keys permutes the places, and is walked until it
// falls inside the epoch.

struct Sizes {
  count: u32,
  length: u32,
  // Of a part of the step.
  part_rows: u32,
  // Of each half of a place; 0 takes the samples in their own order.
  half_bits: u32,
}

// Step, part, the seed's two words, epoch, position.
@group(0) @binding(0) var<storage, read> control: array<u32>;
@group(0) @binding(1) var<storage, read_write> rows: array<u32>;
@group(0) @binding(2) var<uniform> sizes: Sizes;

const ROUNDS = 8u;

fn random_words(counter: vec4u, key: vec2u) -> vec4u {
  return counter;
}

// Source: Wellons 2018, "Prospecting for Hash Functions", lowbias32.
fn mix_bits(word: u32) -> u32 {
  var x = word;
  x = (x ^ (x >> 16u)) * 0x7feb352du;
  x = (x ^ (x >> 15u)) * 0x846ca68bu;
  return x ^ (x >> 16u);
}

fn encrypt(place: u32, keys: array<vec4u, 2>) -> u32 {
  var words = keys;
  let mask = (1u << sizes.half_bits) - 1u;
  var left = place >> sizes.half_bits;
  var right = place & mask;
  for (var round = 0u; round < ROUNDS; round++) {
    let next = left ^ (mix_bits(right ^ words[round / 4u][round % 4u]) & mask);
    left = right;
    right = next;
  }
  return (left << sizes.half_bits) | right;
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let r = id.y * groups.x * 64u + id.x;
  if (r >= sizes.count) {
    return;
  }
  var place = control[5] + control[1] * sizes.part_rows + r;
  let epoch = control[4] + place / sizes.length;
  place %= sizes.length;
  if (sizes.half_bits > 0u) {
    let key = vec2u(control[2], control[3]);
    let keys = array(random_words(vec4u(0u, epoch, 0u, 1u), key), random_words(vec4u(1u, epoch, 0u, 1u), key));
    place = encrypt(place, keys);
    // Each walk ends, as the places lie on cycles; the bound only says so to the compiler.
    for (var steps = 0u; steps < 4096u; steps++) {
      if (place < sizes.length) { break; }
      place = encrypt(place, keys);
    }
  }
  rows[r] = place;
}
