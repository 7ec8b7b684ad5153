// sum_a[p, c] = Σ a[r, c], sum_b[p, c] = Σ b[r, c], r running over part p of the rows.
// One invocation computes one pair, or as many as sizes.shares do, in blocks of rows.

alias Term = vec2f;

const WIDTH = 64u;
// So many rows at a time, so that the rounding of long sums stays small.
const BLOCK = 64u;

struct Sizes {
  // Pairs.
  count: u32,
  rows: u32,
  channels: u32,
  // Rows of a part.
  part: u32,
  shares: u32,
  // Which rows and which channels have their statistics together.
  pixels: u32,
  width: u32,
  epsilon: f32,
}

@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read> b: array<f32>;
@group(0) @binding(2) var<storage, read_write> sum_a: array<f32>;
@group(0) @binding(3) var<storage, read_write> sum_b: array<f32>;
@group(0) @binding(4) var<uniform> sizes: Sizes;

var<workgroup> terms: array<Term, WIDTH>;

// What is the same for all terms of a channel.
fn of_channel(c: u32) -> vec2f {
  return vec2f();
}

fn term(at: u32, r: u32, c: u32, known: vec2f) -> Term {
  return Term(a[at], b[at]);
}

fn combine(a: Term, b: Term) -> Term {
  return a + b;
}

// One invocation has a channel to itself; where several share it, the functions of tree.wgsl take the place of these two.
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
  // Neighbours read neighbours: the channels of a row.
  let slot = lane % across * shares() + lane / across;
  let i = (group.y * groups.x + group.x) * across + slot / shares();
  let c = i % sizes.channels;
  let first = i / sizes.channels * sizes.part;
  let end = select(0u, min(first + sizes.part, sizes.rows), i < sizes.count);
  let known = of_channel(c);
  let stride = BLOCK * shares();
  var total = Term();
  for (var turn = 0u; turn < 0x7fffffffu; turn++) {
    let start = first + slot % shares() + turn * stride;
    if (start >= end) { break; }
    var block = Term();
    for (var k = 0u; k < BLOCK; k++) {
      let r = start + k * shares();
      if (r >= end) { break; }
      block = combine(block, term(r * sizes.channels + c, r, c, known));
    }
    total = combine(total, block);
  }
  total = tree(total, slot);
  if (i < sizes.count && slot % shares() == 0u) {
    sum_a[i] = total.x;
    sum_b[i] = total.y;
  }
}
