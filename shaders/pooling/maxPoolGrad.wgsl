// dX[n, r, s, c] = epilogue(Σ dY[n, i, j, c] over the windows (i, j) whose maximum stood at row r and column s).
// One invocation computes one element of dX, or four neighbouring channels: it looks up the windows that it lies in.

// One number, or four where channels come in fours; store and places_at change with them.
alias X = f32;
alias PLACE = u32;

// Pairs are of rows and of columns.
struct Sizes {
  input: vec2u,
  output: vec2u,
  window: vec2u,
  stride: vec2u,
  before: vec2u,
  // X of dX, and of a pixel.
  count: u32,
  channels: u32,
}

@group(0) @binding(0) var<storage, read> d_y: array<X>;
@group(0) @binding(1) var<storage, read> places: array<u32>;
@group(0) @binding(2) var<storage, read_write> d_x: array<X>;
@group(0) @binding(3) var<uniform> sizes: Sizes;

fn epilogue(value: f32, at: u32) -> f32 {
  return value;
}

fn store(at: u32, value: X) {
  d_x[at] = epilogue(value, at);
}

fn places_at(at: u32) -> PLACE {
  return places[at];
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
      let tap = padded - vec2u(i, j) * sizes.stride;
      let there = ((image * sizes.output.x + i) * sizes.output.y + j) * sizes.channels + at % sizes.channels;
      let stands_here = places_at(there) == PLACE(tap.x * sizes.window.y + tap.y);
      total += select(X(0.0), d_y[there], stands_here);
    }
  }
  store(at, total);
}
