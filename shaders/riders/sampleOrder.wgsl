// order[i] = the sample at place position + first · part + i of the endless stream of epochs: a Feistel network under the
// epoch's keys permutes the places, and is walked until it falls inside the epoch.

struct Besides {
  count: u32,
  length: u32,
  // Of a part of the step.
  part_rows: u32,
  // Of each half of a place; 0 takes the samples in their own order.
  half_bits: u32,
}

const ROUNDS = 8u;

// Source: Wellons 2018, "Prospecting for Hash Functions", lowbias32.
fn mix_bits(word: u32) -> u32 {
  var x = word;
  x = (x ^ (x >> 16u)) * 0x7feb352du;
  x = (x ^ (x >> 15u)) * 0x846ca68bu;
  return x ^ (x >> 16u);
}

fn encrypt(place: u32, keys: array<vec4u, 2>) -> u32 {
  var words = keys;
  let half_bits = sizes.besides.half_bits;
  let mask = (1u << half_bits) - 1u;
  var left = place >> half_bits;
  var right = place & mask;
  for (var round = 0u; round < ROUNDS; round++) {
    let next = left ^ (mix_bits(right ^ words[round / 4u][round % 4u]) & mask);
    left = right;
    right = next;
  }
  return (left << half_bits) | right;
}

// Of the control: step, part, the seed's two words, epoch, position.
fn besides(i: u32) {
  let own = sizes.besides;
  if (i >= own.count) {
    return;
  }
  var place = counting[5] + counting[1] * own.part_rows + i;
  let epoch = counting[4] + place / own.length;
  place %= own.length;
  if (own.half_bits > 0u) {
    let key = vec2u(counting[2], counting[3]);
    let keys = array(philox(vec4u(0u, epoch, 0u, 1u), key), philox(vec4u(1u, epoch, 0u, 1u), key));
    place = encrypt(place, keys);
    // Each walk ends, as the places lie on cycles; the bound only says so to the compiler.
    for (var steps = 0u; steps < 4096u; steps++) {
      if (place < own.length) { break; }
      place = encrypt(place, keys);
    }
  }
  order[i] = place;
}
