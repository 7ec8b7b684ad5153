// Counts NaN and infinity, which have all bits of the exponent, in a ledger's word 6.
fn look_at(value: f32) {
  if ((bitcast<u32>(value) & 0x7f800000u) == 0x7f800000u) {
    atomicAdd(&ledger[6], 1u);
  }
}

fn looked_at(value: f32) -> f32 {
  look_at(value);
  return value;
}

fn looked_at_four(value: vec4f) -> vec4f {
  let exponents = bitcast<vec4u>(value) & vec4u(0x7f800000u);
  if (any(exponents == vec4u(0x7f800000u))) {
    atomicAdd(&ledger[6], 1u);
  }
  return value;
}
