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
  let tap = quotient(k, o.tap, o.tap_inverse);
  let y = quotient(tap, view.taps.y, view.taps_inverse);
  return Term(vec2u(y, tap - y * view.taps.y), k - tap * o.tap);
}

fn b_lines(base: u32, column: u32) -> LINES {
  let o = sizes.operands;
  var lines: Lines;
  // What lies past the last place is loaded from wherever, and never stored.
  var place = column_place(column);
  for (var i = 0u; i < 4u; i++) {
    let start = view.origin + vec2i(place.yz) * view.place_step;
    lines.at[i] = base + b_line(place.x, o.image.x * o.image.y * o.pixel)
      + u32(start.x * i32(o.image.y) + start.y) * o.pixel;
    lines.y[i] = start.x;
    lines.x[i] = start.y;
    place = place_behind(place);
  }
  return lines;
}

// Which of four windows have a tap inside. None has a row of taps past its last.
fn sees(lines: Lines, tap: vec2u) -> vec4<bool> {
  let image = sizes.operands.image;
  let step = vec2i(tap) * view.image_step;
  return (vec4u(lines.y + step.x) < vec4u(image.x)) & (vec4u(lines.x + step.y) < vec4u(image.y))
    & vec4<bool>(tap.x < view.taps.x);
}

fn elements_to(term: Term) -> u32 {
  return term.tap.x * view.tap_elements.x + term.tap.y * view.tap_elements.y + term.channel;
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
  let at = lines.at + elements_to(term);
  return select(
    vec4f(),
    vec4f(b_four(at.x, 1u).x, b_four(at.y, 1u).x, b_four(at.z, 1u).x, b_four(at.w, 1u).x),
    sees(lines, term.tap),
  );
}

fn b_block(lines: LINES, k: u32) -> mat4x4f {
  var term = term_of(k);
  if (!WHOLE_TAPS) {
    var terms: Carried;
    for (var turn = 0u; turn < 0x7fffffffu; turn++) {
      if (turn >= turns_of_four()) {
        break;
      }
      // Said, as Dawn makes a variable 0 once, not in each turn.
      var four = vec4f();
      if (term.tap.x < view.taps.x) {
        four = term_of_four(lines, term);
      }
      terms = moved_on(terms, four);
      term = next_term(term);
    }
    return block_from(terms);
  }
  let at = lines.at + elements_to(term);
  let inside = sees(lines, term.tap);
  return transpose(mat4x4f(
    select(vec4f(), b_four(at.x, 4u), inside.x),
    select(vec4f(), b_four(at.y, 4u), inside.y),
    select(vec4f(), b_four(at.z, 4u), inside.z),
    select(vec4f(), b_four(at.w, 4u), inside.w),
  ));
}

// What a tile's quads know of one place: where its first term lies, and at which y and x of an image. Where a bit for each
// of the window's columns, and above them one for each of its rows, says as much: which of them are inside.
struct Place {
  at: u32,
  y: i32,
  x: i32,
  inside: u32,
}

fn b_start(base: u32, column: u32, term: u32) -> B_START {
  let lines = b_lines(base, column);
  var place = Place(lines.at.x, lines.y.x, lines.x.x, 0u);
  if (FEW_TAPS) {
    let image = vec2i(sizes.operands.image);
    place.inside = (seen_along(place.y, view.image_step.x, view.taps.x, image.x) << 16u)
      | seen_along(place.x, view.image_step.y, view.taps.y, image.y);
  }
  return place;
}

// Along an axis: a bit for each tap of a window, which begins where it is said, that lies inside. No loop: compilers do not
// unroll what has one in it, as loops over quads are to be.
fn seen_along(start: i32, step: i32, taps: u32, extent: i32) -> u32 {
  if (SPREADS) {
    return taps_within(start + 1, -step, taps) & ~taps_within(start + 1 - extent, -step, taps);
  }
  return taps_within(extent - start, step, taps) & ~taps_within(-start, step, taps);
}

// A bit for each of a window's taps that is nearer to its first one than it is said.
fn taps_within(distance: i32, step: i32, taps: u32) -> u32 {
  let count = floor((f32(max(distance, 0)) - 0.5) / f32(step)) + 1.0;
  return (1u << min(u32(count), taps)) - 1u;
}

fn sees_one(place: Place, tap: vec2u) -> bool {
  if (FEW_TAPS) {
    let wanted = (0x10000u << tap.x) | (1u << tap.y);
    return (place.inside & wanted) == wanted;
  }
  return sees(Lines(vec4u(), vec4i(place.y), vec4i(place.x)), tap).x;
}

fn term_of_one(place: Place, term: Term) -> f32 {
  return select(0.0, b_four(place.at + elements_to(term), 1u).x, sees_one(place, term.tap));
}

fn b_quad(place: B_START, k: u32, term: u32) -> vec4f {
  let first = term_of(k + term);
  if (WHOLE_TAPS) {
    return select(vec4f(), b_at((place.at + elements_to(first)) / B_WIDTH), sees_one(place, first.tap));
  }
  let second = next_term(first);
  let third = next_term(second);
  return vec4f(
    term_of_one(place, first),
    term_of_one(place, second),
    term_of_one(place, third),
    term_of_one(place, next_term(third)),
  );
}

// The weights of the phase's taps, where a row of A is a channel that they were multiplied with.
fn weight_at(term: Term) -> u32 {
  let from_first = term.tap * view.weight_step;
  return view.first_weight + from_first.x + from_first.y + term.channel;
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

fn group_of(part: u32) -> u32 {
  return part / (sizes.operands.phases.x * sizes.operands.phases.y);
}
