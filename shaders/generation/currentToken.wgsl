// token = tokens[step], position and length: where it stands in its context.
// One invocation does it.

alias TOKEN = u32;

struct Sizes {
  ring: u32,
}

// Step, …, position: see src/ops/training/control.ts.
@group(0) @binding(0) var<storage, read> control: array<u32>;
@group(0) @binding(1) var<storage, read> tokens: array<u32>;
@group(0) @binding(2) var<storage, read_write> token: array<TOKEN>;
@group(0) @binding(3) var<storage, read_write> position: array<u32>;
@group(0) @binding(4) var<storage, read_write> length_here: array<u32>;
@group(0) @binding(5) var<uniform> sizes: Sizes;

@compute @workgroup_size(1)
fn main() {
  token[0] = TOKEN(tokens[control[0] % sizes.ring]);
  position[0] = control[5];
  length_here[0] = control[5] + 1u;
}
