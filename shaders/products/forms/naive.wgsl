// Columns of C from `column` on, in a block's row.
fn row_of(block: Block, column: u32) -> vec4f {
  let b_first = b_lines(block.b, column);
  let lane = block.row % 4u;
  let a_first = a_lines(block.a, block.row - lane);
  var row = vec4f();
  for (var turn = 0u; turn < 0x7fffffffu; turn++) {
    let k = block.first + 4u * turn;
    if (k >= block.end) {
      break;
    }
    if (A_TRANSPOSED) {
      row += b_block(b_first, k) * a_block(a_first, k)[lane];
    } else {
      row += b_block(b_first, k) * a_row(places_of(a_first)[lane], k);
    }
  }
  return row;
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
  } else {
    store_row(columns_of(block.part, column), block.row, row_of(block, column));
  }
}
