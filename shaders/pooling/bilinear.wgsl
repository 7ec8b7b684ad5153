// y[n, i, j, c] = epilogue(what x is at ((i + ½) / f − ½, (j + ½) / f − ½), between its pixels in proportion).
// One invocation computes one output, or four neighbouring channels.

// One number, or four where channels come in fours; store changes with it.
alias X = f32;

// Pairs are of rows and of columns.
struct Sizes {
  input: vec2u,
  factor: vec2u,
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

// Of what has no part in it, not even an infinity is felt.
fn between(a: X, b: X, part: f32) -> X {
  return select(a * (1.0 - part) + b * part, a, part == 0.0);
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let at = id.y * groups.x * 64u + id.x;
  if (at >= sizes.count) {
    return;
  }
  let output = sizes.input * sizes.factor;
  let channel = at % sizes.channels;
  let pixel = at / sizes.channels;
  let line = pixel / output.y;
  let image = line / output.x * sizes.input.x;
  // In steps of half a pixel of y: whole numbers.
  let steps = 2u * sizes.factor;
  let centre = vec2i(2u * vec2u(line % output.x, pixel % output.y) + 1u) - vec2i(sizes.factor);
  let position = vec2u(max(centre, vec2i(0)));
  let low = position / steps;
  let high = min(low + 1u, sizes.input - 1u);
  let part = vec2f(position - low * steps) / vec2f(steps);
  let upper = (image + low.x) * sizes.input.y;
  let lower = (image + high.x) * sizes.input.y;
  let left = low.y;
  let right = high.y;
  let above = between(x[(upper + left) * sizes.channels + channel], x[(upper + right) * sizes.channels + channel], part.y);
  let below = between(x[(lower + left) * sizes.channels + channel], x[(lower + right) * sizes.channels + channel], part.y);
  store(at, between(above, below, part.x));
}
