// dx[n, t] = slopes(tape[n, t], dy[n, t] + dx[n, t + 1] · weightsᵀ) for all t, from the last one to the first.
// One workgroup computes SAMPLES samples; one invocation UNITS units of them at a time, groups · WIDTH apart, so that what it
// reads of the others' slopes serves all of them.

const WIDTH = 8u;
const SAMPLES = 8u;
const QUADS = SAMPLES / 4u;
const UNITS = 1u;
// Other units that are read at a time: those of eight vectors, or one of more samples.
const OTHERS = max(8u / SAMPLES, 1u);
// Units whose slopes the workgroup's memory has room for: all, or, where each step is a launch, some after the other.
const MOST = 64u;
const A_LAUNCH_EACH = false;
// What is smaller is 0.
const LEAST = 0.0;
// Whether the weights lie as the way there reads them: [unit, other].
const ACROSS = true;

// A unit's gates, one behind the other.
alias Gates = vec4f;

struct Sizes {
  samples: u32,
  steps: u32,
  units: u32,
  // Whether the way there went from each sample's last step to its first.
  reverse: u32,
  // The steps of this launch, counted from the last one; behind all of them, what goes to what was carried at first.
  first: u32,
  end: u32,
}

// What a unit has of each other one: [other, unit], or, across, as the way there, [unit, other].
@group(0) @binding(0) var<storage, read> weights: array<Gates>;
@group(0) @binding(1) var<storage, read> tape: array<f32>;
@group(0) @binding(2) var<storage, read_write> dx: array<Gates>;
@group(0) @binding(3) var<storage, read_write> d_initial: array<f32>;
@group(0) @binding(4) var<uniform> sizes: Sizes;

// The slopes of each unit's gates, by sample; two rows in turn, so that one is read while the other is written.
var<workgroup> slopes: array<vec4f, 2u * MOST * SAMPLES>;

fn gates_of_weights(at: u32) -> vec4f {
  return weights[at];
}

fn store_x(at: u32, value: vec4f) {
  dx[at] = value;
}

// The slopes of what h is multiplied into, where they are others than those of x.
fn store_h(at: u32, value: vec4f) {
}

fn stored_slopes(at: u32) -> vec4f {
  return dx[at];
}

// How many steps a sample has.
fn length_of(n: u32) -> u32 {
  return sizes.steps;
}

// What comes from y, and from the last h.
fn from_y(place: u32) -> f32 {
  return 0.0;
}

fn from_hidden(at: u32) -> f32 {
  return 0.0;
}

// Puts into its place what comes from what else is carried.
fn carry_last(at: u32) {
}

// The slopes of a unit's gates, of x in dx; and in d_initial, what goes past the weights to the step before.
fn slopes_of(dh: f32, place: u32, at: u32) -> vec4f {
  let slope = vec4f(dh);
  store_x(place, slope);
  d_initial[at] = tape[place];
  return slope;
}

fn not_vanished(x: f32) -> f32 {
  return select(x, 0.0, abs(x) < LEAST);
}

// The lane of its subgroup that an invocation is. Where there are subgroups, each lane reads one of eight vectors.
fn lane_of(local: u32) -> u32 {
  return local;
}

fn eight_from(at: u32, lane: u32) -> array<vec4f, 8> {
  var held: array<vec4f, 8>;
  for (var i = 0u; i < 8u; i++) {
    held[i] = slopes[at + i];
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
  // The row that is read first is 0, as all workgroup memory is.
  for (var turn = 0u; turn < 0x7fffffffu; turn++) {
    if (sizes.first + turn >= sizes.end) { break; }
    // Behind the first step there is only what goes to what was carried at first.
    let left = sizes.steps - sizes.first - turn;
    let row = turn % 2u * (MOST * SAMPLES);
    for (var own = 0u; own < 0x7fffffffu; own++) {
      if (group.y * WIDTH + own * UNITS * stride >= sizes.units) { break; }
      let first = unit + own * UNITS * stride;
      let sums = slopes_of_h(row, first, stride, left, base, samples, local, lane);
      for (var which = 0u; which < UNITS; which++) {
        let k = first + which * stride;
        if (k < sizes.units) {
          for (var i = 0u; i < 0x7fffffffu; i++) {
            if (i >= samples) { break; }
            let n = base + i;
            let at = n * sizes.units + k;
            let dh = d_initial[at] + sums[which * QUADS + i / 4u][i % 4u];
            var slope = vec4f();
            if (left == 0u) {
              d_initial[at] = dh;
            } else if (left <= length_of(n)) {
              let place = place_of(n, left - 1u, k);
              slope = slopes_of(not_vanished(dh + from_y(place)), place, at);
            }
            if (!A_LAUNCH_EACH) {
              slopes[MOST * SAMPLES - row + k * SAMPLES + i] = slope;
            }
          }
        }
      }
    }
    workgroupBarrier();
  }
  if (sizes.end > sizes.steps) {
    clear(base, samples, unit, stride);
  }
}

fn place_of(n: u32, s: u32, u: u32) -> u32 {
  let t = select(s, length_of(n) - 1u - s, sizes.reverse != 0u);
  return (n * sizes.steps + t) * sizes.units + u;
}

// Of some units: Σ over all units of their slopes, of the step behind, times their weights.
fn slopes_of_h(
  row: u32,
  k: u32,
  stride: u32,
  left: u32,
  base: u32,
  samples: u32,
  local: u32,
  lane: u32,
) -> array<vec4f, UNITS * QUADS> {
  var sums = array<vec4f, UNITS * QUADS>();
  for (var part = 0u; part < 0x7fffffffu; part++) {
    let first = part * MOST;
    if (first >= sizes.units) { break; }
    if (A_LAUNCH_EACH) {
      hold(first, left, base, samples, local);
    }
    for (var turn = 0u; turn < 0x7fffffffu; turn++) {
      let u = turn * OTHERS;
      if (u >= min(sizes.units - first, MOST)) { break; }
      var held: array<vec4f, OTHERS * SAMPLES>;
      for (var at = 0u; at < OTHERS * SAMPLES / 8u; at++) {
        let eight = eight_from(row + u * SAMPLES + at * 8u, lane);
        for (var i = 0u; i < 8u; i++) {
          held[at * 8u + i] = eight[i];
        }
      }
      for (var j = 0u; j < OTHERS; j++) {
        let other = min(first + u + j, sizes.units - 1u);
        for (var which = 0u; which < UNITS; which++) {
          let own = min(k + which * stride, sizes.units - 1u);
          let stored = gates_of_weights(select(other * sizes.units + own, own * sizes.units + other, ACROSS));
          // What only fills the block up is 0, not an infinite weight times 0.
          let weight = select(vec4f(), stored, first + u + j < sizes.units);
          // One sum after the other, so that what is added up stays in registers.
          for (var quad = 0u; quad < QUADS; quad++) {
            let four = j * SAMPLES + quad * 4u;
            let gates = transpose(mat4x4f(held[four], held[four + 1u], held[four + 2u], held[four + 3u]));
            // Gate after gate, not a product with a matrix, which would add them up before.
            var sum = sums[which * QUADS + quad] + weight.x * gates[0u];
            sum += weight.y * gates[1u];
            sum += weight.z * gates[2u];
            sums[which * QUADS + quad] = sum + weight.w * gates[3u];
          }
        }
      }
    }
  }
  return sums;
}

// Some units' slopes of the step behind.
fn hold(first: u32, left: u32, base: u32, samples: u32, local: u32) {
  workgroupBarrier();
  for (var turn = 0u; turn < 0x7fffffffu; turn++) {
    let k = turn * WIDTH + local;
    if (k >= MOST) { break; }
    for (var i = 0u; i < SAMPLES; i++) {
      let n = base + min(i, samples - 1u);
      let u = first + k;
      var slope = vec4f();
      if (u < sizes.units && left < length_of(n)) {
        slope = stored_slopes(place_of(n, left, u));
      }
      slopes[k * SAMPLES + i] = slope;
    }
  }
  workgroupBarrier();
}

fn begin(base: u32, samples: u32, unit: u32, stride: u32) {
  // Samples without, so that Mesa does not unroll the loop over them, as in the way there.
  for (var i = 0u; i < 0x7fffffffu; i++) {
    if (i >= samples) { break; }
    for (var turn = 0u; turn < 0x7fffffffu; turn++) {
      let k = unit + turn * stride;
      if (k >= sizes.units) { break; }
      let at = (base + i) * sizes.units + k;
      d_initial[at] = from_hidden(at);
      carry_last(at);
    }
  }
}

// Behind a sample's own steps nothing is learned.
fn clear(base: u32, samples: u32, unit: u32, stride: u32) {
  for (var i = 0u; i < 0x7fffffffu; i++) {
    if (i >= samples) { break; }
    let begin = ((base + i) * sizes.steps + length_of(base + i)) * sizes.units;
    let end = (base + i + 1u) * sizes.steps * sizes.units;
    for (var turn = 0u; turn < 0x7fffffffu; turn++) {
      let place = begin + unit + turn * stride;
      if (place >= end) { break; }
      store_x(place, vec4f());
      store_h(place, vec4f());
    }
  }
}
