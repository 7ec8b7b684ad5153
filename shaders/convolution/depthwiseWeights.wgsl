// dWeight[t, u, f] = Σ x[n, i · stride + t · dilation − before, …, f / multiplier] · dY[n, i, j, f] over n, i, j, in parts.
// One invocation computes a part's share of four neighbours in a row of taps, of one feature, or of four neighbouring ones.

// One number, or four where features come in fours, one of each channel.
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
  // Invocations: how many, and in a row of taps.
  count: u32,
  blocks: u32,
  // X of a place, and of a pixel.
  features: u32,
  channels: u32,
  multiplier: u32,
  // Places in all images, and of a part.
  places: u32,
  part_places: u32,
}

@group(0) @binding(0) var<storage, read> x: array<X>;
@group(0) @binding(1) var<storage, read> d_y: array<X>;
@group(0) @binding(2) var<storage, read_write> d_weight: array<X>;
@group(0) @binding(3) var<uniform> sizes: Sizes;

fn store_sums(at: u32, value: X) {}

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
  let first = block % sizes.blocks * 4u;
  let row_of_taps = block / sizes.blocks;
  let t = row_of_taps % sizes.window.x;
  let part = row_of_taps / sizes.window.x;
  let start = vec2i(vec2u(t, first) * sizes.dilation) - vec2i(sizes.before);
  let pace = i32(sizes.dilation.y);
  var totals: array<X, 4>;
  var seen: array<X, 4>;
  var sum: X;
  var line_start = part * sizes.part_places;
  let end = min(line_start + sizes.part_places, sizes.places);
  for (var turn = 0u; turn < 0x7fffffffu; turn++) {
    if (line_start >= end) { break; }
    let line = line_start / sizes.output.y;
    let line_end = min((line + 1u) * sizes.output.y, end);
    let image = line / sizes.output.x;
    let row = start.x + i32(line % sizes.output.x * sizes.stride.x);
    var column = start.y + i32((line_start - line * sizes.output.y) * sizes.stride.y);
    if (SLIDES) {
      for (var i = 0; i < 3; i++) {
        seen[i + 1] = seen_at(image, row, column + i * pace, channel);
      }
    }
    for (var place = line_start; place < 0x7fffffffu; place++) {
      if (place >= line_end) { break; }
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
      let slope = d_y[place * sizes.features + feature];
      for (var i = 0; i < 4; i++) {
        totals[i] += seen[i] * slope;
      }
      sum += slope;
      column += i32(sizes.stride.y);
    }
    line_start = line_end;
  }
  for (var i = 0u; i < 4u; i++) {
    if (first + i < sizes.window.y) {
      d_weight[(row_of_taps * sizes.window.y + first + i) * sizes.features + feature] = totals[i];
    }
  }
  if (t == 0u && first == 0u) {
    store_sums(part * sizes.features + feature, sum);
  }
}
