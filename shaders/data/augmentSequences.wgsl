// y[n, t, c] = epilogue(x[n, t − shift, c]), or fill beyond the ends and under a mask.
// One invocation draws what happens to sample n, and makes a run of neighbouring elements of it.

alias X_ELEMENT = f32;

struct Sizes {
  samples: u32,
  steps: u32,
  features: u32,
  // Elements that an invocation makes, and invocations of a sample.
  run: u32,
  shares: u32,
  stream: u32,
  part_count: u32,
  // How many different shifts there are.
  shifts: u32,
  // Masks over steps, and all: those behind them are over features.
  time_masks: u32,
  masks: u32,
  longest_time: u32,
  longest_feature: u32,
  fill: f32,
}

@group(0) @binding(0) var<storage, read> x: array<X_ELEMENT>;
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

fn x_at(at: u32) -> f32 {
  return x[at];
}

// Where among the samples that are bound sample n lies.
fn place_of(n: u32) -> u32 {
  return n;
}

fn words_of(n: u32, block: u32) -> vec4u {
  let sample = control[1] * sizes.part_count + n;
  return random_words(vec4u(sample, control[0], sizes.stream, 3u + (block << 8u)), vec2u(control[2], control[3]));
}

// The first place under mask m, and how many there are.
fn mask_of(n: u32, m: u32) -> vec2u {
  let words = words_of(n, 1u + m / 2u);
  let own = select(words.xy, words.zw, m % 2u == 1u);
  let over_time = m < sizes.time_masks;
  let width = own.x % (select(sizes.longest_feature, sizes.longest_time, over_time) + 1u);
  let start = own.y % (select(sizes.features, sizes.steps, over_time) - width + 1u);
  return vec2u(start, width);
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * 64u + id.x;
  let n = i / sizes.shares;
  if (n >= sizes.samples) {
    return;
  }
  let size = sizes.steps * sizes.features;
  let shift = words_of(n, 0u).x % sizes.shifts;
  // What is before the first step becomes very large.
  let back = shift - sizes.shifts / 2u;
  var masks: array<vec2u, 8>;
  for (var m = 0u; m < 8u; m++) {
    if (m < sizes.masks) {
      masks[m] = mask_of(n, m);
    }
  }
  let source = place_of(n) * size;
  let first = (i - n * sizes.shares) * sizes.run;
  for (var turn = 0u; turn < 0x7fffffffu; turn++) {
    let at = first + turn;
    if (turn >= sizes.run || at >= size) { break; }
    let t = at / sizes.features;
    let c = at - t * sizes.features;
    var is_seen = t - back < sizes.steps;
    for (var m = 0u; m < 8u; m++) {
      // Of a mask of no width, as of one that there is not, no place is within.
      let place = select(c, t, m < sizes.time_masks);
      is_seen = is_seen && place - masks[m].x >= masks[m].y;
    }
    var value = sizes.fill;
    if (is_seen) {
      value = x_at(source + (t - back) * sizes.features + c);
    }
    y[n * size + at] = epilogue(value, n * size + at);
  }
}
