const ROW_QUADS = 1u;
const COLUMN_QUADS = 1u;
const QUADS = ROW_QUADS * COLUMN_QUADS;

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
  // B's columns are summed as a product with ones.
  let is_sum = !SUMS_OF_A && is_of_sums(block);
  var b_first: array<LINES, COLUMN_QUADS>;
  for (var q = 0u; q < COLUMN_QUADS; q++) {
    b_first[q] = b_lines(block.b, min(column + 4u * q, (sizes.n - 1u) / 4u * 4u));
  }
  var a_first: array<LINES, ROW_QUADS>;
  for (var q = 0u; q < ROW_QUADS; q++) {
    a_first[q] = a_lines(block.a, row + 4u * q);
  }

  var rows: array<mat4x4f, QUADS>;
  var sums: array<vec4f, ROW_QUADS>;
  for (var turn = 0u; turn < 0x7fffffffu; turn++) {
    let k = block.first + 4u * turn;
    if (k >= block.end) {
      break;
    }
    var a_blocks: array<mat4x4f, ROW_QUADS>;
    var b_blocks: array<mat4x4f, COLUMN_QUADS>;
    if (SCATTERED) {
      // Term by term, and not unrolled: a place is found once for all columns, and there is one text of what each loads.
      var of_a: array<Carried, ROW_QUADS>;
      var of_b: array<Carried, COLUMN_QUADS>;
      for (var turn = 0u; turn < 0x7fffffffu; turn++) {
        if (turn >= turns_of_four()) {
          break;
        }
        let term = k + turn;
        for (var q = 0u; q < COLUMN_QUADS; q++) {
          of_b[q] = moved_on(of_b[q], b_term(b_first[q], term));
        }
        for (var r = 0u; r < ROW_QUADS; r++) {
          of_a[r] = moved_on(of_a[r], a_term(a_first[r], term));
        }
      }
      for (var q = 0u; q < COLUMN_QUADS; q++) {
        b_blocks[q] = block_from(of_b[q]);
      }
      for (var r = 0u; r < ROW_QUADS; r++) {
        a_blocks[r] = transpose(block_from(of_a[r]));
      }
    } else {
      for (var q = 0u; q < COLUMN_QUADS; q++) {
        b_blocks[q] = b_block(b_first[q], k);
      }
      for (var r = 0u; r < ROW_QUADS; r++) {
        a_blocks[r] = a_block(a_first[r], k);
      }
    }
    for (var r = 0u; r < ROW_QUADS; r++) {
      var terms = a_blocks[r];
      if (is_sum) {
        terms = mat4x4f(vec4f(1.0), vec4f(1.0), vec4f(1.0), vec4f(1.0));
      }
      for (var q = 0u; q < COLUMN_QUADS; q++) {
        rows[r * COLUMN_QUADS + q] += b_blocks[q] * terms;
      }
      if (WITH_SUMS && SUMS_OF_A) {
        sums[r] += vec4f(1.0) * terms;
      }
    }
  }
  let end = min(row + ROW_QUADS * 4u, sizes.m);
  for (var turn = 0u; turn < 0x7fffffffu; turn++) {
    let at = vec2u(row + turn / COLUMN_QUADS * 4u, column + turn % COLUMN_QUADS * 4u);
    if (at.x >= end) {
      break;
    }
    var quad = rows[0];
    for (var q = 1u; q < QUADS; q++) {
      if (turn == q) {
        quad = rows[q];
      }
    }
    store_block(columns_of(block.part, at.y), at.x, quad);
  }
  if (is_sum) {
    for (var q = 0u; q < COLUMN_QUADS; q++) {
      store_sums(block.part, column + 4u * q, rows[q][0]);
    }
  } else if (WITH_SUMS && SUMS_OF_A && block.column == 0u) {
    for (var r = 0u; r < ROW_QUADS; r++) {
      store_sums(block.part, row + 4u * r, sums[r]);
    }
  }
}
