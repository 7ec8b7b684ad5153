// y[i] = combine(a[i], b[i]), a and b broadcast to y's shape.
// One invocation computes one element; it walks the merged axes from the last to the first.

alias A = f32;
alias B = f32;
alias Y = f32;

// A loop of a number of turns that is not known costs more than what is in it.
const RANK = 2u;

struct Sizes {
  count: u32,
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
  for (var k = 1u; k < RANK; k++) {
    let lane = RANK - k;
    let extent = sizes.shape[lane / 4u][lane % 4u];
    let above = rest / extent;
    let coordinate = rest - above * extent;
    rest = above;
    a_at += coordinate * sizes.a_strides[lane / 4u][lane % 4u];
    b_at += coordinate * sizes.b_strides[lane / 4u][lane % 4u];
  }
  a_at += rest * sizes.a_strides[0].x;
  b_at += rest * sizes.b_strides[0].x;
  y[i] = epilogue(combine(a[a_at], b[b_at]), i);
}
