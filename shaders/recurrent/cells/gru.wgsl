// r, z = σ(…), q = h · weights + bias, n = tanh(x + r q), h ← n + z (h − n). On the tape: r, z, n, q, and h before.
fn cell(from_x: vec4f, from_h: vec4f, h: f32, place: u32, at: u32) -> f32 {
  let r = sigmoid(from_x.x + from_h.x);
  let z = sigmoid(from_x.y + from_h.y);
  let q = from_h.z;
  let n = hyperbolic_tangent(from_x.z + r * q);
  tape[5u * place] = r;
  tape[5u * place + 1u] = z;
  tape[5u * place + 2u] = n;
  tape[5u * place + 3u] = q;
  tape[5u * place + 4u] = h;
  return n + z * (h - n);
}
