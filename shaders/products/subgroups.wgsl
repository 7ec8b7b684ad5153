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

fn ones_or(ones: bool, value: vec4f) -> vec4f {
  return select(value, vec4f(1.0), ones);
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
  let sums_columns = is_of_sums(block) && !SUMS_OF_A;
  let sums_rows = is_of_sums(block) && SUMS_OF_A;
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
  for (var turn = 0u; turn < 0x7fffffffu; turn++) {
    let k = block.first + 4u * turn;
    if (k >= block.end) {
      break;
    }
    var terms = b_block(b_first, k);
    if (sums_rows) {
      terms = ONES;
    }
    if (A_TRANSPOSED && ROWS == 8u) {
      let mine = k + lane / 2u;
      let quad = ones_or(sums_columns, select(vec4f(), a_column(first, mine), WHOLE_K || mine < sizes.k));
      let early = low_lanes(quad);
      let late = high_lanes(quad);
      rows0 += terms * transpose(mat4x4f(early[0], early[2], late[0], late[2]));
      rows1 += terms * transpose(mat4x4f(early[1], early[3], late[1], late[3]));
    } else if (A_TRANSPOSED) {
      let mine = k + lane / 4u;
      let early = ones_or(sums_columns, select(vec4f(), a_column(first, mine), WHOLE_K || mine < sizes.k));
      let late = ones_or(sums_columns, select(vec4f(), a_column(first, mine + 2u), WHOLE_K || mine + 2u < sizes.k));
      let k0 = low_lanes(early);
      let k1 = high_lanes(early);
      let k2 = low_lanes(late);
      let k3 = high_lanes(late);
      rows0 += terms * transpose(mat4x4f(k0[0], k1[0], k2[0], k3[0]));
      rows1 += terms * transpose(mat4x4f(k0[1], k1[1], k2[1], k3[1]));
      rows2 += terms * transpose(mat4x4f(k0[2], k1[2], k2[2], k3[2]));
      rows3 += terms * transpose(mat4x4f(k0[3], k1[3], k2[3], k3[3]));
    } else {
      let upper = ones_or(sums_columns, a_row(first, k));
      rows0 += terms * low_lanes(upper);
      rows1 += terms * high_lanes(upper);
      if (ROWS == 16u) {
        let lower = ones_or(sums_columns, a_row(second, k));
        rows2 += terms * low_lanes(lower);
        rows3 += terms * high_lanes(lower);
      }
    }
  }
  if (sums_columns) {
    store_sums(block.part, column, rows0[0]);
  }
  let end = min(row + ROWS, sizes.m);
  for (var turn = 0u; turn < 0x7fffffffu; turn++) {
    if (row + 4u * turn >= end) {
      break;
    }
    if (!sums_rows) {
      store_block(block.part, row + 4u * turn, column, rows0);
    } else if (local == 0u) {
      store_sums(block.part, row + 4u * turn, transpose(rows0)[0]);
    }
    rows0 = rows1;
    rows1 = rows2;
    rows2 = rows3;
  }
}
