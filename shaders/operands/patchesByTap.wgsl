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
    let start = vec2i(vec2u(tap / o.taps.y, tap % o.taps.y) * o.dilation) - vec2i(o.before);
    lines.at[i] = base + u32(start.x * i32(o.image.y) + start.y) * o.pixel + k % o.tap;
    lines.y[i] = start.x;
    lines.x[i] = start.y;
  }
  return lines;
}

// One place's term of four columns: 0 beyond the image.
fn terms_of_place(lines: Lines, k: u32) -> vec4f {
  let o = sizes.operands;
  let row = quotient(k, o.grid.y, 1.0 / f32(o.grid.y));
  let image = quotient(row, o.grid.x, 1.0 / f32(o.grid.x));
  let place = vec2u(row - image * o.grid.x, k - row * o.grid.y) * o.stride;
  let at = lines.at + b_line(image, o.image.x * o.image.y * o.pixel) + (place.x * o.image.y + place.y) * o.pixel;
  let inside = (vec4u(lines.y) + place.x < vec4u(o.image.x)) & (vec4u(lines.x) + place.y < vec4u(o.image.y))
    & vec4<bool>(WHOLE_K || k < sizes.k);
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
  return mat4x4f(
    terms_of_place(lines, k),
    terms_of_place(lines, k + 1u),
    terms_of_place(lines, k + 2u),
    terms_of_place(lines, k + 3u),
  );
}

fn place_of(part: u32, column: u32) -> Place {
  let at = (part % sizes.parts * sizes.n + column) * sizes.operands.c_pixel + part / sizes.parts * sizes.m;
  return Place(at, column < sizes.n);
}
