// i, f, o = σ(…), g = tanh(…), c ← f c + i g, h = o tanh(c). On the tape: i, f, g, o, and c before.
fn cell(from_x: vec4f, from_h: vec4f, h: f32, place: u32, at: u32) -> f32 {
  let all = from_x + from_h;
  let i = sigmoid(all.x);
  let f = sigmoid(all.y);
  let g = hyperbolic_tangent(all.z);
  let o = sigmoid(all.w);
  let before = carried_c[at];
  let c = f * before + i * g;
  carried_c[at] = c;
  tape[5u * place] = i;
  tape[5u * place + 1u] = f;
  tape[5u * place + 2u] = g;
  tape[5u * place + 3u] = o;
  tape[5u * place + 4u] = before;
  return o * hyperbolic_tangent(c);
}
