// dX[n, r, s, c] = epilogue(Σ dY[n, i, j, c] · (the share that x[r, s] has in y[i, j])).
// One invocation computes one element of dX, or four neighbouring channels: it looks up what it has a share in.

// One number, or four where channels come in fours; store changes with it.
alias X = f32;

// Pairs are of rows and of columns.
struct Sizes {
  input: vec2u,
  factor: vec2u,
  // X of dX, and of a pixel.
  count: u32,
  channels: u32,
}

@group(0) @binding(0) var<storage, read> d_y: array<X>;
@group(0) @binding(1) var<storage, read_write> d_x: array<X>;
@group(0) @binding(2) var<uniform> sizes: Sizes;

fn epilogue(value: f32, at: u32) -> f32 {
  return value;
}

fn store(at: u32, value: X) {
  d_x[at] = epilogue(value, at);
}

// Of line `given` of an image of `extent` lines in line `made` of the upsampled one.
fn share(given: u32, made: u32, extent: u32, factor: u32) -> f32 {
  // In steps of half a pixel of y: whole numbers.
  let steps = i32(2u * factor);
  let centre = clamp(i32(2u * made + 1u) - i32(factor), 0, steps * i32(extent - 1u));
  return f32(steps - abs(centre - steps * i32(given))) / f32(steps);
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let at = id.y * groups.x * 64u + id.x;
  if (at >= sizes.count) {
    return;
  }
  let output = sizes.input * sizes.factor;
  let pixel = at / sizes.channels;
  let line = pixel / sizes.input.y;
  let image = line / sizes.input.x * output.x;
  let place = vec2u(line % sizes.input.x, pixel % sizes.input.y);
  // Those whose centres are nearer than a pixel of x.
  let first = select(((2u * place - 1u) * sizes.factor - 1u) / 2u + 1u, vec2u(0u), place == vec2u(0u));
  let end = min((2u * place + 3u) * sizes.factor / 2u, output);
  var total = X(0.0);
  for (var i = first.x; i < 0x7fffffffu; i++) {
    if (i >= end.x) { break; }
    let down = share(place.x, i, sizes.input.x, sizes.factor.x);
    var there = ((image + i) * output.y + first.y) * sizes.channels + at % sizes.channels;
    for (var j = first.y; j < 0x7fffffffu; j++) {
      if (j >= end.y) { break; }
      total += d_y[there] * (down * share(place.y, j, sizes.input.y, sizes.factor.y));
      there += sizes.channels;
    }
  }
  store(at, total);
}
