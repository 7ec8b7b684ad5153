// y = value, but for the box that begins at `before` and has x's extents, which holds x; every step-th element of it.
// One invocation writes one element of y.

alias X = f32;

struct Sizes {
  count: u32,
  rank: u32,
  value: X,
  unused: u32,
  y_shape: array<vec4u, 2>,
  x_shape: array<vec4u, 2>,
  x_strides: array<vec4u, 2>,
  before: array<vec4u, 2>,
  step: array<vec4u, 2>,
}

@group(0) @binding(0) var<storage, read> x: array<X>;
@group(0) @binding(1) var<storage, read_write> y: array<X>;
@group(0) @binding(2) var<uniform> sizes: Sizes;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * 64u + id.x;
  if (i >= sizes.count) {
    return;
  }
  var rest = i;
  var x_at = 0u;
  var inside = true;
  for (var axis = sizes.rank; axis > 0u; axis--) {
    let lane = axis - 1u;
    let extent = sizes.y_shape[lane / 4u][lane % 4u];
    let above = rest / extent;
    // Before the box this wraps around to a huge number, which is outside too.
    let distance = rest - above * extent - sizes.before[lane / 4u][lane % 4u];
    rest = above;
    let step = sizes.step[lane / 4u][lane % 4u];
    let coordinate = distance / step;
    inside = inside && coordinate * step == distance && coordinate < sizes.x_shape[lane / 4u][lane % 4u];
    x_at += coordinate * sizes.x_strides[lane / 4u][lane % 4u];
  }
  if (inside) {
    y[i] = x[x_at];
  } else {
    y[i] = sizes.value;
  }
}
