// y[n, i, j, c] = epilogue(x[n, i · stride + t − before, j · stride + u − before, c]), t and u being what places says.
// One invocation computes one output.

// Pairs are of rows and of columns.
struct Sizes {
  input: vec2u,
  output: vec2u,
  window: vec2u,
  stride: vec2u,
  before: vec2u,
  // Of the output, and of a pixel.
  count: u32,
  channels: u32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> places: array<u32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<uniform> sizes: Sizes;

fn epilogue(value: f32, at: u32) -> f32 {
  return value;
}

fn place_at(at: u32) -> u32 {
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
  let place = place_at(at);
  let tap = vec2u(place / sizes.window.y, place % sizes.window.y);
  let stood = vec2u(line % sizes.output.x, pixel % sizes.output.y) * sizes.stride + tap - sizes.before;
  let there = ((image * sizes.input.x + stood.x) * sizes.input.y + stood.y) * sizes.channels + at % sizes.channels;
  y[at] = epilogue(x[there], at);
}
