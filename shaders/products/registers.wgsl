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
  let sums_columns = is_of_sums(block) && !SUMS_OF_A;
  let sums_rows = is_of_sums(block) && SUMS_OF_A;
  var b_first: array<LINES, COLUMN_QUADS>;
  for (var q = 0u; q < COLUMN_QUADS; q++) {
    b_first[q] = b_lines(block.b, min(column + 4u * q, (sizes.n - 1u) / 4u * 4u));
  }
  var a_first: array<LINES, ROW_QUADS>;
  for (var q = 0u; q < ROW_QUADS; q++) {
    a_first[q] = a_lines(block.a, row + 4u * q);
  }

  var rows: array<mat4x4f, ROW_QUADS * COLUMN_QUADS>;
  for (var turn = 0u; turn < 0x7fffffffu; turn++) {
    let k = block.first + 4u * turn;
    if (k >= block.end) {
      break;
    }
    var b_blocks: array<mat4x4f, COLUMN_QUADS>;
    for (var q = 0u; q < COLUMN_QUADS; q++) {
      b_blocks[q] = b_block(b_first[q], k);
      if (sums_rows) {
        b_blocks[q] = ONES;
      }
    }
    for (var r = 0u; r < ROW_QUADS; r++) {
      var terms = a_block(a_first[r], k);
      if (sums_columns) {
        terms = ONES;
      }
      for (var q = 0u; q < COLUMN_QUADS; q++) {
        rows[r * COLUMN_QUADS + q] += b_blocks[q] * terms;
      }
    }
  }
  let end = select(min(row + ROW_QUADS * 4u, sizes.m), row + 4u, sums_columns);
  for (var turn = 0u; turn < 0x7fffffffu; turn++) {
    let quad = vec2u(turn / COLUMN_QUADS, turn % COLUMN_QUADS) * 4u;
    if (row + quad.x >= end) {
      break;
    }
    if (sums_columns) {
      store_sums(block.part, column + quad.y, rows[0][0]);
    } else if (!sums_rows) {
      store_block(block.part, row + quad.x, column + quad.y, rows[0]);
    } else if (quad.y == 0u) {
      store_sums(block.part, row + quad.x, transpose(rows[0])[0]);
    }
    for (var q = 1u; q < ROW_QUADS * COLUMN_QUADS; q++) {
      rows[q - 1u] = rows[q];
    }
  }
}
