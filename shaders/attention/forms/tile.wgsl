// Of TILE own rows and TILE others, an invocation has four of each: x and y say which. What all of them read is brought into
// workgroup memory a step at a time.

const TILE = 32u;
const X = TILE / 4u;
const THREADS = X * X;
// Fours of channels of a row that an invocation adds up.
const COLUMN_QUADS = 2u;
// Channels of a step of the scores; others of a step of what is added up.
const CHANNELS = 16u;
const ROWS = 16u;

// Whether steps are unrolled: a card gains by it, a software driver takes long to compile it.
const UNROLLS = false;

// By channel, own rows in fours, and then the others; or by other, its channels in fours.
var<workgroup> held: array<vec4f, 2u * CHANNELS * X>;
// By other, what an own row takes of it, in fours of own rows.
var<workgroup> taken: array<vec4f, TILE * X>;

alias Totals = array<mat4x4f, COLUMN_QUADS>;

// A loop that ends by a word of the uniform stays a loop.
fn turns_of(count: u32) -> u32 {
  return select(count * sizes.one, count, UNROLLS);
}

// Where a row of one kind begins; past the last one it is the last.
struct Lines {
  at: u32,
  stride: u32,
  last: u32,
}

fn line_of(lines: Lines, row: u32) -> u32 {
  return lines.at + min(row, lines.last) * lines.stride;
}

fn own_four(second: bool, at: u32, left: u32) -> vec4f {
  if (second) {
    return second_own(at, left);
  }
  return first_own(at, left);
}

fn other_four(second: bool, at: u32, left: u32) -> vec4f {
  if (second) {
    return second_other(at, left);
  }
  return first_other(at, left);
}

fn add_outer(rows: mat4x4f, x: vec4f, y: vec4f) -> mat4x4f {
  return mat4x4f(
    fma(vec4f(x.x), y, rows[0]),
    fma(vec4f(x.y), y, rows[1]),
    fma(vec4f(x.z), y, rows[2]),
    fma(vec4f(x.w), y, rows[3]),
  );
}

// Brings four channels of four rows into place, of own rows or of others.
fn hold_channels(second: bool, own: Lines, own_first: u32, others: Lines, first: u32, channel: u32, local: u32) {
  if (local >= 8u * X) {
    return;
  }
  let of_others = local >= 4u * X;
  // Neighbours read neighbours.
  let row = local / 4u % X;
  let c = channel + local % 4u * 4u;
  let left = sizes.channels - min(c, sizes.channels);
  var four = mat4x4f();
  if (left > 0u) {
    for (var i = 0u; i < 4u; i++) {
      if (of_others) {
        four[i] = other_four(second, line_of(others, first + 4u * row + i) + c, left);
      } else {
        four[i] = own_four(second, line_of(own, own_first + 4u * row + i) + c, left);
      }
    }
  }
  let turned = transpose(four);
  let to = select(0u, CHANNELS * X, of_others) + local % 4u * 4u * X + row;
  for (var i = 0u; i < 4u; i++) {
    held[to + i * X] = turned[i];
  }
}

// Own rows · others, each four of them.
fn products(second: bool, own: Lines, own_first: u32, others: Lines, first: u32, local: u32) -> mat4x4f {
  let x = local % X;
  let y = local / X;
  var pairs = mat4x4f();
  for (var step = 0u; step < 0x7fffffffu; step++) {
    if (step * CHANNELS >= sizes.channels) { break; }
    hold_channels(second, own, own_first, others, first, step * CHANNELS, local);
    workgroupBarrier();
    for (var c = 0u; c < 0x7fffffffu; c++) {
      if (c >= turns_of(CHANNELS)) { break; }
      pairs = add_outer(pairs, held[c * X + y], held[(CHANNELS + c) * X + x]);
    }
    workgroupBarrier();
  }
  return pairs;
}

// Keeps what four own rows take of four others for `add_taken`.
fn take(pairs: mat4x4f, local: u32) {
  let turned = transpose(pairs);
  for (var i = 0u; i < 4u; i++) {
    taken[(local % X * 4u + i) * X + local / X] = turned[i];
  }
}

// Adds to four own rows' channels what they take of all others'.
fn add_taken(totals: ptr<function, Totals>, second: bool, others: Lines, first: u32, local: u32) {
  const QUADS = X * COLUMN_QUADS;
  for (var step = 0u; step < 0x7fffffffu; step++) {
    if (step >= TILE / ROWS * sizes.one) { break; }
    for (var i = 0u; i < 0x7fffffffu; i++) {
      if (i >= turns_of((ROWS * QUADS + THREADS - 1u) / THREADS)) { break; }
      let place = i * THREADS + local;
      let c = place % QUADS * 4u;
      if (place < ROWS * QUADS) {
        var four = vec4f();
        if (c < sizes.channels) {
          four = other_four(second, line_of(others, first + step * ROWS + place / QUADS) + c, sizes.channels - c);
        }
        held[place] = four;
      }
    }
    workgroupBarrier();
    for (var j = 0u; j < 0x7fffffffu; j++) {
      if (j >= turns_of(ROWS)) { break; }
      let of_rows = taken[(step * ROWS + j) * X + local / X];
      for (var c = 0u; c < COLUMN_QUADS; c++) {
        (*totals)[c] = add_outer((*totals)[c], of_rows, held[j * QUADS + c * X + local % X]);
      }
    }
    workgroupBarrier();
  }
}
