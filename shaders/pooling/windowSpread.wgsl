// y[n, r, s, c] = epilogue(Σ x[n, i, j, c] / divisor over the windows (i, j) that row r and column s lie in).
// One invocation computes one output, or four neighbouring channels: it looks up the windows that it lies in.

// One number, or four where channels come in fours; store changes with it.
alias X = f32;

// Pairs are of rows and of columns. What the windows lie on is the input, though here it is what is computed.
struct Sizes {
  input: vec2u,
  output: vec2u,
  window: vec2u,
  stride: vec2u,
  before: vec2u,
  // 0: as many as the window has inside the image.
  divisor: f32,
  // X of y, and of a pixel.
  count: u32,
  channels: u32,
}

@group(0) @binding(0) var<storage, read> x: array<X>;
@group(0) @binding(1) var<storage, read_write> y: array<X>;
@group(0) @binding(2) var<uniform> sizes: Sizes;

fn epilogue(value: f32, at: u32) -> f32 {
  return value;
}

fn store(at: u32, value: X) {
  y[at] = epilogue(value, at);
}

fn divisor_of(window: vec2u) -> f32 {
  let start = window * sizes.stride;
  let inside = min(start + sizes.window, sizes.before + sizes.input) - max(start, sizes.before);
  return select(f32(inside.x * inside.y), sizes.divisor, sizes.divisor > 0.0);
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let at = id.y * groups.x * 64u + id.x;
  if (at >= sizes.count) {
    return;
  }
  let pixel = at / sizes.channels;
  let line = pixel / sizes.input.y;
  let image = line / sizes.input.x;
  let padded = vec2u(line % sizes.input.x, pixel % sizes.input.y) + sizes.before;
  let first = select((padded - sizes.window) / sizes.stride + 1u, vec2u(0u), padded < sizes.window);
  let end = min(padded / sizes.stride + 1u, sizes.output);
  var total = X(0.0);
  for (var i = first.x; i < 0x7fffffffu; i++) {
    if (i >= end.x) { break; }
    for (var j = first.y; j < 0x7fffffffu; j++) {
      if (j >= end.y) { break; }
      let there = ((image * sizes.output.x + i) * sizes.output.y + j) * sizes.channels + at % sizes.channels;
      total += x[there] / divisor_of(vec2u(i, j));
    }
  }
  store(at, total);
}
