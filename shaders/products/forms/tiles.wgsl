const TILE_M = 64u;
const TILE_N = 64u;
// Terms of a step.
const TILE_K = 16u;
// Quads of rows that an invocation computes with; of columns, two.
const ROW_QUADS = 2u;
// Whether there is room for gaps in the tiles.
const HAS_GAPS = true;

const M_QUADS = TILE_M / 4u;
const N_QUADS = TILE_N / 4u;
const K_QUADS = TILE_K / 4u;
const THREADS = M_QUADS / ROW_QUADS * N_QUADS / 2u;
// Pairs of quads that an invocation loads in a step: of the same four terms of two lines, or of one term of twice four lines.
const A_PAIRS = TILE_M * TILE_K / 8u / THREADS;
const B_PAIRS = TILE_N * TILE_K / 8u / THREADS;

// Term by term, two lines to an element. Of 32 banks: sixteen neighbours store 8 bytes each, K_QUADS of them into the same
// pair of lines, which lie apart by whole rows of banks; with a gap after four terms they fall on sixteen pairs of banks. All
// other access is by 16 bytes, of eight neighbours to one such row, or to the same address.
const GAP = select(0u, 16u / K_QUADS, HAS_GAPS);
const A_GAP = select(GAP, 0u, A_TRANSPOSED);
const B_GAP = select(0u, GAP, B_TRANSPOSED);
var<workgroup> a_tile: array<vec2f, K_QUADS * (2u * TILE_M + A_GAP)>;
var<workgroup> b_tile: array<vec2f, K_QUADS * (2u * TILE_N + B_GAP)>;

// What an invocation computes: 4 × 4 in each quadrant of the tile, or, of one quad of rows, in each half.
var<private> corners: array<mat4x4f, 2u * ROW_QUADS>;

// The quads that an invocation loads: where they start, and their first terms.
struct Places {
  a: array<u32, 2u * A_PAIRS>,
  a_terms: array<u32, 2u * A_PAIRS>,
  b: array<B_START, 2u * B_PAIRS>,
  b_terms: array<u32, 2u * B_PAIRS>,
}

struct Quads {
  a: array<vec4f, 2u * A_PAIRS>,
  b: array<vec4f, 2u * B_PAIRS>,
}

// Line and term of a quad of a tile so many quads wide. Neighbours read neighbours.
fn place_of(quad: u32, local: u32, width: u32, along_terms: bool) -> vec2u {
  let pair = quad / 2u * THREADS + local;
  if (along_terms) {
    return vec2u(pair / K_QUADS * 2u + quad % 2u, local % K_QUADS * 4u);
  }
  return vec2u((pair % (width / 2u) + quad % 2u * (width / 2u)) * 4u, pair / (width / 2u));
}

fn places_in(block: Block, local: u32) -> Places {
  var places: Places;
  for (var i = 0u; i < 2u * A_PAIRS; i++) {
    let place = place_of(i, local, M_QUADS, !A_TRANSPOSED);
    places.a[i] = a_start(block.a, block.row * TILE_M + place.x, place.y);
    places.a_terms[i] = place.y;
  }
  for (var i = 0u; i < 2u * B_PAIRS; i++) {
    let place = place_of(i, local, N_QUADS, B_TRANSPOSED);
    places.b[i] = b_start(block.b, block.column * TILE_N + place.x, place.y);
    places.b_terms[i] = place.y;
  }
  return places;
}

// Of the step that begins at term k. What is past the ends of A and B is read from wherever, and never used.
fn load(places: Places, k: u32) -> Quads {
  var quads: Quads;
  for (var i = 0u; i < 2u * A_PAIRS; i++) {
    quads.a[i] = a_quad(places.a[i], k, places.a_terms[i]);
  }
  for (var i = 0u; i < 2u * B_PAIRS; i++) {
    quads.b[i] = b_quad(places.b[i], k, places.b_terms[i]);
  }
  return quads;
}

// The minimum tells a compiler what holds anyway: so it adds no bounds of its own.
fn store(quads: Quads, local: u32) {
  for (var i = 0u; i < A_PAIRS; i++) {
    let pair = i * THREADS + min(local, THREADS - 1u);
    let first = quads.a[2u * i];
    let second = quads.a[2u * i + 1u];
    if (A_TRANSPOSED) {
      let at = pair / (M_QUADS / 2u) * (TILE_M / 2u) + pair % (M_QUADS / 2u) * 2u;
      a_tile[at] = first.xy;
      a_tile[at + 1u] = first.zw;
      a_tile[at + TILE_M / 4u] = second.xy;
      a_tile[at + TILE_M / 4u + 1u] = second.zw;
    } else {
      let at = pair % K_QUADS * (2u * TILE_M + A_GAP) + pair / K_QUADS;
      a_tile[at] = vec2f(first.x, second.x);
      a_tile[at + TILE_M / 2u] = vec2f(first.y, second.y);
      a_tile[at + TILE_M] = vec2f(first.z, second.z);
      a_tile[at + TILE_M / 2u * 3u] = vec2f(first.w, second.w);
    }
  }
  for (var i = 0u; i < B_PAIRS; i++) {
    let pair = i * THREADS + min(local, THREADS - 1u);
    let first = quads.b[2u * i];
    let second = quads.b[2u * i + 1u];
    if (B_TRANSPOSED) {
      let at = pair % K_QUADS * (2u * TILE_N + B_GAP) + pair / K_QUADS;
      b_tile[at] = vec2f(first.x, second.x);
      b_tile[at + TILE_N / 2u] = vec2f(first.y, second.y);
      b_tile[at + TILE_N] = vec2f(first.z, second.z);
      b_tile[at + TILE_N / 2u * 3u] = vec2f(first.w, second.w);
    } else {
      let at = pair / (N_QUADS / 2u) * (TILE_N / 2u) + pair % (N_QUADS / 2u) * 2u;
      b_tile[at] = first.xy;
      b_tile[at + 1u] = first.zw;
      b_tile[at + TILE_N / 4u] = second.xy;
      b_tile[at + TILE_N / 4u + 1u] = second.zw;
    }
  }
}

fn add_outer(rows: mat4x4f, x: vec4f, y: vec4f) -> mat4x4f {
  return mat4x4f(
    fma(vec4f(x.x), y, rows[0]),
    fma(vec4f(x.y), y, rows[1]),
    fma(vec4f(x.z), y, rows[2]),
    fma(vec4f(x.w), y, rows[3]),
  );
}

fn add_term(term: u32, x: u32, y: u32) {
  let k = min(term, TILE_K - 1u);
  let a_at = k * (TILE_M / 2u) + k / 4u * A_GAP + 2u * min(y, M_QUADS / ROW_QUADS - 1u);
  let b_at = k * (TILE_N / 2u) + k / 4u * B_GAP + 2u * min(x, N_QUADS / 2u - 1u);
  let b0 = vec4f(b_tile[b_at], b_tile[b_at + 1u]);
  let b1 = vec4f(b_tile[b_at + TILE_N / 4u], b_tile[b_at + TILE_N / 4u + 1u]);
  for (var i = 0u; i < ROW_QUADS; i++) {
    let at = a_at + i * (TILE_M / 2u / ROW_QUADS);
    let terms = vec4f(a_tile[at], a_tile[at + 1u]);
    corners[2u * i] = add_outer(corners[2u * i], terms, b0);
    corners[2u * i + 1u] = add_outer(corners[2u * i + 1u], terms, b1);
  }
}

fn add_four(first: u32, x: u32, y: u32) {
  add_term(first, x, y);
  add_term(first + 1u, x, y);
  add_term(first + 2u, x, y);
  add_term(first + 3u, x, y);
}

// Of a tile that sums instead: each invocation a share of the terms of four lines, then some of them all, in fixed order.
fn add_sums(block: Block, local: u32) {
  const WIDTH = select(N_QUADS, M_QUADS, SUMS_OF_A);
  let line = (select(block.column, block.row, SUMS_OF_A) * WIDTH + local % WIDTH) * 4u;
  let share = sums_of(block, line, block.first + local / WIDTH * 4u, THREADS / WIDTH * 4u);
  let at = 2u * min(local, THREADS - 1u);
  a_tile[at] = share.xy;
  a_tile[at + 1u] = share.zw;
  workgroupBarrier();
  if (local < WIDTH) {
    var total = vec4f();
    for (var i = 0u; i < 0x7fffffffu; i++) {
      // A multiple of four, not unrolled: the first few invocations do it once.
      if (i >= THREADS / WIDTH / 4u * sizes.four) { break; }
      let other = 2u * (min(local, WIDTH - 1u) + i * WIDTH);
      total += vec4f(a_tile[other], a_tile[other + 1u]);
    }
    store_sums(block.part, line, total);
  }
}

// Of any other tile: each invocation its corners.
fn add_products(block: Block, local: u32) {
  let places = places_in(block, local);
  let x = local % (N_QUADS / 2u);
  let y = local / (N_QUADS / 2u);
  var k = block.first;
  let steps = (block.end - block.first) / TILE_K;
  // While the next step's terms are on their way.
  if (UNROLLS && steps > 0u) {
    store(load(places, k), local);
    workgroupBarrier();
    for (var step = 0u; step < 0x7fffffffu; step++) {
      if (step >= steps) { break; }
      k += TILE_K;
      let next = load(places, k);
      add_four(0u, x, y);
      add_four(4u, x, y);
      if (TILE_K == 16u) {
        add_four(8u, x, y);
        add_four(12u, x, y);
      }
      workgroupBarrier();
      store(next, local);
      workgroupBarrier();
    }
  }
  // What is no whole step; all of it where nothing is unrolled.
  for (var step = 0u; step < 0x7fffffffu; step++) {
    if (k >= block.end) { break; }
    let left = min(TILE_K, block.end - k);
    store(load(places, k), local);
    workgroupBarrier();
    for (var term = 0u; term < 0x7fffffffu; term++) {
      if (term >= left) { break; }
      add_term(term, x, y);
    }
    workgroupBarrier();
    k += TILE_K;
  }

  let column = block.column * TILE_N + 4u * x;
  let left = columns_of(block.part, column);
  let right = columns_of(block.part, column + TILE_N / 2u);
  for (var i = 0u; i < ROW_QUADS; i++) {
    let row = block.row * TILE_M + i * (TILE_M / ROW_QUADS) + 4u * y;
    store_block(left, row, corners[2u * i]);
    store_block(right, row, corners[2u * i + 1u]);
  }
}

// One workgroup computes a TILE_M × TILE_N tile of C, one invocation the same corner of each quadrant or half of it.
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
  if (is_of_sums(block)) {
    add_sums(block, local);
  } else {
    add_products(block, local);
  }
}
