// y[to(i)] = epilogue(x[from(i)]): a box of x into a box of y, each with strides of its own.
// One invocation copies one element.

alias X = f32;
alias Y = f32;

// A loop of a number of turns that is not known costs more than what is in it.
const RANK = 2u;

struct Sizes {
  count: u32,
  x_start: u32,
  y_start: u32,
  shape: array<vec4u, 2>,
  x_strides: array<vec4u, 2>,
  y_strides: array<vec4u, 2>,
}

@group(0) @binding(0) var<storage, read> x: array<X>;
@group(0) @binding(1) var<storage, read_write> y: array<Y>;
@group(0) @binding(2) var<uniform> sizes: Sizes;

fn epilogue(value: X, at: u32) -> Y {
  return value;
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * 64u + id.x;
  if (i >= sizes.count) {
    return;
  }
  var rest = i;
  var x_at = sizes.x_start;
  var y_at = sizes.y_start;
  for (var k = 1u; k < RANK; k++) {
    let lane = RANK - k;
    let extent = sizes.shape[lane / 4u][lane % 4u];
    let above = rest / extent;
    let coordinate = rest - above * extent;
    rest = above;
    // Strides may be negative: they wrap around in u32 and come back.
    x_at += coordinate * sizes.x_strides[lane / 4u][lane % 4u];
    y_at += coordinate * sizes.y_strides[lane / 4u][lane % 4u];
  }
  x_at += rest * sizes.x_strides[0].x;
  y_at += rest * sizes.y_strides[0].x;
  y[y_at] = epilogue(x[x_at], y_at);
}
