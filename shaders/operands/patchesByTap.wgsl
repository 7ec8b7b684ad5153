// Operand B of the gradient of a convolution's weights: a column is a channel of a tap, its terms are the places of the
// window in all images.

fn term_count(seen: View) -> u32 {
  return sizes.k;
}

fn b_lines(base: u32, column: u32) -> LINES {
  let o = sizes.operands;
  var lines: Lines;
  for (var i = 0u; i < 4u; i++) {
    let k = min(column + i, sizes.n - 1u);
    let tap = k / o.tap;
    let start = vec2i(vec2u(tap / o.taps.y, tap - tap / o.taps.y * o.taps.y) * o.dilation) - vec2i(o.before);
    lines.at[i] = base + u32(start.x * i32(o.image.y) + start.y) * o.pixel + k - tap * o.tap;
    lines.y[i] = start.x;
    lines.x[i] = start.y;
  }
  return lines;
}

// Where a window stands: in which image, where its corner lies in it, and how many elements from the image's first.
struct Window {
  image: u32,
  corner: vec2u,
  at: u32,
}

fn window_at(k: u32) -> Window {
  let o = sizes.operands;
  let row = quotient(k, o.grid.y, o.grid_inverse.y);
  let image = quotient(row, o.grid.x, o.grid_inverse.x);
  let corner = vec2u(row - image * o.grid.x, k - row * o.grid.y) * o.stride;
  return Window(image, corner, (corner.x * o.image.y + corner.y) * o.pixel);
}

fn window_behind(window: Window) -> Window {
  let o = sizes.operands;
  let end = o.grid * o.stride;
  let x = window.corner.y + o.stride.y;
  let ends_row = x == end.y;
  let y = window.corner.x + select(0u, o.stride.x, ends_row);
  let ends_image = y == end.x;
  let across = o.stride.y * o.pixel;
  let down = across + (o.stride.x * o.image.y - end.y) * o.pixel;
  return Window(
    window.image + select(0u, 1u, ends_image),
    vec2u(select(y, 0u, ends_image), select(x, 0u, ends_row)),
    select(window.at + select(across, down, ends_row), 0u, ends_image),
  );
}

// One place's term of four columns: 0 beyond the image.
fn terms_of_place(lines: Lines, window: Window, exists: bool) -> vec4f {
  let o = sizes.operands;
  let at = lines.at + b_line(window.image, o.image.x * o.image.y * o.pixel) + window.at;
  let inside = (vec4u(lines.y) + window.corner.x < vec4u(o.image.x))
    & (vec4u(lines.x) + window.corner.y < vec4u(o.image.y)) & vec4<bool>(exists);
  if (WHOLE_TAPS) {
    return select(vec4f(), b_four(at.x, 4u), inside.x);
  }
  return select(
    vec4f(),
    vec4f(b_four(at.x, 1u).x, b_four(at.y, 1u).x, b_four(at.z, 1u).x, b_four(at.w, 1u).x),
    inside,
  );
}

fn b_block(lines: LINES, k: u32) -> mat4x4f {
  let first = window_at(k);
  let second = window_behind(first);
  let third = window_behind(second);
  return mat4x4f(
    terms_of_place(lines, first, true),
    terms_of_place(lines, second, WHOLE_K || k + 1u < sizes.k),
    terms_of_place(lines, third, WHOLE_K || k + 2u < sizes.k),
    terms_of_place(lines, window_behind(third), WHOLE_K || k + 3u < sizes.k),
  );
}

fn b_term(lines: LINES, k: u32) -> vec4f {
  return terms_of_place(lines, window_at(k), WHOLE_K || k < sizes.k);
}

fn b_start(base: u32, column: u32, term: u32) -> B_START {
  return b_lines(base, column);
}

fn b_quad(lines: B_START, k: u32, term: u32) -> vec4f {
  return terms_of_place(lines, window_at(k + term), true);
}

fn column_count() -> u32 {
  return sizes.n;
}

fn group_of(part: u32) -> u32 {
  return part / sizes.parts;
}

// Where four columns of C begin.
fn columns_at(part: u32, column: u32) -> vec4u {
  let first = part % sizes.parts * sizes.n + column;
  let at = (vec4u(first) + vec4u(0u, 1u, 2u, 3u)) * sizes.operands.c_pixel;
  return at + group_of(part) * sizes.m;
}
