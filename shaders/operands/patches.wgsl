// A product whose operand B is patches of images, and whose C is stored channel by channel: a convolution, or one of its
// gradients. Rows of C are channels. These declarations take the place of those in matmul.wgsl.
//
// A window stands on a grid of places. Its tap t of place o lies on element o · stride − before + t · dilation of an
// image; y and x are axes, tap and place count along each.

struct Operands {
  // Of the images: extents, how many, and elements of a pixel.
  image: vec2u,
  images: u32,
  pixel: u32,
  taps: vec2u,
  grid: vec2u,
  stride: vec2u,
  before: vec2u,
  dilation: vec2u,
  // 1, or the stride where a gradient flows back through it: the places of C whose windows share their taps are a phase.
  phases: vec2u,
  // From a tap to the next one of its phase, and how far that is in the images.
  tap_step: vec2u,
  image_step: vec2u,
  // Channels of a tap, which is a group's share of a pixel.
  tap: u32,
  // Elements of a line of A, of the weights of a tap, and of a pixel of C.
  a_length: u32,
  tap_weights: u32,
  c_pixel: u32,
  // What makes a product of a division by each.
  tap_inverse: f32,
  grid_inverse: vec2f,
}

// Four neighbouring lines of B: where their first terms lie, and at which y and x of an image.
struct Lines {
  at: vec4u,
  y: vec4i,
  x: vec4i,
}

// What a phase sees.
struct View {
  taps: vec2u,
  // Places of the phase: how many, the first, and from one to the next.
  count: vec2u,
  first: vec2u,
  pace: vec2u,
  // In the images: of the first place's first tap, from place to place, from tap to tap.
  origin: vec2i,
  place_step: vec2i,
  image_step: vec2i,
  // Elements of the images from tap to tap; of the weights, the first tap, and from tap to tap.
  tap_elements: vec2u,
  first_weight: u32,
  weight_step: vec2u,
  taps_inverse: f32,
}

var<private> view: View;

// The first tap that meets the phase along an axis; as many as there are taps if none does.
fn first_tap_of(place: u32, taps: u32, stride: u32, before: u32, dilation: u32) -> u32 {
  for (var tap = 0u; tap < 0x7fffffffu; tap++) {
    if (tap >= min(taps, stride)) { break; }
    // The dividend stays positive.
    if ((place + before + (stride * taps - tap) * dilation) % stride == 0u) {
      return tap;
    }
  }
  return taps;
}

fn view_of(phase: u32) -> View {
  let o = sizes.operands;
  let row_of_taps = o.taps.y * o.tap_weights;
  let row_of_image = o.image.y * o.pixel;
  if (!SPREADS) {
    return View(
      o.taps, o.grid, vec2u(), vec2u(1u), -vec2i(o.before), vec2i(o.stride), vec2i(o.dilation),
      o.dilation * vec2u(row_of_image, o.pixel), 0u, vec2u(row_of_taps, o.tap_weights), 1.0 / f32(o.taps.y),
    );
  }
  let first = vec2u(phase / o.phases.y, phase % o.phases.y);
  let tap = vec2u(
    first_tap_of(first.x, o.taps.x, o.stride.x, o.before.x, o.dilation.x),
    first_tap_of(first.y, o.taps.y, o.stride.y, o.before.y, o.dilation.y),
  );
  let taps = (o.taps - tap + o.tap_step - 1u) / o.tap_step;
  let count = (o.grid + o.stride - 1u - first) / o.stride;
  let origin = (vec2i(first + o.before) - vec2i(tap * o.dilation)) / vec2i(o.stride);
  let none = taps.x * taps.y == 0u;
  let seen = select(taps, vec2u(0u, 1u), none);
  return View(
    seen, count, first, o.stride, origin, vec2i(1), -vec2i(o.image_step),
    // Backwards: they wrap around in u32, and come back.
    vec2u() - o.image_step * vec2u(row_of_image, o.pixel),
    tap.x * row_of_taps + tap.y * o.tap_weights, o.tap_step * vec2u(row_of_taps, o.tap_weights), 1.0 / f32(seen.y),
  );
}

fn lines_at(at: vec4u) -> LINES {
  return Lines(at, vec4i(), vec4i());
}

fn places_of(lines: LINES) -> vec4u {
  return lines.at;
}

fn a_line(line: u32, length: u32) -> u32 {
  return line * sizes.operands.a_length;
}

fn block_of(i: u32) -> Block {
  let part = i / (sizes.m_blocks * sizes.n_blocks);
  let matrix = part / sizes.parts;
  let phases = sizes.operands.phases.x * sizes.operands.phases.y;
  let group = matrix / phases;
  // Not through the variable: all of a workgroup must be known to have the same terms.
  let own = view_of(matrix % phases);
  view = own;
  let first = part % sizes.parts * sizes.part_terms;
  return Block(
    i / sizes.n_blocks % sizes.m_blocks,
    i % sizes.n_blocks,
    part,
    group * sizes.a_matrix,
    group * sizes.b_matrix,
    first,
    min(first + sizes.part_terms, term_count(own)),
  );
}

// Of a number of terms, whose every division costs a product, unless there are too many for f32.
fn quotient(terms: u32, divisor: u32, inverse: f32) -> u32 {
  return select(terms / divisor, u32((f32(terms) + 0.5) * inverse), FEW_TERMS);
}

// A place of a grid: which image, and where in the grid.
fn grid_place(at: u32, extents: vec2u) -> vec3u {
  let row = at / extents.y;
  let image = row / extents.x;
  return vec3u(image, row - image * extents.x, at - row * extents.y);
}

// The one behind it: cheaper than to divide again.
fn next_place(place: vec3u, extents: vec2u) -> vec3u {
  let ends_row = place.z + 1u == extents.y;
  let row = place.y + select(0u, 1u, ends_row);
  let ends_image = row == extents.x;
  return vec3u(
    place.x + select(0u, 1u, ends_image),
    select(row, 0u, ends_image),
    select(place.z + 1u, 0u, ends_row),
  );
}

fn columns_of(part: u32, column: u32) -> Columns {
  return Columns(part, column, columns_at(part, column), vec4f());
}
