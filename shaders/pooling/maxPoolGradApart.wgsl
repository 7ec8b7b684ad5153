// dX[n, i · h + t, j · w + u, c] = epilogue(dY[n, i, j, c] where the maximum of window (i, j) stood at (t, u), else 0).
// One invocation computes a whole window of dX, or that of four neighbouring channels; the windows do not overlap.

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
  // X of dY, and of a pixel.
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
  let line = pixel / sizes.output.y;
  let image = line / sizes.output.x;
  let place = vec2u(line - image * sizes.output.x, pixel - line * sizes.output.y);
  let first = place * sizes.window;
  // What the last windows leave over of the image is theirs to clear.
  let end = select(first + sizes.window, sizes.input, place + 1u == sizes.output);
  let value = d_y[at];
  let stood = places_at(at);
  for (var row = first.x; row < 0x7fffffffu; row++) {
    if (row >= end.x) { break; }
    for (var column = first.y; column < 0x7fffffffu; column++) {
      if (column >= end.y) { break; }
      let tap = vec2u(row, column) - first;
      // No place is all ones: what is left over has none.
      let own = select(0xffffffffu, tap.x * sizes.window.y + tap.y, all(tap < sizes.window));
      let to = ((image * sizes.input.x + row) * sizes.input.y + column) * sizes.channels + at - pixel * sizes.channels;
      store(to, select(X(0.0), value, stood == PLACE(own)));
    }
  }
}
