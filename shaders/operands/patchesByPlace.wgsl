// Operand B of a convolution, and of the gradient that flows back through one: a column is a place of the window, its
// terms are taps, and each tap's channels.

fn term_count(seen: View) -> u32 {
  return seen.taps.x * seen.taps.y * sizes.operands.tap;
}

// Which of the phase's taps a term belongs to, and which channel of it.
struct Term {
  tap: vec2u,
  channel: u32,
}

fn term_of(k: u32) -> Term {
  let o = sizes.operands;
  let tap = quotient(k, o.tap, 1.0 / f32(o.tap));
  let y = quotient(tap, view.taps.y, 1.0 / f32(view.taps.y));
  return Term(vec2u(y, tap - y * view.taps.y), k - tap * o.tap);
}

fn column_count() -> u32 {
  return sizes.operands.images * view.count.x * view.count.y;
}

// Of a place of the phase: which image, and where in the phase's part of the grid.
fn decoded(place: u32) -> vec3u {
  let row = place / view.count.y;
  return vec3u(row / view.count.x, row % view.count.x, place % view.count.y);
}

fn b_lines(base: u32, column: u32) -> LINES {
  let o = sizes.operands;
  var lines: Lines;
  for (var i = 0u; i < 4u; i++) {
    let place = decoded(min(column + i, column_count() - 1u));
    let start = view.origin + vec2i(place.yz) * view.place_step;
    lines.at[i] = base + b_line(place.x, o.image.x * o.image.y * o.pixel) + u32(start.x * i32(o.image.y) + start.y) * o.pixel;
    lines.y[i] = start.x;
    lines.x[i] = start.y;
  }
  return lines;
}

// One term of four places: 0 beyond the images.
fn term_of_four(lines: Lines, k: u32) -> vec4f {
  let o = sizes.operands;
  let term = term_of(k);
  let step = vec2i(term.tap) * view.image_step;
  let at = lines.at + u32(step.x * i32(o.image.y) + step.y) * o.pixel + term.channel;
  let inside = (vec4u(lines.y + step.x) < vec4u(o.image.x)) & (vec4u(lines.x + step.y) < vec4u(o.image.y))
    & vec4<bool>(k < term_count(view));
  return select(
    vec4f(),
    vec4f(b_four(at.x, 1u).x, b_four(at.y, 1u).x, b_four(at.z, 1u).x, b_four(at.w, 1u).x),
    inside,
  );
}

fn b_block(lines: LINES, k: u32) -> mat4x4f {
  if (!WHOLE_TAPS) {
    return mat4x4f(
      term_of_four(lines, k),
      term_of_four(lines, k + 1u),
      term_of_four(lines, k + 2u),
      term_of_four(lines, k + 3u),
    );
  }
  let o = sizes.operands;
  let term = term_of(k);
  let step = vec2i(term.tap) * view.image_step;
  let at = lines.at + u32(step.x * i32(o.image.y) + step.y) * o.pixel + term.channel;
  let inside = (vec4u(lines.y + step.x) < vec4u(o.image.x)) & (vec4u(lines.x + step.y) < vec4u(o.image.y));
  return transpose(mat4x4f(
    select(vec4f(), b_four(at.x, 4u), inside.x),
    select(vec4f(), b_four(at.y, 4u), inside.y),
    select(vec4f(), b_four(at.z, 4u), inside.z),
    select(vec4f(), b_four(at.w, 4u), inside.w),
  ));
}

// The weights of the phase's taps, where a row of A is a channel that they were multiplied with.
fn weight_at(k: u32) -> u32 {
  let o = sizes.operands;
  let term = term_of(k);
  let tap = view.first_tap + term.tap * o.tap_step;
  return (tap.x * o.taps.y + tap.y) * o.tap_weights + term.channel;
}

fn a_row(line: u32, k: u32) -> vec4f {
  if (WHOLE_TAPS) {
    return a_four(line + weight_at(k), 4u);
  }
  let inside = k + vec4u(0u, 1u, 2u, 3u) < vec4u(term_count(view));
  return select(
    vec4f(),
    vec4f(
      a_four(line + weight_at(k), 1u).x,
      a_four(line + weight_at(k + 1u), 1u).x,
      a_four(line + weight_at(k + 2u), 1u).x,
      a_four(line + weight_at(k + 3u), 1u).x,
    ),
    inside,
  );
}

fn place_of(part: u32, column: u32) -> Place {
  let o = sizes.operands;
  let place = decoded(column);
  let to = view.first + place.yz * view.pace;
  let group = part / (o.phases.x * o.phases.y);
  let at = ((place.x * o.grid.x + to.x) * o.grid.y + to.y) * o.c_pixel + group * sizes.m;
  return Place(at, column < column_count());
}
