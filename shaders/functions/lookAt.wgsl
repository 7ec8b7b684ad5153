// The largest of what is looked at, by its bits without the sign: from 0x7f800000 on they are infinity's, or a NaN's.
var<private> worst: u32;

fn look_at(value: f32) {
  worst = max(worst, bitcast<u32>(value) & 0x7fffffffu);
}

fn looked_at(value: f32) -> f32 {
  look_at(value);
  return value;
}

fn looked_at_four(value: vec4f) -> vec4f {
  let bits = bitcast<vec4u>(value) & vec4u(0x7fffffffu);
  worst = max(max(worst, max(bits.x, bits.y)), max(bits.z, bits.w));
  return value;
}

// One more in a ledger's word 6.
fn count_bad() {
  if (worst >= 0x7f800000u) {
    atomicAdd(&ledger[6], 1u);
  }
}
