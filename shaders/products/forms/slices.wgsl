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
    for (var turn = 0u; turn < 0x7fffffffu; turn++) {
      let k = first + turn * 4u * SLICES;
      if (k >= block.end) {
        break;
      }
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
    store_row(columns_of(block.part, to.y), to.x, total);
  }
}
