// p_j = exp(score_j − lse), slope_j = scale · p_j · (dy · v_j − Σ y · dy); dq = Σ_j slope_j · k_j,
// or dk_j = Σ_t slope_j · q_t and dv_j = Σ_t p_j · dy_t, over the queries of all heads of a group.
// One workgroup computes OWN rows for each of its eight lanes, of queries or of keys, over OTHERS of the other kind at a time;
// the result is where it adds up. Of the others each lane loads what the rest take from it.

const OF_KEYS = false;
const OWN = 2u;
const OTHERS = 8u;
const QUADS = OTHERS / 4u;
const TILE = 8u * OWN;

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

fn lane_of(local: u32) -> u32 {
  return local;
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

// What all of eight others in a row have.
fn eight_first(at: u32, stride: u32, first: u32, last: u32, left: u32, lane: u32) -> array<vec4f, 8> {
  var eight: array<vec4f, 8>;
  for (var i = 0u; i < 8u; i++) {
    eight[i] = first_other(at + min(first + i, last) * stride, left);
  }
  return eight;
}

fn eight_second(at: u32, stride: u32, first: u32, last: u32, left: u32, lane: u32) -> array<vec4f, 8> {
  var eight: array<vec4f, 8>;
  for (var i = 0u; i < 8u; i++) {
    eight[i] = second_other(at + min(first + i, last) * stride, left);
  }
  return eight;
}

fn eight_rows(at: u32, first: u32, last: u32, lane: u32) -> array<vec2f, 8> {
  var eight: array<vec2f, 8>;
  for (var i = 0u; i < 8u; i++) {
    eight[i] = rows[at + min(first + i, last)];
  }
  return eight;
}

// lse in powers of two. A row that sees nothing has no weights, whatever is taken off what it does not see.
fn powers(lse: vec4f) -> vec4f {
  return select(lse / LN2, vec4f(), bitcast<vec4u>(lse) == vec4u(0xff800000u));
}

fn place_of_dy(step: u32, h: u32) -> u32 {
  return (step * sizes.heads + h) * sizes.channels;
}

@compute @workgroup_size(8)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let tile = group.y * groups.x + group.x;
  if (tile >= sizes.all_tiles) {
    return;
  }
  let lane = lane_of(local) % 8u;
  let key_heads = sizes.heads / sizes.group;
  let heads = select(sizes.heads, key_heads, OF_KEYS);
  let n = tile / sizes.tiles / heads;
  let head = tile / sizes.tiles % heads;
  let own_count = select(sizes.queries, sizes.keys, OF_KEYS);
  let r0 = tile % sizes.tiles * TILE;
  let length = length_of(n);
  // The others that one of the rows may see, or be seen by.
  let before = select(sizes.left, sizes.right, OF_KEYS);
  let behind = select(sizes.right, sizes.left, OF_KEYS);
  let all = select(length, select(sizes.queries, 0u, r0 >= length), OF_KEYS);
  let begin = (r0 - min(r0, before)) & ~3u;
  let end = min(all, min(r0 + TILE, own_count) + behind);
  let steps = max(1u, (end - min(end, begin) + OTHERS - 1u) / OTHERS);
  let last = select(sizes.keys, sizes.queries, OF_KEYS) - 1u;

  var first_at: array<u32, OWN>;
  var second_at: array<u32, OWN>;
  var to_first: array<u32, OWN>;
  var to_second: array<u32, OWN>;
  var own_row: array<vec2f, OWN>;
  for (var o = 0u; o < OWN; o++) {
    let r = min(r0 + 8u * o + local, own_count - 1u);
    let step = n * own_count + r;
    if (OF_KEYS) {
      first_at[o] = place_of(sizes.k, step, head);
      second_at[o] = place_of(sizes.v, step, head);
      to_first[o] = place_of(sizes.to_k, step, head);
      to_second[o] = place_of(sizes.to_v, step, head);
    } else {
      first_at[o] = place_of(sizes.q, step, head);
      second_at[o] = place_of_dy(step, head);
      to_first[o] = place_of(sizes.to_q, step, head);
      own_row[o] = rows[(n * sizes.heads + head) * sizes.queries + r];
    }
  }

  let all_steps = steps * select(1u, sizes.group, OF_KEYS);
  for (var turn = 0u; turn < 0x7fffffffu; turn++) {
    if (turn >= all_steps) { break; }
    let first = begin + turn % steps * OTHERS;
    // The query's head, and the one that has its keys.
    let h = select(head, head * sizes.group + turn / steps, OF_KEYS);
    let shared_head = select(head / sizes.group, head, OF_KEYS);
    var at = place_of(sizes.k, n * sizes.keys, shared_head);
    var second = place_of(sizes.v, n * sizes.keys, shared_head);
    var stride = sizes.k.stride;
    var second_stride = sizes.v.stride;
    if (OF_KEYS) {
      at = place_of(sizes.q, n * sizes.queries, h);
      second = place_of_dy(n * sizes.queries, h);
      stride = sizes.q.stride;
      second_stride = sizes.heads * sizes.channels;
    }

    // Of pairs of an own row and another: scores, and then weights; dy · v, and then slopes.
    var weights: array<vec4f, OWN * QUADS>;
    var pairs: array<vec4f, OWN * QUADS>;
    for (var i = 0u; i < OWN * QUADS; i++) {
      weights[i] = vec4f();
      pairs[i] = vec4f();
    }
    for (var part = 0u; part < 0x7fffffffu; part++) {
      let c = 4u * part;
      if (c >= sizes.channels) { break; }
      let left = sizes.channels - c;
      var own: array<vec4f, OWN>;
      var own_second: array<vec4f, OWN>;
      for (var o = 0u; o < OWN; o++) {
        own[o] = first_own(first_at[o] + c, left);
        own_second[o] = second_own(second_at[o] + c, left);
      }
      for (var eight = 0u; eight < OTHERS / 8u; eight++) {
        let one = eight_first(at + c, stride, first + 8u * eight, last, left, lane);
        let two = eight_second(second + c, second_stride, first + 8u * eight, last, left, lane);
        for (var o = 0u; o < OWN; o++) {
          let to = o * QUADS + 2u * eight;
          weights[to] += own[o] * mat4x4f(one[0], one[1], one[2], one[3]);
          weights[to + 1u] += own[o] * mat4x4f(one[4], one[5], one[6], one[7]);
          pairs[to] += own_second[o] * mat4x4f(two[0], two[1], two[2], two[3]);
          pairs[to + 1u] += own_second[o] * mat4x4f(two[4], two[5], two[6], two[7]);
        }
      }
    }
    var masks: array<u32, OWN>;
    for (var o = 0u; o < OWN; o++) {
      let r = r0 + 8u * o + local;
      if (OF_KEYS) {
        masks[o] = unmasked_for(n, h, first, r, OTHERS);
      } else {
        masks[o] = unmasked(n, h, r, first, OTHERS);
      }
    }
    for (var eight = 0u; eight < OTHERS / 8u; eight++) {
      var of_others: array<vec2f, 8>;
      if (OF_KEYS) {
        of_others = eight_rows((n * sizes.heads + h) * sizes.queries, first + 8u * eight, last, lane);
      }
      for (var o = 0u; o < OWN; o++) {
        let r = r0 + 8u * o + local;
        for (var half = 0u; half < 2u; half++) {
          let other = first + 8u * eight + 4u * half;
          var lse = vec4f(own_row[o].x);
          var delta = vec4f(own_row[o].y);
          var is_seen = vec4<bool>(false);
          var kept = vec4f();
          if (OF_KEYS) {
            for (var each = 0u; each < 4u; each++) {
              lse[each] = of_others[4u * half + each].x;
              delta[each] = of_others[4u * half + each].y;
            }
            is_seen = seen_by(other, r, length);
            kept = kept_for((n * sizes.heads + h) * sizes.queries + other, r);
          } else {
            is_seen = seen(r, other, length);
            kept = kept_of((n * sizes.heads + h) * sizes.queries + r, other);
          }
          let i = o * QUADS + 2u * eight + half;
          is_seen &= four_bits(masks[o] >> (8u * eight + 4u * half));
          let score = select(vec4f(sizes.nothing), weights[i] * sizes.score, is_seen);
          let weight = power_of_two(score - powers(lse));
          pairs[i] = sizes.scale * weight * (pairs[i] * kept - delta);
          weights[i] = weight * kept;
        }
      }
    }
    for (var part = 0u; part < 0x7fffffffu; part++) {
      let c = 4u * part;
      if (c >= sizes.channels) { break; }
      let left = sizes.channels - c;
      var total: array<vec4f, OWN>;
      var total_second: array<vec4f, OWN>;
      for (var o = 0u; o < OWN; o++) {
        total[o] = vec4f();
        total_second[o] = vec4f();
        if (turn > 0u) {
          total[o] = slopes_four(to_first[o] + c, left);
          if (OF_KEYS) {
            total_second[o] = slopes_four(to_second[o] + c, left);
          }
        }
      }
      for (var eight = 0u; eight < OTHERS / 8u; eight++) {
        let one = eight_first(at + c, stride, first + 8u * eight, last, left, lane);
        for (var o = 0u; o < OWN; o++) {
          let i = o * QUADS + 2u * eight;
          total[o] += mat4x4f(one[0], one[1], one[2], one[3]) * pairs[i];
          total[o] += mat4x4f(one[4], one[5], one[6], one[7]) * pairs[i + 1u];
        }
        if (OF_KEYS) {
          let two = eight_second(second + c, second_stride, first + 8u * eight, last, left, lane);
          for (var o = 0u; o < OWN; o++) {
            let i = o * QUADS + 2u * eight;
            total_second[o] += mat4x4f(two[0], two[1], two[2], two[3]) * weights[i];
            total_second[o] += mat4x4f(two[4], two[5], two[6], two[7]) * weights[i + 1u];
          }
        }
      }
      for (var o = 0u; o < OWN; o++) {
        if (r0 + 8u * o + local < own_count) {
          store_slopes(to_first[o] + c, left, total[o]);
          if (OF_KEYS) {
            store_slopes(to_second[o] + c, left, total_second[o]);
          }
        }
      }
    }
  }
}
