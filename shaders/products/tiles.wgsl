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
