// dX[i, r] = dY[i] / (how often y[i] occurs in x[i, ·]) where x[i, r] = y[i], else 0.
// One invocation computes all dX that share a y, or as many as sizes.shares do: they count the ties first.

alias Term = f32;

const WIDTH = 64u;

struct Sizes {
  count: u32,
  length: u32,
  kept_rank: u32,
  reduced_rank: u32,
  kept: u32,
  part: u32,
  shares: u32,
  // Whether neighbours in x belong to neighbouring outputs.
  columns: u32,
  kept_shape: array<vec4u, 2>,
  kept_strides: array<vec4u, 2>,
  reduced_shape: array<vec4u, 2>,
  reduced_strides: array<vec4u, 2>,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> y: array<f32>;
@group(0) @binding(2) var<storage, read> d_y: array<f32>;
@group(0) @binding(3) var<storage, read_write> d_x: array<f32>;
@group(0) @binding(4) var<uniform> sizes: Sizes;

var<workgroup> terms: array<Term, WIDTH>;

fn combine(a: Term, b: Term) -> Term {
  return a + b;
}

// One invocation has a row to itself; where several share it, the functions of tree.wgsl take the place of these two.
fn shares() -> u32 {
  return 1u;
}

fn tree(term: Term, slot: u32) -> Term {
  return term;
}

fn kept_offset(index: u32) -> u32 {
  var rest = index;
  var offset = 0u;
  for (var axis = max(sizes.kept_rank, 1u) - 1u; axis > 0u; axis--) {
    let extent = sizes.kept_shape[axis / 4u][axis % 4u];
    let above = rest / extent;
    offset += (rest - above * extent) * sizes.kept_strides[axis / 4u][axis % 4u];
    rest = above;
  }
  return offset + rest * sizes.kept_strides[0].x;
}

fn reduced_offset(index: u32) -> u32 {
  var rest = index;
  var offset = 0u;
  for (var axis = max(sizes.reduced_rank, 1u) - 1u; axis > 0u; axis--) {
    let extent = sizes.reduced_shape[axis / 4u][axis % 4u];
    let above = rest / extent;
    offset += (rest - above * extent) * sizes.reduced_strides[axis / 4u][axis % 4u];
    rest = above;
  }
  return offset + rest * sizes.reduced_strides[0].x;
}

@compute @workgroup_size(WIDTH)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let across = WIDTH / shares();
  // Neighbours read neighbours: the terms of an output, or one term each of several.
  let slot = select(lane, lane % across * shares() + lane / across, sizes.columns == 1u);
  let i = (group.y * groups.x + group.x) * across + slot / shares();
  let base = kept_offset(i);
  let first = slot % shares();
  let end = select(0u, sizes.length, i < sizes.count);
  var ties = 0.0;
  for (var turn = 0u; turn < 0x7fffffffu; turn++) {
    let r = first + turn * shares();
    if (r >= end) { break; }
    ties += select(0.0, 1.0, x[base + reduced_offset(r)] == y[i]);
  }
  let share = d_y[i] / tree(ties, slot);
  for (var turn = 0u; turn < 0x7fffffffu; turn++) {
    let r = first + turn * shares();
    if (r >= end) { break; }
    let at = base + reduced_offset(r);
    d_x[at] = select(0.0, share, x[at] == y[i]);
  }
}
