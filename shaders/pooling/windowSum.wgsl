// y[n, i, j, c] = epilogue(Σ x[n, i · stride + t − before, j · stride + u − before, c] over t, u / divisor).
// One invocation computes one output, or four neighbouring channels.

// One number, or four where channels come in fours; store changes with it.
alias X = f32;

// Pairs are of rows and of columns.
struct Sizes {
  input: vec2u,
  output: vec2u,
  window: vec2u,
  stride: vec2u,
  before: vec2u,
  // 0: as many as the window has inside the image.
  divisor: f32,
  // X of the output, and of a pixel.
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

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let at = id.y * groups.x * 64u + id.x;
  if (at >= sizes.count) {
    return;
  }
  let pixel = at / sizes.channels;
  let line = pixel / sizes.output.y;
  let image = line / sizes.output.x;
  let start = vec2i(vec2u(line % sizes.output.x, pixel % sizes.output.y) * sizes.stride) - vec2i(sizes.before);
  let first = vec2u(max(start, vec2i(0)));
  let end = vec2u(min(start + vec2i(sizes.window), vec2i(sizes.input)));
  var total = X(0.0);
  for (var row = first.x; row < 0x7fffffffu; row++) {
    if (row >= end.x) { break; }
    var there = ((image * sizes.input.x + row) * sizes.input.y + first.y) * sizes.channels + at % sizes.channels;
    for (var column = first.y; column < 0x7fffffffu; column++) {
      if (column >= end.y) { break; }
      total += x[there];
      there += sizes.channels;
    }
  }
  let inside = end - first;
  store(at, total / select(f32(inside.x * inside.y), sizes.divisor, sizes.divisor > 0.0));
}
