// p_j = exp(score_j − lse), slope_j = scale · p_j · (dy · v_j − Σ y · dy); dq = Σ_j slope_j · k_j,
// or dk_j = Σ_t slope_j · q_t and dv_j = Σ_t p_j · dy_t, over the queries of all heads of a group.
// Who computes what is said by the form that follows: own rows are queries, or keys, and the others are of the other kind.

const OF_KEYS = false;

@group(0) @binding(3) var<storage, read> dy: array<Element>;
// Of each row: lse and Σ y · dy.
@group(0) @binding(4) var<storage, read_write> rows: array<vec2f>;
@group(0) @binding(5) var<storage, read_write> slopes: array<Element>;
@group(0) @binding(6) var<uniform> sizes: Sizes;

fn dy_four(at: u32, left: u32) -> vec4f {
  return dy[at / 4u];
}

fn slopes_four(at: u32, left: u32) -> vec4f {
  return slopes[at / 4u];
}

fn store_slopes(at: u32, left: u32, value: vec4f) {
  slopes[at / 4u] = value;
}

// An own row, and one of the others: q and dy, or k and v.
fn first_own(at: u32, left: u32) -> vec4f {
  if (OF_KEYS) {
    return k_four(at, left);
  }
  return q_four(at, left);
}

fn second_own(at: u32, left: u32) -> vec4f {
  if (OF_KEYS) {
    return v_four(at, left);
  }
  return dy_four(at, left);
}

fn first_other(at: u32, left: u32) -> vec4f {
  if (OF_KEYS) {
    return q_four(at, left);
  }
  return k_four(at, left);
}

fn second_other(at: u32, left: u32) -> vec4f {
  if (OF_KEYS) {
    return dy_four(at, left);
  }
  return v_four(at, left);
}

// lse in powers of two. A row that sees nothing has no weights, whatever is taken off what it does not see.
fn powers(lse: vec4f) -> vec4f {
  return select(lse / LN2, vec4f(), bitcast<vec4u>(lse) == vec4u(0xff800000u));
}

fn place_of_dy(step: u32, h: u32) -> u32 {
  return (step * sizes.heads + h) * sizes.channels;
}

// A tile of own rows, and the others that one of them sees, or is seen by.
struct Reach {
  n: u32,
  head: u32,
  first_own: u32,
  own_count: u32,
  // The last one of the others.
  last: u32,
  // Keys of the sample.
  length: u32,
  // From where on, and in how many steps of each head.
  begin: u32,
  steps: u32,
  turns: u32,
}

// Blocks of what is drawn begin at multiples of four.
fn reach_of(tile: u32, own_rows: u32, others: u32) -> Reach {
  let heads = select(sizes.heads, sizes.heads / sizes.group, OF_KEYS);
  let n = tile / sizes.tiles / heads;
  let first_own = tile % sizes.tiles * own_rows;
  let own_count = select(sizes.queries, sizes.keys, OF_KEYS);
  let length = length_of(n);
  let all = select(length, select(sizes.queries, 0u, first_own >= length), OF_KEYS);
  let begin = (first_own - min(first_own, select(sizes.left, sizes.right, OF_KEYS))) & ~3u;
  let end = min(all, min(first_own + own_rows, own_count) + select(sizes.right, sizes.left, OF_KEYS));
  let steps = max(1u, (end - min(end, begin) + others - 1u) / others);
  return Reach(
    n,
    tile / sizes.tiles % heads,
    first_own,
    own_count,
    select(sizes.keys, sizes.queries, OF_KEYS) - 1u,
    length,
    begin,
    steps,
    steps * select(1u, sizes.group, OF_KEYS),
  );
}

// The head of the queries in a turn; and where the others begin, in both of their values.
struct Others {
  h: u32,
  first: u32,
  first_stride: u32,
  second: u32,
  second_stride: u32,
}

fn others_in(reach: Reach, turn: u32) -> Others {
  if (OF_KEYS) {
    let h = reach.head * sizes.group + turn / reach.steps;
    let step = reach.n * sizes.queries;
    let second = place_of_dy(step, h);
    return Others(h, place_of(sizes.q, step, h), sizes.q.stride, second, sizes.heads * sizes.channels);
  }
  let shared_head = reach.head / sizes.group;
  let step = reach.n * sizes.keys;
  let second = place_of(sizes.v, step, shared_head);
  return Others(reach.head, place_of(sizes.k, step, shared_head), sizes.k.stride, second, sizes.v.stride);
}
