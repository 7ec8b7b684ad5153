// y[i] = the first r at which x[i, r] is largest; NaN counts as larger than all.
// One invocation computes one output, or as many as sizes.shares do.

alias X = f32;

const WIDTH = 64u;

struct Term {
  value: X,
  at: u32,
}

struct Sizes {
  count: u32,
  length: u32,
  inner: u32,
  shares: u32,
}

@group(0) @binding(0) var<storage, read> x: array<X>;
@group(0) @binding(1) var<storage, read_write> y: array<i32>;
@group(0) @binding(2) var<uniform> sizes: Sizes;

var<workgroup> terms: array<Term, WIDTH>;

fn exceeds(value: X, best: X) -> bool {
  return value > best;
}

// The first of equals.
fn combine(a: Term, b: Term) -> Term {
  if (exceeds(b.value, a.value) || (b.at < a.at && !exceeds(a.value, b.value))) {
    return b;
  }
  return a;
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
  let slot = select(lane, lane % across * shares() + lane / across, sizes.inner > 1u);
  let i = (group.y * groups.x + group.x) * across + slot / shares();
  let base = (i / sizes.inner) * sizes.length * sizes.inner + i % sizes.inner;
  let first = slot % shares();
  var best = Term(x[base + first * sizes.inner], first);
  for (var turn = 0u; turn < 0x7fffffffu; turn++) {
    let r = first + (turn + 1u) * shares();
    if (r >= sizes.length) { break; }
    let value = x[base + r * sizes.inner];
    if (exceeds(value, best.value)) {
      best = Term(value, r);
    }
  }
  best = tree(best, slot);
  if (i < sizes.count && first == 0u) {
    y[i] = i32(best.at);
  }
}
