// loss[n] = −log Σ Π p[t, path[t]] over the paths that spell labels[n, ·], with p[t, ·] = softmax logits[n, t, ·].
// One workgroup computes a sample, frame by frame: its invocations share the states, which are the labels with blanks
// before, between and behind them, and a barrier stands between two frames.

const WIDTH = 8u;
// Labels of a sample, blanks, and two places in front that no path is in.
const ROOM = 512u;

struct Sizes {
  samples: u32,
  frames: u32,
  classes: u32,
  labels: u32,
  blank: u32,
  // Whether a loss is divided by the number of its labels, and whether one without a path is 0: 1 or 0.
  per_label: u32,
  zero_infinity: u32,
  slope: f32,
}

@group(0) @binding(0) var<storage, read> logits: array<f32>;
@group(0) @binding(1) var<storage, read> labels: array<u32>;
@group(0) @binding(2) var<storage, read> input_lengths: array<u32>;
@group(0) @binding(3) var<storage, read> label_lengths: array<u32>;
@group(0) @binding(4) var<storage, read_write> loss: array<f32>;
// Of what is at a state, the shares that came from the same one, the one before, and the one before that.
@group(0) @binding(5) var<storage, read_write> shares: array<f32>;
@group(0) @binding(6) var<uniform> sizes: Sizes;

// Two frames in turn. A logarithm is a whole number and a rest of ½ at most, so that a long sum has a short one's error;
// where no path is, it is minus infinity, which is told by its bits.
var<workgroup> rows: array<array<vec2f, ROOM>, 2>;
// By state: its class, and whether a path may come to it from the label before without a blank.
var<workgroup> states: array<u32, ROOM>;
var<workgroup> totals: array<vec2f, WIDTH>;
var<workgroup> faults: atomic<u32>;

const SKIPS = 0x80000000u;
const NO_DISTRIBUTION = 1u;
const NO_LABELS = 2u;

fn label_at(at: u32) -> i32 {
  return i32(labels[at]);
}

fn input_length_at(at: u32) -> i32 {
  return i32(input_lengths[at]);
}

fn label_length_at(at: u32) -> i32 {
  return i32(label_lengths[at]);
}

fn exponential(x: f32) -> f32 {
  return exp(x);
}

fn logarithm_of_one_plus(x: f32) -> f32 {
  return log(1.0 + x);
}

fn larger(a: f32, b: f32) -> f32 {
  return max(a, b);
}

// From here to backward, the functions of ctcSample.wgsl are linked.
fn frames_of(n: u32) -> u32 {
  return sizes.frames;
}

fn count_of(n: u32) -> u32 {
  return sizes.labels;
}

fn divisor_of(count: u32) -> f32 {
  return 1.0;
}

fn frame_total(base: u32) -> vec2f {
  return vec2f(logits[base], 0.0);
}

// What follows where the gradient is wanted at once.
fn backward(n: u32, frames: u32, count: u32, slope: f32, lane: u32) {
}

// The word is 0: it keeps the infinity out of a constant expression, where WGSL forbids it.
fn infinity_after(sign: u32, word: u32) -> f32 {
  return bitcast<f32>(sign | 0x7f800000u | (word & 0u));
}

fn is_nothing(a: vec2f) -> bool {
  return bitcast<u32>(a.x) == 0xff800000u;
}

fn settled(whole: f32, rest: f32) -> vec2f {
  let rounded = round(rest);
  return vec2f(whole + rounded, rest - rounded);
}

fn exceeds(a: vec2f, b: vec2f) -> bool {
  return !is_nothing(a) && (is_nothing(b) || (a.x - b.x) + (a.y - b.y) > 0.0);
}

fn ratio(a: vec2f, b: vec2f) -> f32 {
  return select(exponential((a.x - b.x) + (a.y - b.y)), 0.0, is_nothing(a));
}

// A state's class, and SKIPS.
fn state_of(n: u32, s: u32) -> u32 {
  if (s % 2u == 0u) {
    return sizes.blank;
  }
  let at = n * sizes.labels + s / 2u;
  let label = label_at(at);
  if (label < 0 || label >= i32(sizes.classes) || label == i32(sizes.blank)) {
    atomicOr(&faults, NO_LABELS);
    return sizes.blank;
  }
  // Without a blank between them, two alike would be one.
  let differs = s == 1u || label != label_at(at - select(0u, 1u, s > 1u));
  return u32(label) | select(0u, SKIPS, differs);
}

// In front of the first frame all paths are in one place, in front of the first state.
fn start(n: u32, last: u32, lane: u32) {
  let nothing = vec2f(infinity_after(0x80000000u, n), 0.0);
  for (var turn = 0u; turn < 0x7fffffffu; turn++) {
    let s = lane + turn * WIDTH;
    if (s > last) { break; }
    states[s] = state_of(n, s);
    rows[1][s + 2u] = nothing;
  }
  if (lane == 0u) {
    rows[1][0] = nothing;
    rows[1][1] = vec2f(0.0);
  }
}

// What an invocation's frames have in all, of the logarithms of the sums by which their softmax divides.
fn total_of_frames(n: u32, frames: u32, lane: u32) -> vec2f {
  var total = vec2f(0.0);
  for (var turn = 0u; turn < 0x7fffffffu; turn++) {
    let t = lane + turn * WIDTH;
    if (t >= frames) { break; }
    let own = frame_total((n * sizes.frames + t) * sizes.classes);
    if ((bitcast<u32>(own.x) & 0x7f800000u) == 0x7f800000u) {
      atomicOr(&faults, NO_DISTRIBUTION);
    }
    let whole = round(own.x);
    total = settled(total.x + whole, total.y + ((own.x - whole) + own.y));
  }
  return total;
}

struct Arrival {
  // Of all paths that come to a state, before its own logit.
  total: vec2f,
  shares: vec3f,
}

fn arrival(stay: vec2f, step: vec2f, skip: vec2f) -> Arrival {
  let by_step = exceeds(step, stay);
  var top = stay;
  if (by_step) {
    top = step;
  }
  let by_skip = exceeds(skip, top);
  if (by_skip) {
    top = skip;
  }
  if (is_nothing(top)) {
    return Arrival(top, vec3f(0.0));
  }
  let each = vec3f(ratio(stay, top), ratio(step, top), ratio(skip, top));
  // The largest one's 1 stays out here, too.
  let others =
    (select(0.0, each.x, by_step || by_skip) + select(each.y, 0.0, by_step && !by_skip)) + select(each.z, 0.0, by_skip);
  return Arrival(settled(top.x, top.y + logarithm_of_one_plus(others)), each / (1.0 + others));
}

// All paths that are at a state, and where they came from. @param base the frame's logits   @param row its half of rows
fn reach(n: u32, s: u32, base: u32, row: u32, is_end: bool) -> vec3f {
  let state = states[s];
  let before = 1u - row;
  var skip = vec2f(infinity_after(0x80000000u, n), 0.0);
  if ((state & SKIPS) != 0u) {
    skip = rows[before][s];
  }
  let came = arrival(rows[before][s + 2u], rows[before][s + 1u], skip);
  var x = 0.0;
  if (!is_end) {
    x = logits[base + (state & ~SKIPS)];
  }
  var all = vec2f(infinity_after(0x80000000u, n), 0.0);
  if (!is_nothing(came.total) && bitcast<u32>(x) != 0xff800000u) {
    let whole = round(x);
    all = settled(came.total.x + whole, came.total.y + (x - whole));
  }
  rows[row][s + 2u] = all;
  return came.shares;
}

fn store_shares(n: u32, t: u32, s: u32, came: vec3f) {
  let at = ((n * (sizes.frames + 1u) + t) * (2u * sizes.labels + 1u) + s) * 3u;
  shares[at] = came.x;
  shares[at + 1u] = came.y;
  shares[at + 2u] = came.z;
}

// @param paths all of them, behind the last frame
fn loss_of(n: u32, count: u32, paths: vec2f, fault: u32) -> f32 {
  if ((fault & NO_DISTRIBUTION) != 0u) {
    return bitcast<f32>(0x7fc00000u | (n & 1u));
  }
  if (fault != 0u || is_nothing(paths)) {
    return select(infinity_after(0u, n), 0.0, sizes.zero_infinity == 1u);
  }
  var all = totals[0];
  for (var other = 1u; other < WIDTH; other++) {
    all = settled(all.x + totals[other].x, all.y + totals[other].y);
  }
  return ((all.x - paths.x) + (all.y - paths.y)) / divisor_of(count);
}

@compute @workgroup_size(WIDTH)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let n = group.y * groups.x + group.x;
  if (n >= sizes.samples) {
    return;
  }
  let frames = frames_of(n);
  let count = count_of(n);
  let last = 2u * count;
  if (lane == 0u && (i32(frames) != input_length_at(n) || i32(count) != label_length_at(n))) {
    atomicOr(&faults, NO_LABELS);
  }
  start(n, last, lane);
  totals[lane] = total_of_frames(n, frames, lane);
  workgroupBarrier();
  let fault = atomicLoad(&faults);
  // Behind the last frame there is one place that a path ends in, from the last label or from the blank behind it.
  for (var t = 0u; t < 0x7fffffffu; t++) {
    if (t > frames) { break; }
    let row = t % 2u;
    let base = (n * sizes.frames + t) * sizes.classes;
    if (lane < 2u) {
      rows[row][lane] = vec2f(infinity_after(0x80000000u, n), 0.0);
    }
    for (var turn = 0u; turn < 0x7fffffffu; turn++) {
      let s = lane + turn * WIDTH;
      if (s > 2u * sizes.labels) { break; }
      var came = vec3f(0.0);
      if (fault == 0u && (s == last || (s < last && t < frames))) {
        came = reach(n, s, base, row, t == frames);
      }
      store_shares(n, t, s, came);
    }
    workgroupBarrier();
  }
  for (var turn = 0u; turn < 0x7fffffffu; turn++) {
    let at = lane + turn * WIDTH;
    if (at >= (sizes.frames - frames) * (2u * sizes.labels + 1u)) { break; }
    store_shares(n, frames + 1u, at, vec3f(0.0));
  }
  if (lane == 0u) {
    loss[n] = loss_of(n, count, rows[frames % 2u][last + 2u], fault);
  }
  storageBarrier();
  backward(n, frames, count, sizes.slope, lane);
}
