// sum_a[i] = Σ a[p, i] and sum_b[i] = Σ b[p, i], p running over all parts.
// One invocation computes one sum of either, or as many as sizes.shares do, in blocks of parts.

alias Term = f32;

const WIDTH = 64u;
// So many parts at a time, so that the rounding of long sums stays small.
const BLOCK = 64u;

struct Sizes {
  // Sums of each.
  a: u32,
  b: u32,
  parts: u32,
  shares: u32,
}

@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read> b: array<f32>;
@group(0) @binding(2) var<storage, read_write> sum_a: array<f32>;
@group(0) @binding(3) var<storage, read_write> sum_b: array<f32>;
@group(0) @binding(4) var<uniform> sizes: Sizes;

var<workgroup> terms: array<Term, WIDTH>;

fn combine(a: Term, b: Term) -> Term {
  return a + b;
}

// One invocation has a sum to itself; where several share it, the functions of tree.wgsl take the place of these two.
fn shares() -> u32 {
  return 1u;
}

fn tree(term: Term, slot: u32) -> Term {
  return term;
}

fn term(i: u32, part: u32) -> Term {
  if (i < sizes.a) {
    return a[part * sizes.a + i];
  }
  return b[part * sizes.b + i - sizes.a];
}

@compute @workgroup_size(WIDTH)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let across = WIDTH / shares();
  // Neighbours read neighbours: one term each of several sums.
  let slot = lane % across * shares() + lane / across;
  let i = (group.y * groups.x + group.x) * across + slot / shares();
  let end = select(0u, sizes.parts, i < sizes.a + sizes.b);
  let stride = BLOCK * shares();
  var total = Term();
  for (var turn = 0u; turn < 0x7fffffffu; turn++) {
    let start = slot % shares() + turn * stride;
    if (start >= end) { break; }
    var block = Term();
    for (var k = 0u; k < BLOCK; k++) {
      let part = start + k * shares();
      if (part >= end) { break; }
      block += term(i, part);
    }
    total += block;
  }
  total = tree(total, slot);
  if (slot % shares() != 0u || i >= sizes.a + sizes.b) {
    return;
  }
  if (i < sizes.a) {
    sum_a[i] = total;
  } else {
    sum_b[i - sizes.a] = total;
  }
}
