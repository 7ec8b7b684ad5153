// y[i] = combine(a[i], b[i]), a and b broadcast to y's shape.
// One invocation computes one element; it walks the merged axes from the last to the first.

alias A = f32;
alias B = f32;
alias Y = f32;

struct Sizes {
  count: u32,
  rank: u32,
  shape: array<vec4u, 2>,
  a_strides: array<vec4u, 2>,
  b_strides: array<vec4u, 2>,
}

@group(0) @binding(0) var<storage, read> a: array<A>;
@group(0) @binding(1) var<storage, read> b: array<B>;
@group(0) @binding(2) var<storage, read_write> y: array<Y>;
@group(0) @binding(3) var<uniform> sizes: Sizes;

fn combine(a: A, b: B) -> Y {
  return a + b;
}

fn epilogue(value: Y, at: u32) -> Y {
  return value;
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * groups.x * 64u + id.x;
  if (i >= sizes.count) {
    return;
  }
  var rest = i;
  var a_at = 0u;
  var b_at = 0u;
  for (var axis = sizes.rank; axis > 0u; axis--) {
    let lane = axis - 1u;
    let extent = sizes.shape[lane / 4u][lane % 4u];
    let coordinate = rest % extent;
    rest /= extent;
    a_at += coordinate * sizes.a_strides[lane / 4u][lane % 4u];
    b_at += coordinate * sizes.b_strides[lane / 4u][lane % 4u];
  }
  y[i] = epilogue(combine(a[a_at], b[b_at]), i);
}
