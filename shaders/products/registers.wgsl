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
