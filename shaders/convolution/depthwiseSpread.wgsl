// x[n, r, s, c] = epilogue(bias[c] + Σ y[n, i, j, f] · weight[t, u, f] over the features f of c and the taps that lie on r, s).
// One invocation computes one output, or four neighbouring channels: it looks up the places (i, j) whose taps lie on it.

// One number, or four where channels come in fours with one feature each; store changes with it.
alias X = f32;

// Pairs are of rows and of columns. What the window slides over is the input, though here it is what is computed.
struct Sizes {
  input: vec2u,
  output: vec2u,
  window: vec2u,
  stride: vec2u,
  before: vec2u,
  dilation: vec2u,
  // From a tap that lies on an element to the next one, and how many places before it that one is.
  tap_step: vec2u,
  place_step: vec2u,
  // X of x, of a pixel of x, and features of each.
  count: u32,
  channels: u32,
  multiplier: u32,
}

@group(0) @binding(0) var<storage, read> y: array<X>;
@group(0) @binding(1) var<storage, read> weight: array<X>;
@group(0) @binding(2) var<storage, read_write> x: array<X>;
@group(0) @binding(3) var<uniform> sizes: Sizes;

fn epilogue(value: f32, at: u32) -> f32 {
  return value;
}

fn store(at: u32, value: X) {
  x[at] = epilogue(value, at);
}

fn bias_of(channel: u32) -> X {
  return X();
}

// The first tap along an axis that lies on an element for some place; as many as there are if none does.
fn first_tap(padded: u32, taps: u32, stride: u32, dilation: u32) -> u32 {
  // What the distance to the tap's place leaves, without dividing again.
  var left = padded % stride;
  let more = stride - dilation % stride;
  for (var tap = 0u; tap < 0x7fffffffu; tap++) {
    if (tap >= taps) { break; }
    if (left == 0u) {
      return tap;
    }
    left = select(left + more - stride, left + more, left + more < stride);
  }
  return taps;
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let at = id.y * groups.x * 64u + id.x;
  if (at >= sizes.count) {
    return;
  }
  let channel = at % sizes.channels;
  let features = sizes.channels * sizes.multiplier;
  let pixel = at / sizes.channels;
  let line = pixel / sizes.input.y;
  let image = line / sizes.input.x;
  let padded = vec2u(line % sizes.input.x, pixel % sizes.input.y) + sizes.before;
  let first = vec2u(
    first_tap(padded.x, sizes.window.x, sizes.stride.x, sizes.dilation.x),
    first_tap(padded.y, sizes.window.y, sizes.stride.y, sizes.dilation.y),
  );
  let start = (vec2i(padded) - vec2i(first * sizes.dilation)) / vec2i(sizes.stride);
  var total: X;
  var row = start.x;
  for (var i = 0u; i < 0x7fffffffu; i++) {
    let t = first.x + i * sizes.tap_step.x;
    if (t >= sizes.window.x) { break; }
    var column = start.y;
    for (var j = 0u; j < 0x7fffffffu; j++) {
      let u = first.y + j * sizes.tap_step.y;
      if (u >= sizes.window.y) { break; }
      // Beyond the places are zeros, which are multiplied as others are.
      let inside = u32(row) < sizes.output.x && u32(column) < sizes.output.y;
      let place = (image * sizes.output.x + u32(row)) * sizes.output.y + u32(column);
      let there = place * features + channel * sizes.multiplier;
      let weights = (t * sizes.window.y + u) * features + channel * sizes.multiplier;
      for (var k = 0u; k < 0x7fffffffu; k++) {
        if (k >= sizes.multiplier) { break; }
        total += select(X(), y[there + k], inside) * weight[weights + k];
      }
      column -= i32(sizes.place_step.y);
    }
    row -= i32(sizes.place_step.x);
  }
  store(at, total + bias_of(channel));
}
