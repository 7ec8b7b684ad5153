// polynomial[n, n] = a · I + b · gram + c · square, of which X is multiplied for a step of Newton and Schulz.
// One invocation computes one element.

struct Sizes {
  n: u32,
  a: f32,
  b: f32,
  c: f32,
}

@group(0) @binding(0) var<storage, read> gram: array<f32>;
@group(0) @binding(1) var<storage, read> square: array<f32>;
@group(0) @binding(2) var<storage, read_write> polynomial: array<f32>;
@group(0) @binding(3) var<uniform> sizes: Sizes;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) workgroups: vec3u) {
  let i = id.y * workgroups.x * 64u + id.x;
  if (i >= sizes.n * sizes.n) {
    return;
  }
  let diagonal = select(0.0, sizes.a, i % (sizes.n + 1u) == 0u);
  polynomial[i] = diagonal + sizes.b * gram[i] + sizes.c * square[i];
}
