// y[n, t, h] = Σ_j p_j · v[n, j], lse = log Σ_j exp(score_j), with p = softmax of score_j = scale · q[n, t, h] · k[n, j] over what t sees.
// One workgroup computes TILE rows, an invocation four of them in some channels, over TILE keys at a time.

@group(0) @binding(3) var<storage, read_write> y: array<Element>;
@group(0) @binding(4) var<storage, read_write> lse: array<f32>;
@group(0) @binding(5) var<uniform> sizes: Sizes;

fn store_y(at: u32, left: u32, value: vec4f) {
  y[at / 4u] = value;
}

fn first_own(at: u32, left: u32) -> vec4f {
  return q_four(at, left);
}

fn second_own(at: u32, left: u32) -> vec4f {
  return q_four(at, left);
}

fn first_other(at: u32, left: u32) -> vec4f {
  return k_four(at, left);
}

fn second_other(at: u32, left: u32) -> vec4f {
  return v_four(at, left);
}

// Of each invocation, of its four rows: the largest of its scores, or the sum of its weights.
var<workgroup> parts: array<vec4f, THREADS>;

fn largest_of(x: vec4f) -> f32 {
  return max(max(x.x, x.y), max(x.z, x.w));
}

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let tile = group.y * groups.x + group.x;
  if (tile >= sizes.all_tiles) {
    return;
  }
  let x = local % X;
  let line = local / X * X;
  let n = tile / sizes.tiles / sizes.heads;
  let h = tile / sizes.tiles % sizes.heads;
  let t0 = tile % sizes.tiles * TILE;
  let t = t0 + line / X * 4u;
  let row = (n * sizes.heads + h) * sizes.queries + t;
  // Keys that one of the rows may see; blocks of what is drawn begin at multiples of four.
  let length = length_of(n);
  let begin = (t0 - min(t0, sizes.left)) & ~3u;
  let end = min(length, min(t0 + TILE, sizes.queries) + sizes.right);
  let own = Lines(place_of(sizes.q, n * sizes.queries, h), sizes.q.stride, sizes.queries - 1u);
  let keys = Lines(place_of(sizes.k, n * sizes.keys, h / sizes.group), sizes.k.stride, sizes.keys - 1u);
  let values = Lines(place_of(sizes.v, n * sizes.keys, h / sizes.group), sizes.v.stride, sizes.keys - 1u);
  // By row: the largest score so far, and the sum of this invocation's weights beside it.
  var largest = vec4f(-3.4e38);
  var sum = vec4f();
  var totals: Totals;

  for (var turn = 0u; turn < 0x7fffffffu; turn++) {
    let first = begin + turn * TILE;
    if (first >= end) { break; }
    let key = first + 4u * x;
    var weights = products(false, own, t0, keys, first, local);
    var most = vec4f();
    for (var i = 0u; i < 4u; i++) {
      let is_seen = seen(t + i, key, length) & four_bits(unmasked(n, h, t + i, key, 4u));
      weights[i] = select(vec4f(sizes.nothing), weights[i] * sizes.score, is_seen);
      most[i] = largest_of(weights[i]);
    }
    parts[local] = most;
    workgroupBarrier();
    most = largest;
    for (var i = 0u; i < 0x7fffffffu; i++) {
      if (i >= turns_of(X)) { break; }
      most = max(most, parts[line + i]);
    }
    let before = power_of_two(largest - most);
    largest = most;
    sum *= before;
    for (var i = 0u; i < 4u; i++) {
      weights[i] = power_of_two(weights[i] - most[i]);
      sum[i] += dot(weights[i], vec4f(1.0));
      weights[i] *= kept_of(row + i, key);
    }
    for (var c = 0u; c < COLUMN_QUADS; c++) {
      for (var i = 0u; i < 4u; i++) {
        totals[c][i] *= before[i];
      }
    }
    take(weights, local);
    add_taken(&totals, true, values, first, local);
  }

  parts[local] = sum;
  workgroupBarrier();
  sum = vec4f();
  for (var i = 0u; i < 0x7fffffffu; i++) {
    if (i >= turns_of(X)) { break; }
    sum += parts[line + i];
  }
  let whole = select(1.0 / sum, vec4f(), sum == vec4f());
  for (var i = 0u; i < 4u; i++) {
    if (t + i >= sizes.queries) { break; }
    let to = ((n * sizes.queries + t + i) * sizes.heads + h) * sizes.channels;
    for (var c = 0u; c < COLUMN_QUADS; c++) {
      let channel = c * TILE + 4u * x;
      if (channel < sizes.channels) {
        store_y(to + channel, sizes.channels - channel, totals[c][i] * whole[i]);
      }
    }
    if (x == 0u) {
      lse[row + i] = select(largest[i] * LN2 + logarithm(sum[i]), sizes.nothing, sum[i] == 0.0);
    }
  }
}

fn logarithm(x: f32) -> f32 {
  return log(x);
}
