// C[M, N] = A[M, K] · B[K, N], for each matrix of a batch; A may be stored as [K, M], B as [N, K].
// Who computes what is the entry point's to say: `naive`, `registers`, `subgroups`, `slices` and `tiles` do the same work.

const A_TRANSPOSED = false;
const B_TRANSPOSED = false;
// Sums as well, of B's columns, or of A's rows: the gradient of a bias.
const WITH_SUMS = false;
const SUMS_OF_A = false;
// K is a multiple of four: no block has terms past its end.
const WHOLE_K = false;

// vec4f where the lines of the stored matrix are whole vectors; a_four, b_four and store_four change with them.
alias A_ELEMENT = f32;
alias B_ELEMENT = f32;
alias C_ELEMENT = f32;

// What is known of four neighbouring lines of an operand; and what there is to say of patches, in operands/patches.wgsl.
alias LINES = vec4u;
alias OPERANDS = u32;
const SPREADS = false;
const WHOLE_TAPS = false;

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
  @align(16) operands: OPERANDS,
}

@group(0) @binding(0) var<storage, read> a: array<A_ELEMENT>;
@group(0) @binding(1) var<storage, read> b: array<B_ELEMENT>;
@group(0) @binding(2) var<storage, read_write> c: array<C_ELEMENT>;
@group(0) @binding(3) var<uniform> sizes: Sizes;

fn epilogue(value: f32, at: u32) -> f32 {
  return value;
}

// Four neighbours in a row of C, from a column on, plus their bias; of patches: neighbouring channels of a pixel.
fn with_bias(value: vec4f, first: u32) -> vec4f {
  return value;
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

fn store_four(at: u32, left: u32, value: vec4f) {
  c[at] = epilogue(value.x, at);
  if (left > 1u) {
    c[at + 1u] = epilogue(value.y, at + 1u);
  }
  if (left > 2u) {
    c[at + 2u] = epilogue(value.z, at + 2u);
  }
  if (left > 3u) {
    c[at + 3u] = epilogue(value.w, at + 3u);
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
  return mat4x4f(
    b_four(at, 4u),
    select(vec4f(), b_four(at + sizes.n, 4u), WHOLE_K || k + 1u < sizes.k),
    select(vec4f(), b_four(at + 2u * sizes.n, 4u), WHOLE_K || k + 2u < sizes.k),
    select(vec4f(), b_four(at + 3u * sizes.n, 4u), WHOLE_K || k + 3u < sizes.k),
  );
}

// Four neighbours in a row of C; nothing past its ends.
fn store_row(part: u32, row: u32, column: u32, value: vec4f) {
  if (row < sizes.m && column < sizes.n) {
    store_four((part * sizes.m + row) * sizes.n + column, sizes.n - column, with_bias(value, column));
  }
}

fn store_block(part: u32, row: u32, column: u32, rows: mat4x4f) {
  store_row(part, row, column, rows[0]);
  store_row(part, row + 1u, column, rows[1]);
  store_row(part, row + 2u, column, rows[2]);
  store_row(part, row + 3u, column, rows[3]);
}

// Whether a block is one of those that sum.
fn is_of_sums(block: Block) -> bool {
  return WITH_SUMS && select(block.row == sizes.m_blocks - 1u, block.column == sizes.n_blocks - 1u, SUMS_OF_A);
}

// The part's sums of four columns of B, or four rows of A, from terms `first`, `first + step` … on.
fn sums_of(block: Block, line: u32, first: u32, step: u32) -> vec4f {
  var sums = vec4f();
  if (SUMS_OF_A) {
    let lines = a_lines(block.a, min(line, (sizes.m - 1u) / 4u * 4u));
    for (var k = first; k < block.end; k += step) {
      sums += vec4f(1.0) * a_block(lines, k);
    }
  } else {
    let lines = b_lines(block.b, min(line, (sizes.n - 1u) / 4u * 4u));
    for (var k = first; k < block.end; k += step) {
      sums += b_block(lines, k) * vec4f(1.0);
    }
  }
  return sums;
}

// One invocation computes four neighbours in a row of C: nothing that was read serves twice.
@compute @workgroup_size(64)
fn naive(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * 64u + id.x;
  if (i >= sizes.blocks) {
    return;
  }
  let block = block_of(i);
  let column = block.column * 4u;
  if (is_of_sums(block)) {
    let line = select(column, block.row * 4u, SUMS_OF_A);
    store_sums(block.part, line, sums_of(block, line, block.first, 4u));
    return;
  }
  let b_first = b_lines(block.b, column);
  let lane = block.row % 4u;
  let a_first = a_lines(block.a, block.row - lane);
  var row = vec4f();
  for (var k = block.first; k < block.end; k += 4u) {
    row += b_block(b_first, k) * a_block(a_first, k)[lane];
  }
  store_row(block.part, block.row, column, row);
}

const ROW_QUADS = 1u;
const COLUMN_QUADS = 1u;

// One invocation computes a block of C in registers, walking K in steps of 4: no barrier, no shared memory.
@compute @workgroup_size(64)
fn registers(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * 64u + id.x;
  if (i >= sizes.blocks) {
    return;
  }
  let block = block_of(i);
  let row = block.row * ROW_QUADS * 4u;
  let column = block.column * COLUMN_QUADS * 4u;
  if (is_of_sums(block)) {
    for (var q = 0u; q < select(COLUMN_QUADS, ROW_QUADS, SUMS_OF_A); q++) {
      let line = select(column, row, SUMS_OF_A) + 4u * q;
      store_sums(block.part, line, sums_of(block, line, block.first, 4u));
    }
    return;
  }
  var b_first: array<LINES, COLUMN_QUADS>;
  for (var q = 0u; q < COLUMN_QUADS; q++) {
    b_first[q] = b_lines(block.b, min(column + 4u * q, (sizes.n - 1u) / 4u * 4u));
  }
  var a_first: array<LINES, ROW_QUADS>;
  for (var q = 0u; q < ROW_QUADS; q++) {
    a_first[q] = a_lines(block.a, row + 4u * q);
  }

  var rows: array<mat4x4f, ROW_QUADS * COLUMN_QUADS>;
  for (var k = block.first; k < block.end; k += 4u) {
    var b_blocks: array<mat4x4f, COLUMN_QUADS>;
    for (var q = 0u; q < COLUMN_QUADS; q++) {
      b_blocks[q] = b_block(b_first[q], k);
    }
    for (var r = 0u; r < ROW_QUADS; r++) {
      let terms = a_block(a_first[r], k);
      for (var q = 0u; q < COLUMN_QUADS; q++) {
        rows[r * COLUMN_QUADS + q] += b_blocks[q] * terms;
      }
    }
  }
  for (var r = 0u; r < ROW_QUADS; r++) {
    for (var q = 0u; q < COLUMN_QUADS; q++) {
      store_block(block.part, row + 4u * r, column + 4u * q, rows[r * COLUMN_QUADS + q]);
    }
  }
}

const LANES = 8u;
// Of a block: 16, or 8 where C has no more.
const ROWS = 16u;

// The lane of its subgroup that an invocation is, and what lanes 0 … 3, and 4 … 7, hold; linked where there are subgroups.
fn lane_of(local: u32) -> u32 {
  return local;
}

fn low_lanes(value: vec4f) -> mat4x4f {
  return mat4x4f(value, value, value, value);
}

fn high_lanes(value: vec4f) -> mat4x4f {
  return mat4x4f(value, value, value, value);
}

// One workgroup computes ROWS rows of C, one invocation four columns of them. Of A, each lane of a subgroup loads one
// eighth, and the others take it from there: where a load costs more than arithmetic, that is most of the work.
@compute @workgroup_size(LANES)
fn subgroups(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = group.y * groups.x + group.x;
  if (i >= sizes.blocks) {
    return;
  }
  let block = block_of(i);
  let column = (block.column * LANES + local) * 4u;
  let row = block.row * ROWS;
  if (is_of_sums(block)) {
    if (!SUMS_OF_A || local < ROWS / 4u) {
      let line = select(column, row + 4u * local, SUMS_OF_A);
      store_sums(block.part, line, sums_of(block, line, block.first, 4u));
    }
    return;
  }
  let b_first = b_lines(block.b, min(column, (sizes.n - 1u) / 4u * 4u));
  let lane = lane_of(local) % 8u;
  // A row of eight to each lane, or, transposed, a quad of rows in one of the terms.
  var first: u32;
  var second: u32;
  if (A_TRANSPOSED) {
    first = block.a + row + lane % (ROWS / 4u) * 4u;
  } else {
    let last = sizes.m - 1u;
    first = block.a + a_line(min(row + lane, last), sizes.k);
    second = block.a + a_line(min(row + lane + 8u, last), sizes.k);
  }

  var rows0 = mat4x4f();
  var rows1 = mat4x4f();
  var rows2 = mat4x4f();
  var rows3 = mat4x4f();
  for (var k = block.first; k < block.end; k += 4u) {
    let terms = b_block(b_first, k);
    if (A_TRANSPOSED && ROWS == 8u) {
      let mine = k + lane / 2u;
      let quad = select(vec4f(), a_column(first, mine), WHOLE_K || mine < sizes.k);
      let early = low_lanes(quad);
      let late = high_lanes(quad);
      rows0 += terms * transpose(mat4x4f(early[0], early[2], late[0], late[2]));
      rows1 += terms * transpose(mat4x4f(early[1], early[3], late[1], late[3]));
    } else if (A_TRANSPOSED) {
      let mine = k + lane / 4u;
      let early = select(vec4f(), a_column(first, mine), WHOLE_K || mine < sizes.k);
      let late = select(vec4f(), a_column(first, mine + 2u), WHOLE_K || mine + 2u < sizes.k);
      let k0 = low_lanes(early);
      let k1 = high_lanes(early);
      let k2 = low_lanes(late);
      let k3 = high_lanes(late);
      rows0 += terms * transpose(mat4x4f(k0[0], k1[0], k2[0], k3[0]));
      rows1 += terms * transpose(mat4x4f(k0[1], k1[1], k2[1], k3[1]));
      rows2 += terms * transpose(mat4x4f(k0[2], k1[2], k2[2], k3[2]));
      rows3 += terms * transpose(mat4x4f(k0[3], k1[3], k2[3], k3[3]));
    } else {
      let upper = a_row(first, k);
      rows0 += terms * low_lanes(upper);
      rows1 += terms * high_lanes(upper);
      if (ROWS == 16u) {
        let lower = a_row(second, k);
        rows2 += terms * low_lanes(lower);
        rows3 += terms * high_lanes(lower);
      }
    }
  }
  store_block(block.part, row, column, rows0);
  store_block(block.part, row + 4u, column, rows1);
  if (ROWS == 16u) {
    store_block(block.part, row + 8u, column, rows2);
    store_block(block.part, row + 12u, column, rows3);
  }
}

const SLICES = 16u;
const CORNERS = 16u;
var<workgroup> slice_rows: array<vec4f, 4u * CORNERS * SLICES>;

// One workgroup computes a 16 × 16 block of C, one invocation a 4 × 4 corner of it from a sixteenth of the terms; then one
// of four sums a row of a corner, in fixed order. For products too small to fill a card by their outputs alone.
@compute @workgroup_size(256)
fn slices(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = group.y * groups.x + group.x;
  if (i >= sizes.blocks) {
    return;
  }
  let block = block_of(i);
  // Neighbours read neighbouring terms.
  let slice = local % SLICES;
  let corner = local / SLICES;
  let row = block.row * 16u + corner / 4u * 4u;
  let column = block.column * 16u + corner % 4u * 4u;
  let first = block.first + 4u * slice;
  let is_sum = is_of_sums(block);
  var rows = mat4x4f();
  if (is_sum) {
    let line = select(block.column, block.row, SUMS_OF_A) * 16u + corner % 4u * 4u;
    rows[0] = sums_of(block, line, first, 4u * SLICES);
  } else {
    let b_first = b_lines(block.b, min(column, (sizes.n - 1u) / 4u * 4u));
    let a_first = a_lines(block.a, row);
    for (var k = first; k < block.end; k += 4u * SLICES) {
      rows += b_block(b_first, k) * a_block(a_first, k);
    }
  }
  for (var r = 0u; r < 4u; r++) {
    slice_rows[r * CORNERS * SLICES + local] = rows[r];
  }
  workgroupBarrier();

  if (local >= 4u * CORNERS) {
    return;
  }
  let r = local % 4u;
  let summed = local / 4u;
  var total = vec4f();
  for (var s = 0u; s < SLICES; s++) {
    total += slice_rows[r * CORNERS * SLICES + summed * SLICES + s];
  }
  let to = vec2u(block.row * 16u + summed / 4u * 4u + r, block.column * 16u + summed % 4u * 4u);
  if (is_sum) {
    if (summed < 4u && r == 0u) {
      store_sums(block.part, select(block.column, block.row, SUMS_OF_A) * 16u + summed * 4u, total);
    }
  } else {
    store_row(block.part, to.x, to.y, total);
  }
}

const TILE_M = 64u;
const TILE_N = 64u;
const TILE_K = 16u;
// With two, the next terms are stored while others still read the last: one barrier in a step instead of two.
const STAGES = 1u;
const M_QUADS = TILE_M / 4u;
const N_QUADS = TILE_N / 4u;
const THREADS = M_QUADS * N_QUADS / 4u;
// Blocks of 4 × 4 that each invocation loads in a step: of A's tile first, then of B's.
const LOADS = (M_QUADS + N_QUADS) * (TILE_K / 4u) / THREADS;
const A_LOADS = M_QUADS * (TILE_K / 4u);

// Term by term. A quad stands where `swizzled` says, so that neighbours store to different banks.
var<workgroup> a_tile: array<vec4f, STAGES * TILE_K * M_QUADS>;
var<workgroup> b_tile: array<vec4f, STAGES * TILE_K * N_QUADS>;

// How far the loop over a step's terms goes. Compilers unroll what they know: a card gains by it, a software driver takes
// long to compile it.
fn terms_of_step() -> u32 {
  return min(TILE_K, sizes.part_terms);
}

fn swizzled(quad: u32, term: u32) -> u32 {
  return quad ^ (term / 4u * 2u);
}

// Whether what an invocation loads is of A's tile. Of all loads of one number it is the same, unless there are too few.
fn is_of_a(load: u32, local: u32) -> bool {
  return select((local < A_LOADS), (load * THREADS < A_LOADS), (A_LOADS >= THREADS));
}

// Which quad of which four terms load `at` is, of a tile so many quads wide: neighbours read neighbours.
fn load_place(at: u32, quads: u32, along_terms: bool) -> vec2u {
  if (along_terms) {
    return vec2u(at / (TILE_K / 4u), at % (TILE_K / 4u) * 4u);
  }
  return vec2u(at % quads, at / quads * 4u);
}

fn add_outer(rows: mat4x4f, x: vec4f, y: vec4f) -> mat4x4f {
  return mat4x4f(
    fma(vec4f(x.x), y, rows[0]),
    fma(vec4f(x.y), y, rows[1]),
    fma(vec4f(x.z), y, rows[2]),
    fma(vec4f(x.w), y, rows[3]),
  );
}

// One workgroup computes a TILE_M × TILE_N tile of C, one invocation 8 × 8 of it: a quarter of them in each quadrant.
@compute @workgroup_size(THREADS)
fn tiles(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = group.y * groups.x + group.x;
  if (i >= sizes.blocks) {
    return;
  }
  let block = block_of(i);
  let row = block.row * TILE_M;
  let column = block.column * TILE_N;

  var places: array<vec2u, LOADS>;
  var lines: array<LINES, LOADS>;
  for (var load = 0u; load < LOADS; load++) {
    let at = local + load * THREADS;
    if (is_of_a(load, local)) {
      places[load] = load_place(at, M_QUADS, !A_TRANSPOSED);
      lines[load] = a_lines(block.a, row + 4u * places[load].x);
    } else {
      places[load] = load_place(at - A_LOADS, N_QUADS, B_TRANSPOSED);
      lines[load] = b_lines(block.b, min(column + 4u * places[load].x, (sizes.n - 1u) / 4u * 4u));
    }
  }

  let x = local % (N_QUADS / 2u);
  let y = local / (N_QUADS / 2u);
  var rows00 = mat4x4f();
  var rows01 = mat4x4f();
  var rows10 = mat4x4f();
  var rows11 = mat4x4f();
  var sums0 = vec4f();
  var sums1 = vec4f();
  var loaded: array<mat4x4f, LOADS>;
  var stage = 0u;
  // The terms of one step are computed with while those of the next are on their way.
  for (var next = block.first; next < block.end + TILE_K; next += TILE_K) {
    if (next < block.end) {
      for (var load = 0u; load < LOADS; load++) {
        let k = next + places[load].y;
        var terms = mat4x4f();
        if (k < block.end) {
          if (is_of_a(load, local)) {
            terms = transpose(a_block(lines[load], k));
          } else {
            terms = b_block(lines[load], k);
          }
        }
        loaded[load] = terms;
      }
    }
    if (next > block.first) {
      for (var k = 0u; k < terms_of_step(); k++) {
        let a_at = (stage * TILE_K + k) * M_QUADS;
        let b_at = (stage * TILE_K + k) * N_QUADS;
        let a0 = a_tile[a_at + swizzled(y, k)];
        let a1 = a_tile[a_at + swizzled(y + M_QUADS / 2u, k)];
        let b0 = b_tile[b_at + swizzled(x, k)];
        let b1 = b_tile[b_at + swizzled(x + N_QUADS / 2u, k)];
        rows00 = add_outer(rows00, a0, b0);
        rows01 = add_outer(rows01, a0, b1);
        rows10 = add_outer(rows10, a1, b0);
        rows11 = add_outer(rows11, a1, b1);
        if (SUMS_OF_A) {
          sums0 += a0;
          sums1 += a1;
        } else if (WITH_SUMS && block.row == 0u) {
          sums0 += b0;
          sums1 += b1;
        }
      }
      if (STAGES == 1u) {
        workgroupBarrier();
      }
    }
    if (next < block.end) {
      stage = (stage + 1u) % STAGES;
      for (var load = 0u; load < LOADS; load++) {
        let quad = swizzled(places[load].x, places[load].y);
        for (var k = 0u; k < 4u; k++) {
          if (is_of_a(load, local)) {
            a_tile[(stage * TILE_K + places[load].y + k) * M_QUADS + quad] = loaded[load][k];
          } else {
            b_tile[(stage * TILE_K + places[load].y + k) * N_QUADS + quad] = loaded[load][k];
          }
        }
      }
      workgroupBarrier();
    }
  }

  let low = vec2u(row + 4u * y, column + 4u * x);
  let high = low + vec2u(TILE_M / 2u, TILE_N / 2u);
  store_block(block.part, low.x, low.y, rows00);
  store_block(block.part, low.x, high.y, rows01);
  store_block(block.part, high.x, low.y, rows10);
  store_block(block.part, high.x, high.y, rows11);
  if (SUMS_OF_A && block.column == 0u && x == 0u) {
    store_sums(block.part, low.x, sums0);
    store_sums(block.part, high.x, sums1);
  } else if (WITH_SUMS && !SUMS_OF_A && block.row == 0u && y == 0u) {
    store_sums(block.part, low.y, sums0);
    store_sums(block.part, high.y, sums1);
  }
}
