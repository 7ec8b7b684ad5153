// Legend: T queries, S keys, H heads in groups that share one of k and v, D channels; a row is a query of a head.
// Scores are powers of two, so that no exponential multiplies by ln 2: lse alone is natural.

// Where lines are no whole vectors, or do not begin at one: f32.
alias Element = vec4f;

const LN2 = 0.6931471805599453;

struct Place {
  first: u32,
  // From one time step to the next. What is in a uniform fills whole vectors.
  @size(12) stride: u32,
}

struct Sizes {
  queries: u32,
  keys: u32,
  heads: u32,
  // Heads that share keys.
  group: u32,
  channels: u32,
  // Keys before and behind a query's own place that it sees.
  left: u32,
  right: u32,
  // Tiles of a head, and of all heads of all samples.
  tiles: u32,
  all_tiles: u32,
  // 1/√D; and times log₂ e.
  scale: f32,
  score: f32,
  // −∞: WGSL forbids it in a constant expression.
  nothing: f32,
  q: Place,
  k: Place,
  v: Place,
  // Where slopes go.
  to_q: Place,
  to_k: Place,
  to_v: Place,
  // Elements of the mask from one sample, head and query to the next.
  mask_sample: u32,
  mask_head: u32,
  mask_query: u32,
  // Dropout: the stream, the rate in units of 2⁻²⁴, 1 / (1 − rate), rows of an earlier part of the step.
  stream: u32,
  threshold: u32,
  kept: f32,
  part_count: u32,
  // 1, which a compiler does not know.
  one: u32,
}

@group(0) @binding(0) var<storage, read> q: array<Element>;
@group(0) @binding(1) var<storage, read> k: array<Element>;
@group(0) @binding(2) var<storage, read> v: array<Element>;

// Four channels from an element on, of which `left` are left; 0 past them.
fn q_four(at: u32, left: u32) -> vec4f {
  return q[at / 4u];
}

fn k_four(at: u32, left: u32) -> vec4f {
  return k[at / 4u];
}

fn v_four(at: u32, left: u32) -> vec4f {
  return v[at / 4u];
}

// Keys that a sample has.
fn length_of(n: u32) -> u32 {
  return sizes.keys;
}

// A loop that ends by a word of the uniform stays a loop, with one load in its text.
fn turns_of_eight() -> u32 {
  return 8u * sizes.one;
}

// By bit, what a mask says of keys of a query, from one on and so many; and of queries of a key.
fn unmasked(n: u32, h: u32, t: u32, key: u32, count: u32) -> u32 {
  return 0xffffffffu;
}

fn unmasked_for(n: u32, h: u32, t: u32, key: u32, count: u32) -> u32 {
  return 0xffffffffu;
}

// What is kept of the weights of four keys of a row, from a multiple of four on, and of four rows' of a key.
fn kept_of(row: u32, key: u32) -> vec4f {
  return vec4f(1.0);
}

fn kept_for(row: u32, key: u32) -> vec4f {
  return vec4f(1.0);
}

// Where a head's channels begin at a step.
fn place_of(place: Place, step: u32, head: u32) -> u32 {
  return place.first + step * place.stride + head * sizes.channels;
}

fn four_bits(bits: u32) -> vec4<bool> {
  return (vec4u(bits) & vec4u(1u, 2u, 4u, 8u)) != vec4u();
}

// Which of four keys a query sees, of a sample that has so many, and which of four queries see a key.
fn seen(t: u32, key: u32, length: u32) -> vec4<bool> {
  let keys = vec4u(key, key + 1u, key + 2u, key + 3u);
  return (keys < vec4u(min(length, t + sizes.right + 1u))) & (keys + sizes.left >= vec4u(t));
}

fn seen_by(t: u32, key: u32, length: u32) -> vec4<bool> {
  let queries = vec4u(t, t + 1u, t + 2u, t + 3u);
  let end = select(0u, min(sizes.queries, key + sizes.left + 1u), key < length);
  return (queries < vec4u(end)) & (queries + sizes.right >= vec4u(key));
}

// 2ˣ for x up to 0, to two units in the last place; 0 where no normal number is as small, NaN for NaN.
fn power_of_two(x: vec4f) -> vec4f {
  // 1.5 · 2²³ rounds what is added to it, and its bits count on from there.
  let twos = bitcast<vec4i>(max(x, vec4f(-127.0)) + 12582912.0) - bitcast<i32>(12582912.0);
  let r = x - vec4f(twos);
  let rest = r * (0.69314718 + r * (0.24022651 + r * (0.055504109 + r * (0.0096181291 + r * (0.0013333558 + r * 0.00015403530)))));
  return select((1.0 + rest) * bitcast<vec4f>((twos + 127) << vec4u(23u)), vec4f(), x < vec4f(-126.0));
}
