// squares[b] = Σ x[i]² over the 64 numbers of block b.
// One invocation computes one sum, four terms at a time.

struct Sizes {
  blocks: u32,
}

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> squares: array<f32>;
@group(0) @binding(2) var<uniform> sizes: Sizes;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) workgroups: vec3u) {
  let block = id.y * workgroups.x * 64u + id.x;
  if (block >= sizes.blocks) {
    return;
  }
  var total = 0.0;
  for (var four = 16u * block; four < 16u * block + 16u; four++) {
    total += dot(x[four], x[four]);
  }
  squares[block] = total;
}
