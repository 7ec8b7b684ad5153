// sorted[p] = rows[at], places[p] = order[at], p by digit and then by at: the second half of a pass of a radix sort.
// One invocation places one block, or SHARES of them do; counts has how many rows of each digit each block has.

const WIDTH = 8u;
const SHARES = 1u;
const BLOCKS = WIDTH / SHARES;
const DIGITS = 256u;
const WORDS = (SHARES + 31u) / 32u;

struct Sizes {
  count: u32,
  // Rows of a block, and blocks.
  block: u32,
  blocks: u32,
  // What is not below it counts as it, and so comes last.
  limit: u32,
  shift: u32,
  // Whether the rows stand as they came. Then whatever is bound as `order` says nothing.
  first: u32,
}

@group(0) @binding(0) var<storage, read> rows: array<u32>;
@group(0) @binding(1) var<storage, read> order: array<u32>;
@group(0) @binding(2) var<storage, read> counts: array<u32>;
@group(0) @binding(3) var<storage, read_write> sorted: array<u32>;
@group(0) @binding(4) var<storage, read_write> places: array<u32>;
@group(0) @binding(5) var<uniform> sizes: Sizes;

// Where a block's next row of each digit goes.
var<workgroup> next: array<u32, DIGITS * BLOCKS>;
// Where several share a block: which of them have a row of each digit, a bit for each.
var<workgroup> peers: array<atomic<u32>, DIGITS * WORDS>;
var<private> total: u32;

fn row_at(at: u32) -> u32 {
  return rows[at];
}

// An invocation has a block to itself; where several share it, the functions of sharedPlaces.wgsl take the place of these two.
fn sum_before(x: u32, lane: u32) -> u32 {
  total += x;
  return total - x;
}

fn place_of(digit: u32, is_row: bool, lane: u32) -> u32 {
  let place = next[digit * BLOCKS + lane];
  next[digit * BLOCKS + lane] = place + u32(is_row);
  return place;
}

@compute @workgroup_size(WIDTH)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let own = lane / SHARES;
  let block = group.x * BLOCKS + own;
  for (var turn = 0u; turn < DIGITS / SHARES; turn++) {
    let digit = turn * SHARES + lane % SHARES;
    var all = 0u;
    var earlier = 0u;
    for (var b = 0u; b < 0x7fffffffu; b++) {
      if (b >= sizes.blocks) { break; }
      let count = counts[b * DIGITS + digit];
      all += count;
      earlier += select(0u, count, b < block);
    }
    let place = sum_before(all, lane) + earlier;
    next[digit * BLOCKS + own] = place;
  }
  workgroupBarrier();
  let first = block * sizes.block;
  let end = min(first + sizes.block, sizes.count);
  for (var turn = 0u; turn < 0x7fffffffu; turn++) {
    let r = turn * SHARES;
    if (r >= sizes.block) { break; }
    let at = first + r + lane % SHARES;
    let row = min(row_at(at), sizes.limit);
    let place = place_of((row >> sizes.shift) % DIGITS, at < end, lane);
    if (at < end) {
      sorted[place] = row;
      places[place] = select(order[at], at, sizes.first == 1u);
    }
  }
}
