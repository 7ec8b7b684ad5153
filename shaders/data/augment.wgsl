// y[n, row, column, c] = epilogue(gain · x[n, source of (row, column), c] + lift), or fill where a square is cut out.
// One invocation draws what happens to sample n, and makes every so many-th pixel of one of its rows.

alias X_ELEMENT = f32;

struct Sizes {
  samples: u32,
  height: u32,
  width: u32,
  channels: u32,
  // Invocations that share a row.
  shares: u32,
  stream: u32,
  part_count: u32,
  // 1: left and right may be swapped, 2: top and bottom.
  flips: u32,
  // How many different shifts there are.
  shifts_y: u32,
  shifts_x: u32,
  // The side of the square that is cut out.
  cutout: u32,
  // Each of the four is drawn uniformly from ± so much: radians, and numbers.
  rotation: f32,
  scale: f32,
  brightness: f32,
  contrast: f32,
  fill: f32,
  // 1: beyond the edges the picture goes on as it ends there.
  edge: u32,
}

// A sample, and what stands around it.
struct Picture {
  start: u32,
  // Its last row and column.
  last: vec2i,
  channels: u32,
  fill: f32,
  edge: bool,
}

// What happens to a sample.
struct Draw {
  // From a step in the result to the step in the source.
  to_row: vec2f,
  to_column: vec2f,
  shift: vec2f,
  // Top left corner of the square that is cut out.
  hole: vec2i,
  gain: f32,
  lift: f32,
}

@group(0) @binding(0) var<storage, read> x: array<X_ELEMENT>;
// The step, its part, and the two words of the seed.
@group(0) @binding(1) var<storage, read> control: array<u32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<uniform> sizes: Sizes;

fn random_words(counter: vec4u, key: vec2u) -> vec4u {
  return counter;
}

fn cosine_sine(angle: f32) -> vec2f {
  return vec2f(cos(angle), sin(angle));
}

fn epilogue(value: f32, at: u32) -> f32 {
  return value;
}

fn x_at(at: u32) -> f32 {
  return x[at];
}

// Where among the samples that are bound sample n lies.
fn place_of(n: u32) -> u32 {
  return n;
}

// Uniform in −1 … 1, exact in f32.
fn around_zero(word: u32) -> f32 {
  return f32(word >> 8u) * 1.1920928955078125e-7 - 1.0;
}

fn is_bent() -> bool {
  return sizes.rotation > 0.0 || sizes.scale > 0.0;
}

fn words_of(n: u32, block: u32) -> vec4u {
  let sample = control[1] * sizes.part_count + n;
  return random_words(vec4u(sample, control[0], sizes.stream, 2u + (block << 8u)), vec2u(control[2], control[3]));
}

fn draw_of(n: u32) -> Draw {
  let words = words_of(n, 0u);
  let flips = words.x & sizes.flips;
  let shift = words.y % (sizes.shifts_y * sizes.shifts_x);
  let place = words.z % (sizes.height * sizes.width);
  var draw: Draw;
  draw.shift = vec2f(vec2u(shift / sizes.shifts_x, shift % sizes.shifts_x))
    - 0.5 * vec2f(vec2u(sizes.shifts_y - 1u, sizes.shifts_x - 1u));
  draw.hole = vec2i(vec2u(place / sizes.width, place % sizes.width)) - i32(sizes.cutout / 2u);
  draw.gain = 1.0;
  // Exact where there is nothing but whole pixels: a driver's 1 / 1 need not be.
  var turn = vec2f(1.0, 0.0);
  if (is_bent() || sizes.brightness > 0.0 || sizes.contrast > 0.0) {
    let fractions = words_of(n, 1u);
    draw.lift = sizes.brightness * around_zero(fractions.z);
    draw.gain += sizes.contrast * around_zero(fractions.w);
    if (is_bent()) {
      turn = cosine_sine(sizes.rotation * around_zero(fractions.x)) / (1.0 + sizes.scale * around_zero(fractions.y));
    }
  }
  draw.to_row = vec2f(turn.x, turn.y) * select(1.0, -1.0, (flips & 2u) != 0u);
  draw.to_column = vec2f(-turn.y, turn.x) * select(1.0, -1.0, (flips & 1u) != 0u);
  return draw;
}

fn pixel(picture: Picture, place: vec2i, c: u32) -> f32 {
  let inside = clamp(place, vec2i(0), picture.last);
  let at = u32(inside.x * (picture.last.y + 1) + inside.y);
  let value = x_at(picture.start + at * picture.channels + c);
  return select(picture.fill, value, picture.edge || all(inside == place));
}

// At a place between pixels: from the four around it.
fn between(picture: Picture, source: vec2f, c: u32) -> f32 {
  let place = vec2i(floor(source));
  let part = source - floor(source);
  let right = place + vec2i(0, 1);
  let upper = pixel(picture, place, c) * (1.0 - part.y) + pixel(picture, right, c) * part.y;
  let below = place + vec2i(1, 0);
  let lower = pixel(picture, below, c) * (1.0 - part.y) + pixel(picture, right + vec2i(1, 0), c) * part.y;
  return upper * (1.0 - part.x) + lower * part.x;
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * 64u + id.x;
  // A row of a sample.
  let line = i / sizes.shares;
  let n = line / sizes.height;
  if (n >= sizes.samples) {
    return;
  }
  let draw = draw_of(n);
  let size = vec2u(sizes.height, sizes.width);
  var picture: Picture;
  picture.channels = sizes.channels;
  picture.start = place_of(n) * size.x * size.y * picture.channels;
  picture.last = vec2i(size) - 1;
  picture.fill = sizes.fill;
  picture.edge = sizes.edge == 1u;
  let bent = is_bent();
  let cutout = i32(sizes.cutout);
  let centre = 0.5 * vec2f(picture.last);
  let row = line - n * size.x;
  let shares = sizes.shares;
  for (var turn = 0u; turn < 0x7fffffffu; turn++) {
    let column = i + (turn - line) * shares;
    if (column >= size.y) { break; }
    let step = vec2f(vec2u(row, column)) - draw.shift - centre;
    let source = centre + vec2f(dot(draw.to_row, step), dot(draw.to_column, step));
    let in_hole = vec2i(vec2u(row, column)) - draw.hole;
    let is_cut = all(in_hole >= vec2i(0)) && all(in_hole < vec2i(cutout));
    let at = (line * size.y + column) * picture.channels;
    for (var c = 0u; c < 0x7fffffffu; c++) {
      if (c >= picture.channels) { break; }
      var value = picture.fill;
      if (!is_cut) {
        if (bent) {
          value = between(picture, source, c);
        } else {
          value = pixel(picture, vec2i(source), c);
        }
        value = draw.gain * value + draw.lift;
      }
      y[at + c] = epilogue(value, at + c);
    }
  }
}
