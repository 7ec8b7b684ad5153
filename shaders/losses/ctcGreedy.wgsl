// labels[n, ·]: the likeliest class of each frame of logits[n, ·, ·], repeats left out, then blanks; lengths[n] = how many; −1 behind them.
// One workgroup computes a sample, as many frames at once as it has invocations.

const WIDTH = 8u;

struct Sizes {
  samples: u32,
  frames: u32,
  classes: u32,
  blank: u32,
}

@group(0) @binding(0) var<storage, read> logits: array<f32>;
@group(0) @binding(1) var<storage, read> input_lengths: array<u32>;
@group(0) @binding(2) var<storage, read_write> labels: array<i32>;
@group(0) @binding(3) var<storage, read_write> lengths: array<i32>;
@group(0) @binding(4) var<uniform> sizes: Sizes;

// Of the frame before the first of these, and of these.
var<workgroup> likeliest: array<u32, WIDTH + 1>;

fn input_length_at(at: u32) -> i32 {
  return i32(input_lengths[at]);
}

fn is_nan(x: f32) -> bool {
  return x != x;
}

// The first of equals; NaN counts as larger than all.
fn likeliest_at(base: u32) -> u32 {
  var best = 0u;
  var highest = logits[base];
  for (var c = 1u; c < 0x7fffffffu; c++) {
    if (c >= sizes.classes) { break; }
    let x = logits[base + c];
    if (!is_nan(highest) && (x > highest || is_nan(x))) {
      best = c;
      highest = x;
    }
  }
  return best;
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
  let given = input_length_at(n);
  let frames = select(sizes.frames, u32(given), given >= 0 && given <= i32(sizes.frames));
  var found = 0u;
  if (lane == 0u) {
    likeliest[0] = sizes.blank;
  }
  for (var turn = 0u; turn < 0x7fffffffu; turn++) {
    if (turn * WIDTH >= frames) { break; }
    let t = turn * WIDTH + lane;
    var own = sizes.blank;
    if (t < frames) {
      own = likeliest_at((n * sizes.frames + t) * sizes.classes);
    }
    likeliest[lane + 1u] = own;
    workgroupBarrier();
    var before = 0u;
    var all = 0u;
    for (var other = 0u; other < WIDTH; other++) {
      let class_index = likeliest[other + 1u];
      if (class_index != sizes.blank && class_index != likeliest[other]) {
        before += select(0u, 1u, other < lane);
        all++;
      }
    }
    if (own != sizes.blank && own != likeliest[lane]) {
      labels[n * sizes.frames + found + before] = i32(own);
    }
    found += all;
    let last = likeliest[WIDTH];
    workgroupBarrier();
    if (lane == 0u) {
      likeliest[0] = last;
    }
  }
  for (var turn = 0u; turn < 0x7fffffffu; turn++) {
    let at = found + turn * WIDTH + lane;
    if (at >= sizes.frames) { break; }
    labels[n * sizes.frames + at] = -1;
  }
  if (lane == 0u) {
    lengths[n] = i32(found);
  }
}
