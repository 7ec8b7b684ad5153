const LANES = 8u;
// Of a block: 16, or 8 where C has no more.
const ROWS = 16u;
const QUADS = ROWS / 4u;

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
  let b_first = b_lines(block.b, min(column, (sizes.n - 1u) / 4u * 4u));
  let lane = lane_of(local) % 8u;
  // Of every eight rows one to each lane, or, transposed, of every eight quads of rows in a term.
  var first: array<u32, ROWS / 8u>;
  for (var load = 0u; load < ROWS / 8u; load++) {
    if (A_TRANSPOSED) {
      first[load] = block.a + row + lane % QUADS * 4u;
    } else {
      first[load] = block.a + a_line(min(row + lane + 8u * load, sizes.m - 1u), sizes.k);
    }
  }

  var rows: array<mat4x4f, QUADS>;
  var sums: array<vec4f, QUADS>;
  for (var turn = 0u; turn < 0x7fffffffu; turn++) {
    let k = block.first + 4u * turn;
    if (k >= block.end) {
      break;
    }
    let terms = b_block(b_first, k);
    // What the lanes hold, side by side: each row's four terms, or, transposed, each term's quads.
    var held: array<vec4f, ROWS>;
    for (var load = 0u; load < ROWS / 8u; load++) {
      var own: vec4f;
      if (A_TRANSPOSED) {
        let mine = k + (8u * load + lane) / QUADS;
        own = select(vec4f(), a_column(first[load], mine), WHOLE_K || mine < sizes.k);
      } else {
        own = a_row(first[load], k);
      }
      let low = low_lanes(own);
      let high = high_lanes(own);
      for (var each = 0u; each < 4u; each++) {
        held[8u * load + each] = low[each];
        held[8u * load + 4u + each] = high[each];
      }
    }
    // B's columns are summed beside each block, and stored by the first: a block of their own would load all of B again.
    if (WITH_SUMS && !SUMS_OF_A) {
      sums[0] += terms * vec4f(1.0);
    }
    for (var q = 0u; q < QUADS; q++) {
      var quad = mat4x4f(held[4u * q], held[4u * q + 1u], held[4u * q + 2u], held[4u * q + 3u]);
      if (A_TRANSPOSED) {
        quad = transpose(mat4x4f(held[q], held[QUADS + q], held[2u * QUADS + q], held[3u * QUADS + q]));
      }
      rows[q] += terms * quad;
      if (WITH_SUMS && SUMS_OF_A) {
        sums[q] += vec4f(1.0) * quad;
      }
    }
  }
  if (WITH_SUMS && !SUMS_OF_A && block.row == 0u) {
    store_sums(block.part, column, sums[0]);
  }
  let to = columns_of(block.part, column);
  let end = min(row + ROWS, sizes.m);
  for (var turn = 0u; turn < 0x7fffffffu; turn++) {
    if (row + 4u * turn >= end) {
      break;
    }
    var quad = rows[0];
    var sum = sums[0];
    for (var q = 1u; q < QUADS; q++) {
      if (turn == q) {
        quad = rows[q];
        sum = sums[q];
      }
    }
    store_block(to, row + 4u * turn, quad);
    if (WITH_SUMS && SUMS_OF_A && block.column == 0u && local == 0u) {
      store_sums(block.part, row + 4u * turn, sum);
    }
  }
}
