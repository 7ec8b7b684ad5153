// h[n, t] = cell(x[n, t], h[n, t − 1] · weights + bias) for all t, one behind the other; in `tape`, what the way back needs.
// One workgroup computes SAMPLES samples; one invocation a unit of them, and those that groups · WIDTH further on.

const WIDTH = 8u;
const SAMPLES = 8u;
const QUADS = SAMPLES / 4u;
// Units whose h the workgroup's memory has room for: all, or, where each step is a launch, some after the other.
const MOST = 64u;
const A_LAUNCH_EACH = false;
// Numbers that the way back needs of a unit at a step.
const TAPE = 1u;

// A unit's gates, one behind the other.
alias Gates = vec4f;

struct Sizes {
  samples: u32,
  steps: u32,
  units: u32,
  // Whether from each sample's last step to its first.
  reverse: u32,
  // The steps of this launch.
  first: u32,
  end: u32,
}

@group(0) @binding(0) var<storage, read> x: array<Gates>;
@group(0) @binding(1) var<storage, read> weights: array<Gates>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<storage, read_write> tape: array<f32>;
@group(0) @binding(4) var<storage, read_write> hidden: array<f32>;
@group(0) @binding(5) var<uniform> sizes: Sizes;

// Each unit's h, four samples in a vector; two rows in turn, so that one is read while the other is written.
var<workgroup> carried: array<vec4f, 2u * MOST * QUADS>;

fn gates_of_x(at: u32) -> vec4f {
  return x[at];
}

fn gates_of_weights(at: u32) -> vec4f {
  return weights[at];
}

fn gates_of_bias(at: u32) -> vec4f {
  return vec4f();
}

// How many steps a sample has.
fn length_of(n: u32) -> u32 {
  return sizes.steps;
}

// A unit's first h, and, in another plane, what else it carries at first.
fn initial_at(at: u32) -> f32 {
  return 0.0;
}

// Puts into its place what a unit carries beside h.
fn carry_first(at: u32) {
}

// A unit's new h, of what comes from x, from all h, and its own h.
fn cell(from_x: vec4f, from_h: vec4f, h: f32, place: u32, at: u32) -> f32 {
  return from_x.x + from_h.x;
}

// The lane of its subgroup that an invocation is. Where there are subgroups, each lane reads one of eight vectors.
fn lane_of(local: u32) -> u32 {
  return local;
}

fn eight_from(at: u32, lane: u32) -> array<vec4f, 8> {
  var held: array<vec4f, 8>;
  for (var i = 0u; i < 8u; i++) {
    held[i] = carried[at + i];
  }
  return held;
}

@compute @workgroup_size(WIDTH)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let base = group.x * SAMPLES;
  let samples = min(SAMPLES, sizes.samples - base);
  let unit = group.y * WIDTH + local;
  let stride = groups.y * WIDTH;
  let lane = lane_of(local) % 8u;
  if (sizes.first == 0u) {
    begin(base, samples, unit, stride);
  }
  var end = 0u;
  for (var i = 0u; i < 0x7fffffffu; i++) {
    if (i >= samples) { break; }
    end = max(end, length_of(base + i));
  }
  workgroupBarrier();

  for (var turn = 0u; turn < 0x7fffffffu; turn++) {
    let s = sizes.first + turn;
    if (s >= min(sizes.end, end)) { break; }
    let row = turn % 2u * MOST;
    for (var own = 0u; own < 0x7fffffffu; own++) {
      if (group.y * WIDTH + own * stride >= sizes.units) { break; }
      let u = unit + own * stride;
      let sums = gates_of_h(row, min(u, sizes.units - 1u), s, base, samples, local, lane);
      if (u < sizes.units) {
        for (var i = 0u; i < 0x7fffffffu; i++) {
          if (i >= samples) { break; }
          let n = base + i;
          let at = n * sizes.units + u;
          var h = hidden[at];
          if (s < length_of(n)) {
            let place = place_of(n, s, u);
            h = cell(gates_of_x(place), sums[i / 4u][i % 4u], h, place, at);
            y[place] = h;
            hidden[at] = h;
          }
          if (!A_LAUNCH_EACH) {
            carried[(MOST - row + u) * QUADS + i / 4u][i % 4u] = h;
          }
        }
      }
    }
    workgroupBarrier();
  }
  if (sizes.end == sizes.steps) {
    clear(base, samples, unit, stride);
  }
}

fn place_of(n: u32, s: u32, u: u32) -> u32 {
  let t = select(s, length_of(n) - 1u - s, sizes.reverse != 0u);
  return (n * sizes.steps + t) * sizes.units + u;
}

// Of four samples after the other, each a column: what comes from all h before.
fn gates_of_h(row: u32, u: u32, s: u32, base: u32, samples: u32, local: u32, lane: u32) -> array<mat4x4f, QUADS> {
  let own = gates_of_bias(u);
  var sums: array<mat4x4f, QUADS>;
  for (var quad = 0u; quad < QUADS; quad++) {
    sums[quad] = mat4x4f(vec4f(own.x), vec4f(own.y), vec4f(own.z), vec4f(own.w));
  }
  for (var part = 0u; part < 0x7fffffffu; part++) {
    let first = part * MOST;
    if (first >= sizes.units) { break; }
    if (A_LAUNCH_EACH) {
      hold(first, s, base, samples, local);
    }
    for (var block = 0u; block < 0x7fffffffu; block++) {
      let k = block * (8u / QUADS);
      if (k >= min(sizes.units - first, MOST)) { break; }
      let held = eight_from((row + k) * QUADS, lane);
      var read: array<vec4f, 8u / QUADS>;
      for (var j = 0u; j < 8u / QUADS; j++) {
        // What only fills the block up is 0, not an infinite weight times 0.
        let stored = gates_of_weights(min(first + k + j, sizes.units - 1u) * sizes.units + u);
        read[j] = select(vec4f(), stored, first + k + j < sizes.units);
      }
      // One sum after the other, so that what is added up stays in registers.
      for (var quad = 0u; quad < QUADS; quad++) {
        var sum = sums[quad];
        for (var j = 0u; j < 8u / QUADS; j++) {
          let weight = read[j];
          let h = held[j * QUADS + quad];
          sum += mat4x4f(weight.x * h, weight.y * h, weight.z * h, weight.w * h);
        }
        sums[quad] = sum;
      }
    }
  }
  for (var quad = 0u; quad < QUADS; quad++) {
    sums[quad] = transpose(sums[quad]);
  }
  return sums;
}

// Some units' h of the step before.
fn hold(first: u32, s: u32, base: u32, samples: u32, local: u32) {
  workgroupBarrier();
  for (var turn = 0u; turn < 0x7fffffffu; turn++) {
    let k = turn * WIDTH + local;
    if (k >= MOST) { break; }
    for (var i = 0u; i < SAMPLES; i++) {
      let n = base + min(i, samples - 1u);
      let u = first + k;
      var h = 0.0;
      if (u < sizes.units && s < length_of(n)) {
        if (s == 0u) {
          h = initial_at(n * sizes.units + u);
        } else {
          h = y[place_of(n, s - 1u, u)];
        }
      }
      carried[k * QUADS + i / 4u][i % 4u] = h;
    }
  }
  workgroupBarrier();
}

// What is carried at first. Units that only fill a block up are 0, as all workgroup memory is.
fn begin(base: u32, samples: u32, unit: u32, stride: u32) {
  // Samples without: Mesa would unroll the loop over them, since it knows how many they are at most.
  for (var i = 0u; i < 0x7fffffffu; i++) {
    if (i >= samples) { break; }
    for (var turn = 0u; turn < 0x7fffffffu; turn++) {
      let u = unit + turn * stride;
      if (u >= sizes.units) { break; }
      let at = (base + i) * sizes.units + u;
      let h = initial_at(at);
      hidden[at] = h;
      carry_first(at);
      if (!A_LAUNCH_EACH) {
        carried[u * QUADS + i / 4u][i % 4u] = h;
      }
    }
  }
}

// Behind a sample's own steps all is 0.
fn clear(base: u32, samples: u32, unit: u32, stride: u32) {
  for (var i = 0u; i < 0x7fffffffu; i++) {
    if (i >= samples) { break; }
    let begin = ((base + i) * sizes.steps + length_of(base + i)) * sizes.units;
    let end = (base + i + 1u) * sizes.steps * sizes.units;
    for (var turn = 0u; turn < 0x7fffffffu; turn++) {
      let place = begin + unit + turn * stride;
      if (place >= end) { break; }
      y[place] = 0.0;
      for (var which = 0u; which < TAPE; which++) {
        tape[TAPE * place + which] = 0.0;
      }
    }
  }
}
