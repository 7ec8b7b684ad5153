// ring[step % rows, column + part · width + i] = number i of the values, which lie one behind the other.
// One invocation does it all: there are few, and each value has a binding of its own.

const VALUES = 1u;

struct Sizes {
  rows: u32,
  columns: u32,
  column: u32,
  width: u32,
  lengths: array<vec4u, 2>,
}

// Step, part, and what else the control counts.
@group(0) @binding(0) var<storage, read> control: array<u32>;
@group(0) @binding(1) var<storage, read_write> ring: array<f32>;
@group(0) @binding(2) var<uniform> sizes: Sizes;

fn number(j: u32, i: u32) -> f32 {
  return 0.0;
}

@compute @workgroup_size(1)
fn main() {
  var at = (control[0] % sizes.rows) * sizes.columns + sizes.column + control[1] * sizes.width;
  for (var j = 0u; j < VALUES; j++) {
    let length = sizes.lengths[j / 4u][j % 4u];
    for (var i = 0u; i < 0x7fffffffu; i++) {
      if (i >= length) { break; }
      ring[at + i] = number(j, i);
    }
    at += length;
  }
}
