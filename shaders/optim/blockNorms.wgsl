// norms[b] = √Σ x[i]² over the 64 numbers of block b.
// One invocation computes one norm, four terms at a time.

struct Sizes {
  blocks: u32,
}

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> norms: array<f32>;
@group(0) @binding(2) var<uniform> sizes: Sizes;

fn square_of(x: f32) -> vec3f {
  return vec3f(0.0, x * x, 0.0);
}

fn norm_of(sums: vec3f) -> f32 {
  return sqrt(sums.y);
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) workgroups: vec3u) {
  let block = id.y * workgroups.x * 64u + id.x;
  if (block >= sizes.blocks) {
    return;
  }
  var total = vec3f();
  for (var four = 0u; four < 16u; four++) {
    let own = x[16u * block + four];
    total += (square_of(own.x) + square_of(own.y)) + (square_of(own.z) + square_of(own.w));
  }
  norms[block] = norm_of(total);
}
