// y[p, i] = epilogue(all x[i, r] combined), r running over part p of the reduced axes, in row-major order.
// One invocation computes one output, or as many as sizes.shares do, in blocks of terms.

alias X = f32;
alias Term = X;

const WIDTH = 64u;
// So many terms at a time, so that the rounding of long sums stays small.
const BLOCK = 64u;

struct Sizes {
  count: u32,
  length: u32,
  kept_rank: u32,
  reduced_rank: u32,
  // Outputs of one part, and terms of one.
  kept: u32,
  part: u32,
  shares: u32,
  // Whether neighbours in x belong to neighbouring outputs.
  columns: u32,
  kept_shape: array<vec4u, 2>,
  kept_strides: array<vec4u, 2>,
  reduced_shape: array<vec4u, 2>,
  reduced_strides: array<vec4u, 2>,
  // What a sum is multiplied by: 1 / length makes a mean of it.
  scale: f32,
}

@group(0) @binding(0) var<storage, read> x: array<X>;
@group(0) @binding(1) var<storage, read_write> y: array<X>;
@group(0) @binding(2) var<uniform> sizes: Sizes;

var<workgroup> terms: array<Term, WIDTH>;

fn initial() -> X {
  return X(0);
}

fn combine(a: Term, b: Term) -> Term {
  return a + b;
}

fn epilogue(value: X, at: u32) -> X {
  return value;
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
  if (sizes.reduced_rank == 1u) {
    return index * sizes.reduced_strides[0][0];
  }
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

// One invocation has a row to itself; where several share it, the functions of tree.wgsl take the place of these two.
fn shares() -> u32 {
  return 1u;
}

fn tree(term: Term, slot: u32) -> Term {
  return term;
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
  let base = kept_offset(i % sizes.kept);
  let first = i / sizes.kept * sizes.part;
  let end = select(0u, min(first + sizes.part, sizes.length), i < sizes.count);
  let stride = BLOCK * shares();
  var total = initial();
  for (var turn = 0u; turn < 0x7fffffffu; turn++) {
    let start = first + slot % shares() + turn * stride;
    if (start >= end) { break; }
    var block = initial();
    for (var k = 0u; k < BLOCK; k++) {
      let r = start + k * shares();
      if (r >= end) { break; }
      block = combine(block, x[base + reduced_offset(r)]);
    }
    total = combine(total, block);
  }
  total = tree(total, slot);
  if (i < sizes.count && slot % shares() == 0u) {
    y[i] = epilogue(total, i);
  }
}
