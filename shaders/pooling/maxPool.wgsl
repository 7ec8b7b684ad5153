// y[n, i, j, c] = epilogue(max of x[n, i · stride + t − before, j · stride + u − before, c] over t, u), and where it stands.
// One invocation computes one output, or four neighbouring channels.

// One number, or four where channels come in fours; store and store_places change with them.
alias X = f32;
alias PLACE = u32;
alias TRUTH = bool;

// Pairs are of rows and of columns.
struct Sizes {
  input: vec2u,
  output: vec2u,
  window: vec2u,
  stride: vec2u,
  before: vec2u,
  // X of the output, and of a pixel.
  count: u32,
  channels: u32,
}

@group(0) @binding(0) var<storage, read> x: array<X>;
@group(0) @binding(1) var<storage, read_write> y: array<X>;
@group(0) @binding(2) var<storage, read_write> places: array<u32>;
@group(0) @binding(3) var<uniform> sizes: Sizes;

fn epilogue(value: f32, at: u32) -> f32 {
  return value;
}

fn store(at: u32, value: X) {
  y[at] = epilogue(value, at);
}

fn store_places(at: u32, place: PLACE) {
  places[at] = place;
}

// By its bits, of one number or of four: on software drivers x != x is always false.
fn are_nan(value: X) -> TRUTH {
  return (bitcast<PLACE>(value) & PLACE(0x7fffffffu)) > PLACE(0x7f800000u);
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
  // WGSL forbids an infinity in a constant expression, so a word of the uniform makes it one of run time.
  var best = X(bitcast<f32>(0xff800000u | (sizes.count & 0u)));
  let outside = vec2u(vec2i(first) - start);
  var place = PLACE(outside.x * sizes.window.y + outside.y);
  for (var row = first.x; row < 0x7fffffffu; row++) {
    if (row >= end.x) { break; }
    var tap = u32(i32(row) - start.x) * sizes.window.y + outside.y;
    var there = ((image * sizes.input.x + row) * sizes.input.y + first.y) * sizes.channels + at % sizes.channels;
    for (var column = first.y; column < 0x7fffffffu; column++) {
      if (column >= end.y) { break; }
      let value = x[there];
      let exceeds = !are_nan(best) & ((value > best) | are_nan(value));
      best = select(best, value, exceeds);
      place = select(place, PLACE(tap), exceeds);
      tap++;
      there += sizes.channels;
    }
  }
  store(at, best);
  store_places(at, place);
}
