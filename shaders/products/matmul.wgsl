// C[M, N] = A[M, K] · B[K, N], for each matrix of a batch; A may be stored as [K, M], B as [N, K].
// Who computes what is said by the form that follows, one of products/: they all do the same work.

const A_TRANSPOSED = false;
const B_TRANSPOSED = false;
// Sums as well, of B's columns, or of A's rows: the gradient of a bias.
const WITH_SUMS = false;
const SUMS_OF_A = false;
// K is a multiple of four: no block has terms past its end.
const WHOLE_K = false;
// Whether what is done four times, or in whole steps, is unrolled: a card gains by it, a software driver takes long to
// compile it.
const UNROLLS = false;
// Each element of B is found and loaded by itself, and A is stored as [K, M].
const SCATTERED = false;

// vec4f where the lines of the stored matrix are whole vectors; a_four, b_four and store_four change with them.
alias A_ELEMENT = f32;
alias B_ELEMENT = f32;
alias C_ELEMENT = f32;
const A_WIDTH = 1u;
const B_WIDTH = 1u;
// Lines of A are rows of a data set.
const A_GATHERED = false;

// What is known of four neighbouring lines of an operand; and what there is to say of patches, in operands/patches.wgsl.
alias LINES = vec4u;
alias B_START = u32;
alias OPERANDS = u32;
alias BESIDES = u32;
const SPREADS = false;
const WHOLE_TAPS = false;
const FEW_TAPS = false;
const FEW_TERMS = false;

struct Sizes {
  m: u32,
  n: u32,
  k: u32,
  // Blocks of C along M and along N (where sums have blocks of their own, one more), and of all there is.
  m_blocks: u32,
  n_blocks: u32,
  blocks: u32,
  // Elements from one matrix of the batch to the next; 0 where all share one.
  a_matrix: u32,
  b_matrix: u32,
  // Each product is computed in parts of so many terms, a multiple of TILE_K; C holds part after part.
  parts: u32,
  part_terms: u32,
  // 4, which a compiler does not know.
  four: u32,
  @align(16) operands: OPERANDS,
  @align(16) besides: BESIDES,
}

@group(0) @binding(0) var<storage, read> a: array<A_ELEMENT>;
@group(0) @binding(1) var<storage, read> b: array<B_ELEMENT>;
@group(0) @binding(2) var<storage, read_write> c: array<C_ELEMENT>;
@group(0) @binding(3) var<uniform> sizes: Sizes;

fn epilogue(value: f32, at: u32) -> f32 {
  return value;
}

// The bias of four neighbours in a row of C, from a column on; of patches: of neighbouring channels of a pixel.
fn bias_of(first: u32) -> vec4f {
  return vec4f();
}

fn with_bias(value: vec4f, own: vec4f) -> vec4f {
  return value;
}

// What rides on the launch: `store_sums` calls it.
fn besides(i: u32) {
}

// Of four columns of B, or rows of A, the first of which is given.
fn store_sums(part: u32, first: u32, value: vec4f) {
}

// Four neighbours of a line, of which `left` are left before its end; 0 past it.
fn a_four(at: u32, left: u32) -> vec4f {
  return vec4f(
    a[at],
    select(0.0, a[at + 1u], left > 1u),
    select(0.0, a[at + 2u], left > 2u),
    select(0.0, a[at + 3u], left > 3u),
  );
}

fn b_four(at: u32, left: u32) -> vec4f {
  return vec4f(
    b[at],
    select(0.0, b[at + 1u], left > 1u),
    select(0.0, b[at + 2u], left > 2u),
    select(0.0, b[at + 3u], left > 3u),
  );
}

// Where a loop over four ends; one that ends by a word of the uniform stays a loop.
fn turns_of_four() -> u32 {
  return select(sizes.four, 4u, UNROLLS);
}

// Four numbers of each of four terms. Not as vectors: of one that is carried around a loop, a software driver loads the whole
// wherever a part of it is used.
alias Carried = array<f32, 16>;

// One term further.
fn moved_on(carried: Carried, next: vec4f) -> Carried {
  var moved: Carried;
  for (var i = 0u; i < 12u; i++) {
    moved[i] = carried[i + 4u];
  }
  for (var i = 0u; i < 4u; i++) {
    moved[i + 12u] = next[i];
  }
  return moved;
}

fn block_from(carried: Carried) -> mat4x4f {
  var block: mat4x4f;
  for (var i = 0u; i < 16u; i++) {
    block[i / 4u][i % 4u] = carried[i];
  }
  return block;
}

// Four neighbours from an element of the buffer on.
fn a_at(at: u32) -> vec4f {
  return a_four(at, 4u);
}

fn b_at(at: u32) -> vec4f {
  return b_four(at, 4u);
}

fn store_four(at: u32, left: u32, value: vec4f) {
  let end = at + min(left, 4u);
  var rest = value;
  for (var turn = 0u; turn < 0x7fffffffu; turn++) {
    let to = at + turn;
    if (to >= end) {
      break;
    }
    c[to] = epilogue(rest.x, to);
    rest = rest.yzww;
  }
}

// Where a stored line of A begins, and one of B.
fn a_line(line: u32, length: u32) -> u32 {
  return line * length;
}

fn b_line(line: u32, length: u32) -> u32 {
  return line * length;
}

// A block of C: which one, of which part, from which terms.
struct Block {
  row: u32,
  column: u32,
  part: u32,
  a: u32,
  b: u32,
  first: u32,
  end: u32,
}

fn block_of(i: u32) -> Block {
  let part = i / (sizes.m_blocks * sizes.n_blocks);
  let matrix = part / sizes.parts;
  let first = part % sizes.parts * sizes.part_terms;
  return Block(
    i / sizes.n_blocks % sizes.m_blocks,
    i % sizes.n_blocks,
    part,
    matrix * sizes.a_matrix,
    matrix * sizes.b_matrix,
    first,
    min(first + sizes.part_terms, sizes.k),
  );
}

fn lines_at(at: vec4u) -> LINES {
  return at;
}

fn places_of(lines: LINES) -> vec4u {
  return lines;
}

// Where the terms of four rows of A begin. Rows past M are the last row again: nothing is stored of them.
fn a_lines(base: u32, row: u32) -> LINES {
  if (A_TRANSPOSED) {
    return lines_at(vec4u(base + row));
  }
  let last = sizes.m - 1u;
  return lines_at(base + vec4u(
    a_line(min(row, last), sizes.k),
    a_line(min(row + 1u, last), sizes.k),
    a_line(min(row + 2u, last), sizes.k),
    a_line(min(row + 3u, last), sizes.k),
  ));
}

// Terms k … k + 3 of one row of A.
fn a_row(line: u32, k: u32) -> vec4f {
  return a_four(line + k, sizes.k - k);
}

// Term k of four rows of A, where it is stored as [K, M].
fn a_column(line: u32, k: u32) -> vec4f {
  return a_four(line + a_line(k, sizes.m), 4u);
}

// Four rows of A, as columns: terms k … k + 3, 0 past K.
fn a_block(lines: LINES, k: u32) -> mat4x4f {
  let at = places_of(lines);
  if (A_TRANSPOSED) {
    return transpose(mat4x4f(
      a_column(at.x, k),
      select(vec4f(), a_column(at.x, k + 1u), WHOLE_K || k + 1u < sizes.k),
      select(vec4f(), a_column(at.x, k + 2u), WHOLE_K || k + 2u < sizes.k),
      select(vec4f(), a_column(at.x, k + 3u), WHOLE_K || k + 3u < sizes.k),
    ));
  }
  return mat4x4f(a_row(at.x, k), a_row(at.y, k), a_row(at.z, k), a_row(at.w, k));
}

// One of those terms.
fn a_term(lines: LINES, k: u32) -> vec4f {
  return select(vec4f(), a_column(places_of(lines).x, k), WHOLE_K || k < sizes.k);
}

// The same of four columns of B.
fn b_lines(base: u32, column: u32) -> LINES {
  if (B_TRANSPOSED) {
    let last = sizes.n - 1u;
    return lines_at(base + vec4u(
      b_line(min(column, last), sizes.k),
      b_line(min(column + 1u, last), sizes.k),
      b_line(min(column + 2u, last), sizes.k),
      b_line(min(column + 3u, last), sizes.k),
    ));
  }
  return lines_at(vec4u(base + column));
}

// Terms k … k + 3 of four columns of B, term by term, 0 past K.
fn b_block(lines: LINES, k: u32) -> mat4x4f {
  let first = places_of(lines);
  if (B_TRANSPOSED) {
    let left = sizes.k - k;
    return transpose(mat4x4f(
      b_four(first.x + k, left),
      b_four(first.y + k, left),
      b_four(first.z + k, left),
      b_four(first.w + k, left),
    ));
  }
  let at = first.x + k * sizes.n;
  if (B_WIDTH == 1u) {
    var terms: Carried;
    for (var turn = 0u; turn < 0x7fffffffu; turn++) {
      if (turn >= turns_of_four()) {
        break;
      }
      let exists = WHOLE_K || k + turn < sizes.k;
      terms = moved_on(terms, select(vec4f(), b_four(at + turn * sizes.n, 4u), exists));
    }
    return block_from(terms);
  }
  return mat4x4f(
    b_four(at, 4u),
    select(vec4f(), b_four(at + sizes.n, 4u), WHOLE_K || k + 1u < sizes.k),
    select(vec4f(), b_four(at + 2u * sizes.n, 4u), WHOLE_K || k + 2u < sizes.k),
    select(vec4f(), b_four(at + 3u * sizes.n, 4u), WHOLE_K || k + 3u < sizes.k),
  );
}

// Term k of four columns of B, where it is scattered.
fn b_term(lines: LINES, k: u32) -> vec4f {
  return vec4f();
}

// A quad of an operand: four terms of a line, where lines are stored, else one term of four lines. Where it starts in the
// buffer, and what it is in the step that begins at term k. Where terms are looked up, they are no part of the start.
fn a_start(base: u32, row: u32, term: u32) -> u32 {
  if (A_TRANSPOSED) {
    return (base + row + select(a_line(term, sizes.m), 0u, A_GATHERED)) / A_WIDTH;
  }
  return (base + a_line(min(row, sizes.m - 1u), sizes.k) + select(term, 0u, SPREADS)) / A_WIDTH;
}

fn a_quad(start: u32, k: u32, term: u32) -> vec4f {
  if (A_TRANSPOSED && A_GATHERED) {
    return a_at(start + a_line(k + term, sizes.m / A_WIDTH));
  }
  if (A_TRANSPOSED) {
    return a_at(start + a_line(k, sizes.m) / A_WIDTH);
  }
  if (SPREADS) {
    return a_row(start * A_WIDTH, k + term);
  }
  return a_at(start + k / A_WIDTH);
}

fn b_start(base: u32, column: u32, term: u32) -> B_START {
  if (B_TRANSPOSED) {
    return (base + b_line(min(column, sizes.n - 1u), sizes.k) + term) / B_WIDTH;
  }
  return (base + column + term * sizes.n) / B_WIDTH;
}

fn b_quad(start: B_START, k: u32, term: u32) -> vec4f {
  if (B_TRANSPOSED) {
    return b_at(start + k / B_WIDTH);
  }
  return b_at(start + k * (sizes.n / B_WIDTH));
}

// Four neighbouring columns of C: where they begin, and their bias. Of patches, which put channels side by side: where each
// of them begins.
struct Columns {
  part: u32,
  first: u32,
  at: vec4u,
  bias: vec4f,
}

fn columns_of(part: u32, column: u32) -> Columns {
  return Columns(part, column, vec4u(part * sizes.m * sizes.n + column), bias_of(column));
}

fn store_row(to: Columns, row: u32, value: vec4f) {
  if (row < sizes.m && to.first < sizes.n) {
    store_four(to.at.x + row * sizes.n, sizes.n - to.first, with_bias(value, to.bias));
  }
}

fn column_of(block: mat4x4f, i: u32) -> vec4f {
  return select(select(block[0], block[1], i == 1u), select(block[2], block[3], i == 3u), i >= 2u);
}

// Four rows of C. Not unrolled, here and in the forms: where a CPU plays the GPU, a store is a page of instructions, and all
// of a block's take longer to compile than its arithmetic.
fn store_block(to: Columns, row: u32, rows: mat4x4f) {
  let end = select(0u, min(row + 4u, sizes.m), to.first < sizes.n);
  for (var turn = 0u; turn < 0x7fffffffu; turn++) {
    if (row + turn >= end) {
      break;
    }
    let value = with_bias(column_of(rows, turn), to.bias);
    store_four(to.at.x + (row + turn) * sizes.n, sizes.n - to.first, value);
  }
}

// Whether a block is one of those that sum.
fn is_of_sums(block: Block) -> bool {
  return WITH_SUMS && select(block.row == sizes.m_blocks - 1u, block.column == sizes.n_blocks - 1u, SUMS_OF_A);
}

// The part's sums of four columns of B, or four rows of A, from terms `first`, `first + step` … on.
fn sums_of(block: Block, line: u32, first: u32, step: u32) -> vec4f {
  var sums = vec4f();
  var lines: LINES;
  if (SUMS_OF_A) {
    lines = a_lines(block.a, min(line, (sizes.m - 1u) / 4u * 4u));
  } else {
    lines = b_lines(block.b, min(line, (sizes.n - 1u) / 4u * 4u));
  }
  for (var turn = 0u; turn < 0x7fffffffu; turn++) {
    let k = first + turn * step;
    if (k >= block.end) {
      break;
    }
    if (SUMS_OF_A) {
      sums += vec4f(1.0) * a_block(lines, k);
    } else {
      sums += b_block(lines, k) * vec4f(1.0);
    }
  }
  return sums;
}
