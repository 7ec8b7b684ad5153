// y[to(i)] = epilogue(x[from(i)]): a box of x into a box of y, each with strides of its own.
// One invocation copies one element.

alias X = f32;
alias Y = f32;

struct Sizes {
  count: u32,
  rank: u32,
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
  for (var axis = sizes.rank; axis > 0u; axis--) {
    let lane = axis - 1u;
    let extent = sizes.shape[lane / 4u][lane % 4u];
    let coordinate = rest % extent;
    rest /= extent;
    // Strides may be negative: they wrap around in u32 and come back.
    x_at += coordinate * sizes.x_strides[lane / 4u][lane % 4u];
    y_at += coordinate * sizes.y_strides[lane / 4u][lane % 4u];
  }
  y[y_at] = epilogue(x[x_at], y_at);
}
