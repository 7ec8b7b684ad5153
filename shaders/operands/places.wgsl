// Columns that are places of a grid, row by row.

fn column_count() -> u32 {
  return sizes.operands.images * view.count.x * view.count.y;
}

fn column_place(column: u32) -> vec3u {
  return grid_place(column, view.count);
}

fn place_behind(place: vec3u) -> vec3u {
  return next_place(place, view.count);
}

// Where four columns of C begin.
fn columns_at(part: u32, column: u32) -> vec4u {
  let o = sizes.operands;
  var at: vec4u;
  var place = column_place(column);
  for (var i = 0u; i < 4u; i++) {
    let to = view.first + place.yz * view.pace;
    at[i] = ((place.x * o.grid.x + to.x) * o.grid.y + to.y) * o.c_pixel + group_of(part) * sizes.m;
    place = place_behind(place);
  }
  return at;
}
