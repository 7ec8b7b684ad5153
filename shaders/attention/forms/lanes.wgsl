// y[n, t, h] = Σ_j p_j · v[n, j], lse = log Σ_j exp(score_j), with p = softmax of score_j = scale · q[n, t, h] · k[n, j] over what t sees.
// One workgroup computes OWN rows for each of its eight lanes, over KEYS keys at a time; y is where it adds up. Of k and v each
// lane loads what the others take from it.

const OWN = 2u;
const KEYS = 16u;
const QUADS = KEYS / 4u;
const TILE = 8u * OWN;

@group(0) @binding(3) var<storage, read_write> y: array<Element>;
@group(0) @binding(4) var<storage, read_write> lse: array<f32>;
@group(0) @binding(5) var<uniform> sizes: Sizes;

fn y_four(at: u32, left: u32) -> vec4f {
  return y[at / 4u];
}

fn store_y(at: u32, left: u32, value: vec4f) {
  y[at / 4u] = value;
}

// The lane of its subgroup that an invocation is. Where there are subgroups, each lane loads one of eight steps' channels.
fn lane_of(local: u32) -> u32 {
  return local;
}

fn eight_of_k(first: u32, at: u32, left: u32, lane: u32) -> array<vec4f, 8> {
  var eight: array<vec4f, 8>;
  for (var i = 0u; i < 0x7fffffffu; i++) {
    if (i >= turns_of_eight()) { break; }
    for (var j = 0u; j < 7u; j++) {
      eight[j] = eight[j + 1u];
    }
    eight[7] = k_four(at + min(first + i, sizes.keys - 1u) * sizes.k.stride, left);
  }
  return eight;
}

fn eight_of_v(first: u32, at: u32, left: u32, lane: u32) -> array<vec4f, 8> {
  var eight: array<vec4f, 8>;
  for (var i = 0u; i < 0x7fffffffu; i++) {
    if (i >= turns_of_eight()) { break; }
    for (var j = 0u; j < 7u; j++) {
      eight[j] = eight[j + 1u];
    }
    eight[7] = v_four(at + min(first + i, sizes.keys - 1u) * sizes.v.stride, left);
  }
  return eight;
}

fn largest_of(x: vec4f) -> f32 {
  return max(max(x.x, x.y), max(x.z, x.w));
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
  let n = tile / sizes.tiles / sizes.heads;
  let h = tile / sizes.tiles % sizes.heads;
  let t0 = tile % sizes.tiles * TILE;
  let lane = lane_of(local) % 8u;
  // Keys that one of the rows may see; blocks of what is drawn begin at multiples of four.
  let length = length_of(n);
  let begin = (t0 - min(t0, sizes.left)) & ~3u;
  let end = min(length, min(t0 + TILE, sizes.queries) + sizes.right);
  let steps = max(1u, (end - min(end, begin) + KEYS - 1u) / KEYS);
  let k_at = place_of(sizes.k, n * sizes.keys, h / sizes.group);
  let v_at = place_of(sizes.v, n * sizes.keys, h / sizes.group);
  var q_at: array<u32, OWN>;
  var y_at: array<u32, OWN>;
  // By row: the largest score so far, and the sum of all weights beside it.
  var largest: array<f32, OWN>;
  var sum: array<f32, OWN>;
  for (var o = 0u; o < OWN; o++) {
    let step = n * sizes.queries + min(t0 + 8u * o + local, sizes.queries - 1u);
    q_at[o] = place_of(sizes.q, step, h);
    y_at[o] = (step * sizes.heads + h) * sizes.channels;
    largest[o] = -3.4e38;
    sum[o] = 0.0;
  }

  for (var turn = 0u; turn < 0x7fffffffu; turn++) {
    if (turn >= steps) { break; }
    let first = begin + turn * KEYS;
    var weights: array<vec4f, OWN * QUADS>;
    for (var i = 0u; i < OWN * QUADS; i++) {
      weights[i] = vec4f();
    }
    for (var part = 0u; part < 0x7fffffffu; part++) {
      let c = 4u * part;
      if (c >= sizes.channels) { break; }
      let left = sizes.channels - c;
      var own: array<vec4f, OWN>;
      for (var o = 0u; o < OWN; o++) {
        own[o] = q_four(q_at[o] + c, left);
      }
      for (var eight = 0u; eight < KEYS / 8u; eight++) {
        let rows = eight_of_k(first + 8u * eight, k_at + c, left, lane);
        let low = mat4x4f(rows[0], rows[1], rows[2], rows[3]);
        let high = mat4x4f(rows[4], rows[5], rows[6], rows[7]);
        for (var o = 0u; o < OWN; o++) {
          weights[o * QUADS + 2u * eight] += own[o] * low;
          weights[o * QUADS + 2u * eight + 1u] += own[o] * high;
        }
      }
    }
    // What is left of what was added up before; of the last step, divided by the sum.
    var before: array<f32, OWN>;
    for (var o = 0u; o < OWN; o++) {
      let t = t0 + 8u * o + local;
      let mask = unmasked(n, h, t, first, KEYS);
      var most = largest[o];
      for (var i = 0u; i < QUADS; i++) {
        let is_seen = seen(t, first + 4u * i, length) & four_bits(mask >> (4u * i));
        weights[o * QUADS + i] = select(vec4f(sizes.nothing), weights[o * QUADS + i] * sizes.score, is_seen);
        most = max(most, largest_of(weights[o * QUADS + i]));
      }
      before[o] = power_of_two(vec4f(largest[o] - most)).x;
      sum[o] *= before[o];
      largest[o] = most;
      let row = (n * sizes.heads + h) * sizes.queries + t;
      for (var i = 0u; i < QUADS; i++) {
        let weight = power_of_two(weights[o * QUADS + i] - most);
        sum[o] += dot(weight, vec4f(1.0));
        weights[o * QUADS + i] = weight * kept_of(row, first + 4u * i);
      }
      if (turn + 1u == steps) {
        let whole = select(1.0 / sum[o], 0.0, sum[o] == 0.0);
        before[o] *= whole;
        for (var i = 0u; i < QUADS; i++) {
          weights[o * QUADS + i] *= whole;
        }
      }
    }
    for (var part = 0u; part < 0x7fffffffu; part++) {
      let c = 4u * part;
      if (c >= sizes.channels) { break; }
      let left = sizes.channels - c;
      var total: array<vec4f, OWN>;
      for (var o = 0u; o < OWN; o++) {
        total[o] = vec4f();
        if (turn > 0u) {
          total[o] = y_four(y_at[o] + c, left) * before[o];
        }
      }
      for (var eight = 0u; eight < KEYS / 8u; eight++) {
        let rows = eight_of_v(first + 8u * eight, v_at + c, left, lane);
        let low = mat4x4f(rows[0], rows[1], rows[2], rows[3]);
        let high = mat4x4f(rows[4], rows[5], rows[6], rows[7]);
        for (var o = 0u; o < OWN; o++) {
          total[o] += low * weights[o * QUADS + 2u * eight] + high * weights[o * QUADS + 2u * eight + 1u];
        }
      }
      for (var o = 0u; o < OWN; o++) {
        if (t0 + 8u * o + local < sizes.queries) {
          store_y(y_at[o] + c, left, total[o]);
        }
      }
    }
  }
  for (var o = 0u; o < OWN; o++) {
    let t = t0 + 8u * o + local;
    if (t < sizes.queries) {
      let total = largest[o] * LN2 + logarithm(sum[o]);
      lse[(n * sizes.heads + h) * sizes.queries + t] = select(total, sizes.nothing, sum[o] == 0.0);
    }
  }
}

fn logarithm(x: f32) -> f32 {
  return log(x);
}
