// mean[p, c], variance[p, c] = mean and mean squared deviation of x[r, c], r running over part p of the rows.
// One invocation computes one pair, or as many as sizes.shares do, in blocks of rows.

const WIDTH = 64u;
// So few rows at a time, so that even a row far from all others does little harm as what the others are taken from.
const BLOCK = 16u;

struct Sizes {
  // Pairs.
  count: u32,
  rows: u32,
  channels: u32,
  // Rows of a part.
  part: u32,
  shares: u32,
  // Where each row has the moments of several rows: of so many, the last row of so many.
  several: u32,
  last: u32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> mean: array<f32>;
@group(0) @binding(2) var<storage, read_write> variance: array<f32>;
@group(0) @binding(3) var<uniform> sizes: Sizes;

// How many numbers, their mean less the pivot, the sum of their squared deviations from it.
struct Term {
  count: f32,
  mean: f32,
  squares: f32,
}

var<workgroup> terms: array<Term, WIDTH>;

fn combine(a: Term, b: Term) -> Term {
  let count = a.count + b.count;
  let share = b.count / max(count, 1.0);
  let difference = b.mean - a.mean;
  return Term(
    count,
    a.mean + difference * share,
    a.squares + b.squares + difference * difference * (a.count * share),
  );
}

fn block_at(start: u32, stop: u32, c: u32, pivot: f32) -> Term {
  let near = x[start * sizes.channels + c] - pivot;
  var total = 0.0;
  var squares = 0.0;
  var count = 0.0;
  for (var turn = 0u; turn < 0x7fffffffu; turn++) {
    let r = start + turn * shares();
    if (r >= stop) { break; }
    let difference = x[r * sizes.channels + c] - pivot - near;
    total += difference;
    squares += difference * difference;
    count += 1.0;
  }
  let shift = total / count;
  return Term(count, near + shift, squares - total * shift);
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
  // All are taken from one of them, so that a large mean costs no digits of a small deviation.
  let pivot = x[first * sizes.channels + c];
  let stride = BLOCK * shares();
  var total = Term(0.0, 0.0, 0.0);
  for (var turn = 0u; turn < 0x7fffffffu; turn++) {
    let start = first + slot % shares() + turn * stride;
    if (start >= end) { break; }
    total = combine(total, block_at(start, min(start + stride, end), c, pivot));
  }
  total = tree(total, slot);
  if (i < sizes.count && slot % shares() == 0u) {
    mean[i] = pivot + total.mean;
    variance[i] = total.squares / total.count;
  }
}
