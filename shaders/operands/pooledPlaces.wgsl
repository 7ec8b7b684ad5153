// Columns whose maxima are taken: four neighbours are the places of a 2 × 2 window, row by row. Of each window C has one
// pixel, and `stands` where in it the maximum stands, a byte for each channel.

fn window_extents() -> vec2u {
  return view.count / 2u;
}

fn column_count() -> u32 {
  let windows = window_extents();
  return 4u * sizes.operands.images * windows.x * windows.y;
}

fn column_place(column: u32) -> vec3u {
  let window = grid_place(column / 4u, window_extents());
  return vec3u(window.x, 2u * window.yz + vec2u(column % 4u / 2u, column % 2u));
}

// Within the window.
fn place_behind(place: vec3u) -> vec3u {
  let ends_row = place.z % 2u;
  return vec3u(place.x, place.y + ends_row, place.z + 1u - 2u * ends_row);
}

fn columns_at(part: u32, column: u32) -> vec4u {
  return vec4u(column / 4u * sizes.operands.c_pixel + group_of(part) * sizes.m);
}

// By its bits: on software drivers x != x is always false.
fn are_nan(value: vec4f) -> vec4<bool> {
  return (bitcast<vec4u>(value) & vec4u(0x7fffffffu)) > vec4u(0x7f800000u);
}

// Four neighbouring channels of a window: the first of its largest numbers, or its first NaN.
fn store_block(to: Columns, row: u32, rows: mat4x4f) {
  if (to.first < column_count() && row < sizes.m) {
    let own = bias_of(group_of(to.part) * sizes.m + row);
    let columns = transpose(rows);
    var best = with_bias(columns[0], own);
    var place = vec4u();
    for (var tap = 1u; tap < 4u; tap++) {
      let value = with_bias(columns[tap], own);
      let exceeds = !are_nan(best) & ((value > best) | are_nan(value));
      best = select(best, value, exceeds);
      place = select(place, vec4u(tap), exceeds);
    }
    let at = to.at.x + row;
    store_four(at, 4u, best);
    let bytes = place << vec4u(0u, 8u, 16u, 24u);
    stands[at / 4u] = bytes.x | bytes.y | bytes.z | bytes.w;
  }
}
