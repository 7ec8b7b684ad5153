// y[n, i, j, f] = epilogue(bias[f] + Σ x[n, i · stride + t · dilation − before, …, f / multiplier] · weight[t, u, f] over t, u).
// One invocation computes four neighbours in a row of places, of one feature, or of four neighbouring ones.

// One number, or four where features come in fours, one of each channel; store changes with it.
alias X = f32;
// Whether a place sees under a tap what the next place sees under the tap before: stride and dilation are equal.
const SLIDES = false;

// Pairs are of rows and of columns.
struct Sizes {
  input: vec2u,
  output: vec2u,
  window: vec2u,
  stride: vec2u,
  before: vec2u,
  dilation: vec2u,
  // Invocations: how many, and in a row of places.
  count: u32,
  blocks: u32,
  // X of a place, and of a pixel.
  features: u32,
  channels: u32,
  multiplier: u32,
  // Of the weights: the first tap, and from one to the next, which is −1 where a gradient flows back.
  first_tap: u32,
  tap_step: u32,
}

@group(0) @binding(0) var<storage, read> x: array<X>;
@group(0) @binding(1) var<storage, read> weight: array<X>;
@group(0) @binding(2) var<storage, read_write> y: array<X>;
@group(0) @binding(3) var<uniform> sizes: Sizes;

fn epilogue(value: f32, at: u32) -> f32 {
  return value;
}

fn store(at: u32, value: X) {
  y[at] = epilogue(value, at);
}

fn bias_of(feature: u32) -> X {
  return X();
}

// A channel of a pixel: 0 beyond the image.
fn seen_at(image: u32, row: i32, column: i32, channel: u32) -> X {
  let inside = u32(row) < sizes.input.x && u32(column) < sizes.input.y;
  let pixel = (image * sizes.input.x + u32(row)) * sizes.input.y + u32(column);
  return select(X(), x[pixel * sizes.channels + channel], inside);
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let at = id.y * groups.x * 64u + id.x;
  if (at >= sizes.count) {
    return;
  }
  let feature = at % sizes.features;
  let channel = feature / sizes.multiplier;
  let block = at / sizes.features;
  let line = block / sizes.blocks;
  let image = line / sizes.output.x;
  let first = block % sizes.blocks * 4u;
  let start = vec2i(vec2u(line % sizes.output.x, first) * sizes.stride) - vec2i(sizes.before);
  let pace = i32(sizes.stride.y);
  var totals: array<X, 4>;
  var seen: array<X, 4>;
  var tap = sizes.first_tap;
  for (var t = 0u; t < 0x7fffffffu; t++) {
    if (t >= sizes.window.x) { break; }
    let row = start.x + i32(t * sizes.dilation.x);
    if (SLIDES) {
      for (var i = 0; i < 3; i++) {
        seen[i + 1] = seen_at(image, row, start.y + i * pace, channel);
      }
    }
    for (var u = 0u; u < 0x7fffffffu; u++) {
      if (u >= sizes.window.y) { break; }
      let column = start.y + i32(u * sizes.dilation.y);
      if (SLIDES) {
        seen[0] = seen[1];
        seen[1] = seen[2];
        seen[2] = seen[3];
        seen[3] = seen_at(image, row, column + 3 * pace, channel);
      } else {
        for (var i = 0; i < 4; i++) {
          seen[i] = seen_at(image, row, column + i * pace, channel);
        }
      }
      let weights = weight[tap * sizes.features + feature];
      for (var i = 0; i < 4; i++) {
        totals[i] += seen[i] * weights;
      }
      tap += sizes.tap_step;
    }
  }
  let bias = bias_of(feature);
  for (var i = 0u; i < 4u; i++) {
    if (first + i < sizes.output.y) {
      store((line * sizes.output.y + first + i) * sizes.features + feature, totals[i] + bias);
    }
  }
}
