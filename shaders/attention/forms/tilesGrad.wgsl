// One workgroup computes TILE rows, of queries or of keys, an invocation four of them in some channels, over TILE of the other
// kind at a time.

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
  let reach = reach_of(tile, TILE, TILE);
  let r = reach.first_own + local / X * 4u;
  let own_step = reach.n * reach.own_count;
  var own = Lines(place_of(sizes.q, own_step, reach.head), sizes.q.stride, reach.own_count - 1u);
  var own_second = Lines(place_of_dy(own_step, reach.head), sizes.heads * sizes.channels, reach.own_count - 1u);
  if (OF_KEYS) {
    own = Lines(place_of(sizes.k, own_step, reach.head), sizes.k.stride, reach.own_count - 1u);
    own_second = Lines(place_of(sizes.v, own_step, reach.head), sizes.v.stride, reach.own_count - 1u);
  }
  var totals: Totals;
  var totals_second: Totals;

  for (var turn = 0u; turn < 0x7fffffffu; turn++) {
    if (turn >= reach.turns) { break; }
    let first = reach.begin + turn % reach.steps * TILE;
    let other = first + 4u * x;
    let others = others_in(reach, turn);
    let lines = Lines(others.first, others.first_stride, reach.last);
    let lines_second = Lines(others.second, others.second_stride, reach.last);
    var weights = products(false, own, reach.first_own, lines, first, local);
    var slopes_of = products(true, own_second, reach.first_own, lines_second, first, local);
    let row = (reach.n * sizes.heads + others.h) * sizes.queries;
    for (var i = 0u; i < 4u; i++) {
      var lse = vec4f();
      var delta = vec4f();
      var is_seen = vec4<bool>(false);
      var kept = vec4f();
      if (OF_KEYS) {
        for (var each = 0u; each < 4u; each++) {
          let of_row = rows[row + min(other + each, reach.last)];
          lse[each] = of_row.x;
          delta[each] = of_row.y;
        }
        is_seen = seen_by(other, r + i, reach.length) & four_bits(unmasked_for(reach.n, others.h, other, r + i, 4u));
        kept = kept_for(row + other, r + i);
      } else {
        let of_row = rows[row + min(r + i, reach.own_count - 1u)];
        lse = vec4f(of_row.x);
        delta = vec4f(of_row.y);
        is_seen = seen(r + i, other, reach.length) & four_bits(unmasked(reach.n, others.h, r + i, other, 4u));
        kept = kept_of(row + r + i, other);
      }
      let score = select(vec4f(sizes.nothing), weights[i] * sizes.score, is_seen);
      let weight = power_of_two(score - powers(lse));
      slopes_of[i] = sizes.scale * weight * (slopes_of[i] * kept - delta);
      weights[i] = weight * kept;
    }
    take(slopes_of, local);
    add_taken(&totals, false, lines, first, local);
    if (OF_KEYS) {
      take(weights, local);
      add_taken(&totals_second, true, lines_second, first, local);
    }
  }

  for (var i = 0u; i < 4u; i++) {
    if (r + i >= reach.own_count) { break; }
    let step = own_step + r + i;
    for (var c = 0u; c < COLUMN_QUADS; c++) {
      let channel = c * TILE + 4u * x;
      if (channel >= sizes.channels) { break; }
      let left = sizes.channels - channel;
      if (OF_KEYS) {
        store_slopes(place_of(sizes.to_k, step, reach.head) + channel, left, totals[c][i]);
        store_slopes(place_of(sizes.to_v, step, reach.head) + channel, left, totals_second[c][i]);
      } else {
        store_slopes(place_of(sizes.to_q, step, reach.head) + channel, left, totals[c][i]);
      }
    }
  }
}
