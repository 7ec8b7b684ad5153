// y[o, t, i] = sum of x[o, entry(j), i] over the several entries j of tile t, if all of its places hold one row; else 0.
// One invocation computes one X.

alias X = f32;

struct Sizes {
  count: u32,
  tiles: u32,
  // Entries of x, and how many make a tile.
  entries: u32,
  several: u32,
  // Sorted places that an entry stands for.
  span: u32,
  inner: u32,
}

@group(0) @binding(0) var<storage, read> x: array<X>;
@group(0) @binding(1) var<storage, read> rows: array<u32>;
@group(0) @binding(2) var<storage, read> order: array<u32>;
@group(0) @binding(3) var<storage, read_write> y: array<X>;
@group(0) @binding(4) var<uniform> sizes: Sizes;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * 64u + id.x;
  if (i >= sizes.count) {
    return;
  }
  let tile = (i / sizes.inner) % sizes.tiles;
  let base = i / (sizes.inner * sizes.tiles) * sizes.entries;
  let first = tile * sizes.several;
  let end = first + sizes.several;
  var total = X();
  if (rows[first * sizes.span] == rows[end * sizes.span - 1u]) {
    for (var j = first; j < 0x7fffffffu; j++) {
      if (j >= end) { break; }
      // The sums of tiles stand in the order of the rows; what the caller gave does not.
      let entry = select(j, order[j], sizes.span == 1u);
      total += x[(base + entry) * sizes.inner + i % sizes.inner];
    }
  }
  y[i] = total;
}
