// y[i] = 0
// One invocation writes EACH X, side by side with those of its neighbours.

alias X = f32;

const WIDTH = 64u;
// A workgroup writes 1024.
const EACH = 1024u / WIDTH;

struct Sizes {
  count: u32,
}

@group(0) @binding(0) var<storage, read_write> y: array<X>;
@group(0) @binding(1) var<uniform> sizes: Sizes;

@compute @workgroup_size(WIDTH)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let first = (group.y * groups.x + group.x) * WIDTH * EACH + lane;
  for (var k = 0u; k < EACH; k++) {
    let i = first + k * WIDTH;
    if (i < sizes.count) {
      y[i] = X();
    }
  }
}
