// rows[n, h, t] = lse and Σ_d y · dy: what the way back is told of each row.
// One invocation computes one row.

alias Element = vec4f;

struct Sizes {
  rows: u32,
  queries: u32,
  heads: u32,
  channels: u32,
}

@group(0) @binding(0) var<storage, read> y: array<Element>;
@group(0) @binding(1) var<storage, read> lse: array<f32>;
@group(0) @binding(2) var<storage, read> dy: array<Element>;
@group(0) @binding(3) var<storage, read_write> rows: array<vec2f>;
@group(0) @binding(4) var<uniform> sizes: Sizes;

fn y_four(at: u32, left: u32) -> vec4f {
  return y[at / 4u];
}

fn dy_four(at: u32, left: u32) -> vec4f {
  return dy[at / 4u];
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let row = id.y * groups.x * 64u + id.x;
  if (row >= sizes.rows) {
    return;
  }
  let step = row / (sizes.heads * sizes.queries) * sizes.queries + row % sizes.queries;
  let first = (step * sizes.heads + row / sizes.queries % sizes.heads) * sizes.channels;
  var total = 0.0;
  for (var part = 0u; part < 0x7fffffffu; part++) {
    let c = 4u * part;
    if (c >= sizes.channels) { break; }
    total += dot(y_four(first + c, sizes.channels - c), dy_four(first + c, sizes.channels - c));
  }
  rows[row] = vec2f(lse[row], total);
}
