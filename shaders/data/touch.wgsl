// Binds x, and makes nothing of it: whether a device can read a buffer shows where it is submitted.
// One invocation, which does nothing.

@group(0) @binding(0) var<storage, read> x: array<u32>;

@compute @workgroup_size(1)
fn main() {
  _ = &x;
}
