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
  let tap = k / o.tap;
  let y = tap / view.taps.y;
  return Term(vec2u(y, tap - y * view.taps.y), k - tap * o.tap);
}

fn column_count() -> u32 {
  return sizes.operands.images * view.count.x * view.count.y;
}

fn b_lines(base: u32, column: u32) -> LINES {
  let o = sizes.operands;
  var lines: Lines;
  // What lies past the last place is loaded from wherever, and never stored.
  var place = grid_place(column, view.count);
  for (var i = 0u; i < 4u; i++) {
    let start = view.origin + vec2i(place.yz) * view.place_step;
    lines.at[i] = base + b_line(place.x, o.image.x * o.image.y * o.pixel)
      + u32(start.x * i32(o.image.y) + start.y) * o.pixel;
    lines.y[i] = start.x;
    lines.x[i] = start.y;
    place = next_place(place, view.count);
  }
  return lines;
}

// The one behind it: cheaper than to divide again.
fn next_term(term: Term) -> Term {
  let ends_tap = term.channel + 1u == sizes.operands.tap;
  let x = term.tap.y + select(0u, 1u, ends_tap);
  let ends_row = x == view.taps.y;
  return Term(
    vec2u(term.tap.x + select(0u, 1u, ends_row), select(x, 0u, ends_row)),
    select(term.channel + 1u, 0u, ends_tap),
  );
}

// One term of four places: 0 beyond the images.
fn term_of_four(lines: Lines, term: Term) -> vec4f {
  let o = sizes.operands;
  let step = vec2i(term.tap) * view.image_step;
  let at = lines.at + u32(step.x * i32(o.image.y) + step.y) * o.pixel + term.channel;
  let inside = (vec4u(lines.y + step.x) < vec4u(o.image.x)) & (vec4u(lines.x + step.y) < vec4u(o.image.y))
    & vec4<bool>(term.tap.x < view.taps.x);
  return select(
    vec4f(),
    vec4f(b_four(at.x, 1u).x, b_four(at.y, 1u).x, b_four(at.z, 1u).x, b_four(at.w, 1u).x),
    inside,
  );
}

fn b_block(lines: LINES, k: u32) -> mat4x4f {
  let term = term_of(k);
  if (!WHOLE_TAPS) {
    let second = next_term(term);
    let third = next_term(second);
    return mat4x4f(
      term_of_four(lines, term),
      term_of_four(lines, second),
      term_of_four(lines, third),
      term_of_four(lines, next_term(third)),
    );
  }
  let o = sizes.operands;
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

// The same of one place, as a tile's quads have it.
struct Place {
  at: u32,
  y: i32,
  x: i32,
}

fn b_start(base: u32, column: u32, term: u32) -> B_START {
  let o = sizes.operands;
  let place = grid_place(column, view.count);
  let start = view.origin + vec2i(place.yz) * view.place_step;
  let at = b_line(place.x, o.image.x * o.image.y * o.pixel) + u32(start.x * i32(o.image.y) + start.y) * o.pixel;
  return Place(base + at, start.x, start.y);
}

fn term_of_one(place: Place, term: Term, whole: bool) -> vec4f {
  let o = sizes.operands;
  let step = vec2i(term.tap) * view.image_step;
  let at = place.at + u32(step.x * i32(o.image.y) + step.y) * o.pixel + term.channel;
  let is_inside = u32(place.y + step.x) < o.image.x && u32(place.x + step.y) < o.image.y && term.tap.x < view.taps.x;
  if (whole) {
    return select(vec4f(), b_at(at / B_WIDTH), is_inside);
  }
  return select(vec4f(), b_four(at, 1u), is_inside);
}

fn b_quad(place: B_START, k: u32, term: u32) -> vec4f {
  let first = term_of(k + term);
  if (WHOLE_TAPS) {
    return term_of_one(place, first, true);
  }
  let second = next_term(first);
  let third = next_term(second);
  return vec4f(
    term_of_one(place, first, false).x,
    term_of_one(place, second, false).x,
    term_of_one(place, third, false).x,
    term_of_one(place, next_term(third), false).x,
  );
}

// The weights of the phase's taps, where a row of A is a channel that they were multiplied with.
fn weight_at(term: Term) -> u32 {
  let o = sizes.operands;
  let tap = view.first_tap + term.tap * o.tap_step;
  return (tap.x * o.taps.y + tap.y) * o.tap_weights + term.channel;
}

fn weight_of(line: u32, term: Term) -> f32 {
  return select(0.0, a_four(line + weight_at(term), 1u).x, term.tap.x < view.taps.x);
}

fn a_row(line: u32, k: u32) -> vec4f {
  let term = term_of(k);
  if (WHOLE_TAPS) {
    return a_four(line + weight_at(term), 4u);
  }
  let second = next_term(term);
  let third = next_term(second);
  return vec4f(
    weight_of(line, term),
    weight_of(line, second),
    weight_of(line, third),
    weight_of(line, next_term(third)),
  );
}

fn a_terms(start: u32, k: u32) -> vec4f {
  return a_row(start * A_WIDTH, k);
}

fn group_of(part: u32) -> u32 {
  return part / (sizes.operands.phases.x * sizes.operands.phases.y);
}

// Where four columns of C begin.
fn columns_at(part: u32, column: u32) -> vec4u {
  let o = sizes.operands;
  var at: vec4u;
  var place = grid_place(column, view.count);
  for (var i = 0u; i < 4u; i++) {
    let to = view.first + place.yz * view.pace;
    at[i] = ((place.x * o.grid.x + to.x) * o.grid.y + to.y) * o.c_pixel + group_of(part) * sizes.m;
    place = next_place(place, view.count);
  }
  return at;
}
