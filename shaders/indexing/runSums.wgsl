// y[o, r, i] = sum of x[o, order[p], i] over the run of places p with rows[p] = r, whole tiles by what they add up to.
// One invocation computes one X of the row whose run begins at its place; where none does, it has nothing to do.

alias X = f32;

struct Sizes {
  count: u32,
  // Of y; a larger one is none of its rows.
  rows: u32,
  chosen: u32,
  inner: u32,
  // Invocations that share the columns of a run.
  lanes: u32,
  // Two to this are the places of a small tile, and the small tiles of a large one.
  tile_bits: u32,
}

@group(0) @binding(0) var<storage, read> x: array<X>;
@group(0) @binding(1) var<storage, read> rows: array<u32>;
@group(0) @binding(2) var<storage, read> order: array<u32>;
@group(0) @binding(3) var<storage, read> small: array<X>;
@group(0) @binding(4) var<storage, read> large: array<X>;
@group(0) @binding(5) var<storage, read_write> y: array<X>;
@group(0) @binding(6) var<uniform> sizes: Sizes;

// The place after a run's last, in steps that double and then halve: most runs are short.
fn end_of(start: u32) -> u32 {
  let row = rows[start];
  var reach = 1u;
  for (var turn = 0u; turn < 0x7fffffffu; turn++) {
    if (start + reach >= sizes.chosen || rows[start + reach] != row) { break; }
    reach *= 2u;
  }
  var inside = start + reach / 2u;
  var outside = min(start + reach, sizes.chosen);
  for (var turn = 0u; turn < 0x7fffffffu; turn++) {
    if (outside - inside <= 1u) { break; }
    let middle = (inside + outside) / 2u;
    if (rows[middle] == row) {
      inside = middle;
    } else {
      outside = middle;
    }
  }
  return outside;
}

fn sum_of(start: u32, end: u32, outer: u32, column: u32) -> X {
  let bits = sizes.tile_bits;
  let tile = 1u << bits;
  let tiles = sizes.chosen >> bits;
  let span = 1u << (2u * bits);
  var total = X();
  var at = start;
  for (var turn = 0u; turn < 0x7fffffffu; turn++) {
    if (at >= end) { break; }
    if ((at & (span - 1u)) == 0u && end - at >= span) {
      total += large[(outer * (tiles >> bits) + (at >> (2u * bits))) * sizes.inner + column];
      at += span;
    } else if ((at & (tile - 1u)) == 0u && end - at >= tile) {
      total += small[(outer * tiles + (at >> bits)) * sizes.inner + column];
      at += tile;
    } else {
      total += x[(outer * sizes.chosen + order[at]) * sizes.inner + column];
      at++;
    }
  }
  return total;
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * 64u + id.x;
  if (i >= sizes.count) {
    return;
  }
  let start = (i / sizes.lanes) % sizes.chosen;
  let outer = i / (sizes.lanes * sizes.chosen);
  let row = rows[start];
  if (row >= sizes.rows || (start > 0u && rows[start - 1u] == row)) {
    return;
  }
  let end = end_of(start);
  for (var turn = 0u; turn < 0x7fffffffu; turn++) {
    let column = i % sizes.lanes + turn * sizes.lanes;
    if (column >= sizes.inner) { break; }
    y[(outer * sizes.rows + row) * sizes.inner + column] = sum_of(start, end, outer, column);
  }
}
