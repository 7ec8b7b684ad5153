// tokens[known] = a class, drawn by softmax(logits / temperature) among the likeliest; then control counts on.
// One workgroup does all of it; an invocation has a range of the classes.

const WIDTH = 8u;
// By eight bits of a key at a time.
const BINS = 256u;
// What stands for a token where the logits are none of which one could be drawn.
const NONE = 0xffffffffu;

struct Sizes {
  classes: u32,
  ring: u32,
  // Names the draws.
  stream: u32,
}

// What control says of a draw.
struct Draw {
  inverse_temperature: f32,
  top_k: u32,
  top_p: u32,
  // Where the token is to be, and a word of chance.
  place: u32,
  chance: u32,
  // 0 where the text goes on with tokens that are known.
  is_due: u32,
}

// The likeliest classes: those whose key is above this one, and of those that have it so many, the first.
struct Cut {
  key: u32,
  ties: u32,
}

// Step, part, seed, epoch, position, known, context, 1 / temperature, top k, top p: see src/ops/generation/control.ts.
@group(0) @binding(0) var<storage, read_write> control: array<u32>;
@group(0) @binding(1) var<storage, read_write> tokens: array<u32>;
@group(0) @binding(2) var<storage, read> logits: array<f32>;
@group(0) @binding(3) var<uniform> sizes: Sizes;

var<workgroup> draw: Draw;
// The largest key, and how many classes there are from the first that has it on.
var<workgroup> highest: atomic<u32>;
var<workgroup> from_highest: atomic<u32>;
// Weights by bin, in two halves of 15 bits each: sums of integers are the same in any order.
var<workgroup> highs: array<atomic<u32>, BINS>;
var<workgroup> lows: array<atomic<u32>, BINS>;
// While a cut is sought: the bits of its key that are known, and what lies above them.
var<workgroup> prefix: u32;
var<workgroup> above: vec2u;
var<workgroup> cut: Cut;
// By invocation: how much its classes weigh above the cut, and how many lie at it; then where its kept classes begin in
// the sum of all, and how many at the cut are kept.
var<workgroup> weighs: array<vec2u, WIDTH>;
var<workgroup> ties: array<u32, WIDTH>;
var<workgroup> total: vec2u;

fn philox(start: vec4u, start_key: vec2u) -> vec4u {
  return start;
}

fn multiply_high(a: u32, b: u32) -> u32 {
  return 0u;
}

fn exponential(x: f32) -> f32 {
  return exp(x);
}

// Numbers of 64 bits: the low word, then the high one.
fn plus(a: vec2u, b: vec2u) -> vec2u {
  let low = a.x + b.x;
  return vec2u(low, a.y + b.y + select(0u, 1u, low < a.x));
}

fn minus(a: vec2u, b: vec2u) -> vec2u {
  return vec2u(a.x - b.x, a.y - b.y - select(0u, 1u, a.x < b.x));
}

fn is_less(a: vec2u, b: vec2u) -> bool {
  return a.y < b.y || (a.y == b.y && a.x < b.x);
}

fn times(a: u32, b: u32) -> vec2u {
  return vec2u(a * b, multiply_high(a, b));
}

// a · share / 2³², of an a below 2⁶⁰.
fn share_of(a: vec2u, share: u32) -> vec2u {
  return plus(vec2u(multiply_high(a.x, share), 0u), times(a.y, share));
}

// Larger for larger logits, the same for 0 and −0; NaN has the largest.
fn key_of(x: f32) -> u32 {
  let bits = bitcast<u32>(x);
  if ((bits & 0x7fffffffu) > 0x7f800000u) {
    return 0xffffffffu;
  }
  if (bits == 0x80000000u) {
    return 0x80000000u;
  }
  return select(bits | 0x80000000u, ~bits, bits > 0x80000000u);
}

fn logit_of(key: u32) -> f32 {
  return bitcast<f32>(select(~key, key ^ 0x80000000u, key >= 0x80000000u));
}

// e to the power of (x − the largest logit) / temperature, in units of 2⁻³⁰.
fn weight_of(x: f32) -> u32 {
  let exponent = (x - logit_of(atomicLoad(&highest))) * draw.inverse_temperature;
  // −∞ as well.
  if (!(exponent > -21.0)) {
    return 0u;
  }
  return u32(exponential(exponent) * 1073741824.0);
}

fn first_of(lane: u32) -> u32 {
  return min(lane * ((sizes.classes + WIDTH - 1u) / WIDTH), sizes.classes);
}

// The largest logit, the first of equals.
fn find_highest(lane: u32) {
  var best = 0u;
  var at = 0u;
  let end = first_of(lane + 1u);
  for (var turn = 0u; turn < 0x7fffffffu; turn++) {
    let i = first_of(lane) + turn;
    if (i >= end) { break; }
    let key = key_of(logits[i]);
    if (key > best) {
      best = key;
      at = i;
    }
  }
  atomicMax(&highest, best);
  workgroupBarrier();
  if (best == atomicLoad(&highest)) {
    atomicMax(&from_highest, sizes.classes - at);
  }
  workgroupBarrier();
}

// The fewest of the likeliest classes that have so much together: as many as they are, or what they weigh.
fn find_cut(lane: u32, weighing: bool, wanted: vec2u) {
  if (lane == 0u) {
    prefix = 0u;
    above = vec2u(0u);
  }
  for (var round = 0u; round < 4u; round++) {
    let shift = 24u - 8u * round;
    for (var turn = 0u; turn < BINS / WIDTH; turn++) {
      atomicStore(&highs[turn * WIDTH + lane], 0u);
      atomicStore(&lows[turn * WIDTH + lane], 0u);
    }
    workgroupBarrier();
    let end = first_of(lane + 1u);
    for (var turn = 0u; turn < 0x7fffffffu; turn++) {
      let i = first_of(lane) + turn;
      if (i >= end) { break; }
      let key = key_of(logits[i]);
      if (round > 0u && key >> (shift + 8u) != prefix) { continue; }
      let bin = (key >> shift) & 255u;
      var weight = 1u;
      if (weighing) {
        weight = weight_of(logits[i]);
      }
      atomicAdd(&lows[bin], weight & 0x7fffu);
      atomicAdd(&highs[bin], weight >> 15u);
    }
    workgroupBarrier();
    if (lane == 0u) {
      var bin = BINS - 1u;
      for (var turn = 0u; turn < BINS; turn++) {
        let high = atomicLoad(&highs[bin]);
        let with_bin = plus(above, plus(vec2u(high << 15u, high >> 17u), vec2u(atomicLoad(&lows[bin]), 0u)));
        if (bin == 0u || !is_less(with_bin, wanted)) { break; }
        above = with_bin;
        bin--;
      }
      prefix = (prefix << 8u) | bin;
    }
    workgroupBarrier();
  }
  if (lane == 0u) {
    var weight = 1u;
    if (weighing) {
      weight = weight_of(logit_of(prefix));
    }
    let rest = minus(wanted, above);
    // The most that do not suffice.
    var short = 0u;
    for (var bit = 17u; bit > 0u; bit--) {
      let more = short | (1u << (bit - 1u));
      if (is_less(times(more, weight), rest)) {
        short = more;
      }
    }
    cut = Cut(prefix, short + 1u);
  }
  workgroupBarrier();
}

// What the classes of the cut weigh, and where those of each invocation begin.
fn weigh(lane: u32) {
  var sum = vec2u(0u);
  var equals = 0u;
  let end = first_of(lane + 1u);
  for (var turn = 0u; turn < 0x7fffffffu; turn++) {
    let i = first_of(lane) + turn;
    if (i >= end) { break; }
    let key = key_of(logits[i]);
    if (key > cut.key) {
      sum = plus(sum, vec2u(weight_of(logits[i]), 0u));
    }
    equals += select(0u, 1u, key == cut.key);
  }
  weighs[lane] = sum;
  ties[lane] = equals;
  workgroupBarrier();
  if (lane == 0u) {
    let weight = weight_of(logit_of(cut.key));
    var left = cut.ties;
    var start = vec2u(0u);
    for (var other = 0u; other < WIDTH; other++) {
      let kept = min(left, ties[other]);
      let own = plus(weighs[other], times(kept, weight));
      left -= kept;
      ties[other] = kept;
      weighs[other] = start;
      start = plus(start, own);
    }
    total = start;
  }
  workgroupBarrier();
}

// The class in which a place of the sum lies, if it is one of this invocation's; it is put among the tokens.
fn pick(lane: u32, place: vec2u) {
  var start = weighs[lane];
  var left = ties[lane];
  let end = first_of(lane + 1u);
  for (var turn = 0u; turn < 0x7fffffffu; turn++) {
    let i = first_of(lane) + turn;
    if (i >= end) { break; }
    let key = key_of(logits[i]);
    let is_tie = key == cut.key && left > 0u;
    if (key > cut.key || is_tie) {
      left -= select(0u, 1u, is_tie);
      let behind = plus(start, vec2u(weight_of(logits[i]), 0u));
      if (!is_less(place, start) && is_less(place, behind)) {
        tokens[draw.place % sizes.ring] = i;
      }
      start = behind;
    }
  }
}

// A context that is full begins anew, with its last half.
fn count_on() {
  let known = control[6] + draw.is_due;
  control[6] = known;
  control[0]++;
  control[5]++;
  if (control[7] > 0u && control[5] >= control[7]) {
    control[5] = 0u;
    control[0] = known - max(1u, control[7] >> 1u);
  }
}

@compute @workgroup_size(WIDTH)
fn main(@builtin(local_invocation_index) lane: u32) {
  if (lane == 0u) {
    let known = control[6];
    let is_due = select(0u, 1u, control[0] + 1u == known);
    let chance = philox(vec4u(known, 0u, sizes.stream, 0u), vec2u(control[2], control[3])).x;
    draw = Draw(bitcast<f32>(control[8]), control[9], control[10], known, chance, is_due);
    cut = Cut(0u, NONE);
  }
  let wanted = workgroupUniformLoad(&draw);
  if (wanted.is_due == 1u) {
    find_highest(lane);
    let key = atomicLoad(&highest);
    // NaN, ∞, or −∞ in all of them.
    let is_none = key >= 0xff800000u || key <= 0x007fffffu;
    if (lane == 0u && (is_none || wanted.top_k == 1u)) {
      tokens[wanted.place % sizes.ring] = select(sizes.classes - atomicLoad(&from_highest), NONE, is_none);
    }
    if (wanted.top_k != 1u) {
      if (wanted.top_k > 0u && wanted.top_k < sizes.classes) {
        find_cut(lane, false, vec2u(wanted.top_k, 0u));
      }
      weigh(lane);
      if (wanted.top_p > 0u) {
        let share = share_of(total, wanted.top_p);
        find_cut(lane, true, select(share, vec2u(1u, 0u), share.x == 0u && share.y == 0u));
        weigh(lane);
      }
      if (!is_none) {
        pick(lane, share_of(total, wanted.chance));
      }
    }
  }
  if (lane == 0u) {
    count_on();
  }
}
