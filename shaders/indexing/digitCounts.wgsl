// counts[b, d] = how many rows of block b have digit d: the first half of a pass of a radix sort.
// One invocation counts one block, or SHARES of them do. Integers are added, so it does not matter who comes first.

const WIDTH = 8u;
const SHARES = 1u;
const BLOCKS = WIDTH / SHARES;
const DIGITS = 256u;

struct Sizes {
  count: u32,
  // Rows of a block, and blocks.
  block: u32,
  blocks: u32,
  // What is not below it counts as it, and so comes last.
  limit: u32,
  shift: u32,
}

@group(0) @binding(0) var<storage, read> rows: array<u32>;
@group(0) @binding(1) var<storage, read_write> counts: array<u32>;
@group(0) @binding(2) var<uniform> sizes: Sizes;

var<workgroup> found: array<atomic<u32>, DIGITS * BLOCKS>;

fn row_at(at: u32) -> u32 {
  return rows[at];
}

@compute @workgroup_size(WIDTH)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let own = lane / SHARES;
  let block = group.x * BLOCKS + own;
  let first = block * sizes.block;
  let end = min(first + sizes.block, sizes.count);
  for (var turn = 0u; turn < 0x7fffffffu; turn++) {
    let at = first + lane % SHARES + turn * SHARES;
    if (at >= end) { break; }
    let digit = (min(row_at(at), sizes.limit) >> sizes.shift) % DIGITS;
    atomicAdd(&found[digit * BLOCKS + own], 1u);
  }
  workgroupBarrier();
  if (block < sizes.blocks) {
    for (var turn = 0u; turn < DIGITS / SHARES; turn++) {
      let digit = turn * SHARES + lane % SHARES;
      counts[block * DIGITS + digit] = atomicLoad(&found[digit * BLOCKS + own]);
    }
  }
}
