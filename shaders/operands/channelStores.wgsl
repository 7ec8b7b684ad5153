// Where C has a column for each place, or tap: rows of C, its channels, are put side by side.

// Four neighbours in a row of C.
fn store_row(to: Columns, row: u32, value: vec4f) {
  let channel = group_of(to.part) * sizes.m + row;
  for (var i = 0u; i < 4u; i++) {
    if (to.first + i < column_count() && row < sizes.m) {
      store_four(to.at[i] + row, 1u, with_bias(vec4f(value[i]), bias_of(channel)));
    }
  }
}

// Four neighbouring channels of each of four columns.
fn store_block(to: Columns, row: u32, rows: mat4x4f) {
  let own = bias_of(group_of(to.part) * sizes.m + row);
  let columns = transpose(rows);
  let end = select(0u, min(to.first + 4u, column_count()), row < sizes.m);
  var at = to.at;
  for (var turn = 0u; turn < 0x7fffffffu; turn++) {
    if (to.first + turn >= end) {
      break;
    }
    store_four(at.x + row, sizes.m - row, with_bias(column_of(columns, turn), own));
    at = at.yzww;
  }
}
