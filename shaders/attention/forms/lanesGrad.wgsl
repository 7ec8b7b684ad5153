// One workgroup computes OWN rows for each of its eight lanes, of queries or of keys, over OTHERS of the other kind at a time;
// the result is where it adds up. Of the others each lane loads what the rest take from it.

const OWN = 2u;
const OTHERS = 8u;
const QUADS = OTHERS / 4u;
const TILE = 8u * OWN;

fn lane_of(local: u32) -> u32 {
  return local;
}

// What all of eight others in a row have.
fn eight_first(at: u32, stride: u32, first: u32, last: u32, left: u32, lane: u32) -> array<vec4f, 8> {
  var eight: array<vec4f, 8>;
  for (var i = 0u; i < 0x7fffffffu; i++) {
    if (i >= turns_of_eight()) { break; }
    for (var j = 0u; j < 7u; j++) {
      eight[j] = eight[j + 1u];
    }
    eight[7] = first_other(at + min(first + i, last) * stride, left);
  }
  return eight;
}

fn eight_second(at: u32, stride: u32, first: u32, last: u32, left: u32, lane: u32) -> array<vec4f, 8> {
  var eight: array<vec4f, 8>;
  for (var i = 0u; i < 0x7fffffffu; i++) {
    if (i >= turns_of_eight()) { break; }
    for (var j = 0u; j < 7u; j++) {
      eight[j] = eight[j + 1u];
    }
    eight[7] = second_other(at + min(first + i, last) * stride, left);
  }
  return eight;
}

fn eight_rows(at: u32, first: u32, last: u32, lane: u32) -> array<vec2f, 8> {
  var eight: array<vec2f, 8>;
  for (var i = 0u; i < 0x7fffffffu; i++) {
    if (i >= turns_of_eight()) { break; }
    for (var j = 0u; j < 7u; j++) {
      eight[j] = eight[j + 1u];
    }
    eight[7] = rows[at + min(first + i, last)];
  }
  return eight;
}

// Of pairs of an own row and another, four others in a vector.
alias Pairs = array<vec4f, OWN * QUADS>;

// Turns scores into weights, and dy · v into slopes.
fn weigh(
  weights: ptr<function, Pairs>,
  pairs: ptr<function, Pairs>,
  own_row: array<vec2f, OWN>,
  reach: Reach,
  h: u32,
  first: u32,
  local: u32,
  lane: u32,
) {
  let row = (reach.n * sizes.heads + h) * sizes.queries;
  var masks: array<u32, OWN>;
  for (var o = 0u; o < OWN; o++) {
    let r = reach.first_own + 8u * o + local;
    if (OF_KEYS) {
      masks[o] = unmasked_for(reach.n, h, first, r, OTHERS);
    } else {
      masks[o] = unmasked(reach.n, h, r, first, OTHERS);
    }
  }
  for (var eight = 0u; eight < OTHERS / 8u; eight++) {
    var of_others: array<vec2f, 8>;
    if (OF_KEYS) {
      of_others = eight_rows(row, first + 8u * eight, reach.last, lane);
    }
    for (var o = 0u; o < OWN; o++) {
      let r = reach.first_own + 8u * o + local;
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
          is_seen = seen_by(other, r, reach.length);
          kept = kept_for(row + other, r);
        } else {
          is_seen = seen(r, other, reach.length);
          kept = kept_of(row + r, other);
        }
        let i = o * QUADS + 2u * eight + half;
        is_seen &= four_bits(masks[o] >> (8u * eight + 4u * half));
        let score = select(vec4f(sizes.nothing), (*weights)[i] * sizes.score, is_seen);
        let weight = power_of_two(score - powers(lse));
        (*pairs)[i] = sizes.scale * weight * ((*pairs)[i] * kept - delta);
        (*weights)[i] = weight * kept;
      }
    }
  }
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
  let reach = reach_of(tile, TILE, OTHERS);
  let last = reach.last;

  var first_at: array<u32, OWN>;
  var second_at: array<u32, OWN>;
  var to_first: array<u32, OWN>;
  var to_second: array<u32, OWN>;
  var own_row: array<vec2f, OWN>;
  for (var o = 0u; o < OWN; o++) {
    let r = min(reach.first_own + 8u * o + local, reach.own_count - 1u);
    let step = reach.n * reach.own_count + r;
    if (OF_KEYS) {
      first_at[o] = place_of(sizes.k, step, reach.head);
      second_at[o] = place_of(sizes.v, step, reach.head);
      to_first[o] = place_of(sizes.to_k, step, reach.head);
      to_second[o] = place_of(sizes.to_v, step, reach.head);
    } else {
      first_at[o] = place_of(sizes.q, step, reach.head);
      second_at[o] = place_of_dy(step, reach.head);
      to_first[o] = place_of(sizes.to_q, step, reach.head);
      own_row[o] = rows[(reach.n * sizes.heads + reach.head) * sizes.queries + r];
    }
  }

  for (var turn = 0u; turn < 0x7fffffffu; turn++) {
    if (turn >= reach.turns) { break; }
    let first = reach.begin + turn % reach.steps * OTHERS;
    let others = others_in(reach, turn);

    // Scores, and then weights; dy · v, and then slopes.
    var weights: Pairs;
    var pairs: Pairs;
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
        let one = eight_first(others.first + c, others.first_stride, first + 8u * eight, last, left, lane);
        let two = eight_second(others.second + c, others.second_stride, first + 8u * eight, last, left, lane);
        for (var o = 0u; o < OWN; o++) {
          let to = o * QUADS + 2u * eight;
          weights[to] += own[o] * mat4x4f(one[0], one[1], one[2], one[3]);
          weights[to + 1u] += own[o] * mat4x4f(one[4], one[5], one[6], one[7]);
          pairs[to] += own_second[o] * mat4x4f(two[0], two[1], two[2], two[3]);
          pairs[to + 1u] += own_second[o] * mat4x4f(two[4], two[5], two[6], two[7]);
        }
      }
    }
    weigh(&weights, &pairs, own_row, reach, others.h, first, local, lane);
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
        let one = eight_first(others.first + c, others.first_stride, first + 8u * eight, last, left, lane);
        for (var o = 0u; o < OWN; o++) {
          let i = o * QUADS + 2u * eight;
          total[o] += mat4x4f(one[0], one[1], one[2], one[3]) * pairs[i];
          total[o] += mat4x4f(one[4], one[5], one[6], one[7]) * pairs[i + 1u];
        }
        if (OF_KEYS) {
          let two = eight_second(others.second + c, others.second_stride, first + 8u * eight, last, left, lane);
          for (var o = 0u; o < OWN; o++) {
            let i = o * QUADS + 2u * eight;
            total_second[o] += mat4x4f(two[0], two[1], two[2], two[3]) * weights[i];
            total_second[o] += mat4x4f(two[4], two[5], two[6], two[7]) * weights[i + 1u];
          }
        }
      }
      for (var o = 0u; o < OWN; o++) {
        if (reach.first_own + 8u * o + local < reach.own_count) {
          store_slopes(to_first[o] + c, left, total[o]);
          if (OF_KEYS) {
            store_slopes(to_second[o] + c, left, total_second[o]);
          }
        }
      }
    }
  }
}
