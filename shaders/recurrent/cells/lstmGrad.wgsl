fn slopes_of(dh: f32, place: u32, at: u32) -> vec4f {
  let i = tape[5u * place];
  let f = tape[5u * place + 1u];
  let g = tape[5u * place + 2u];
  let o = tape[5u * place + 3u];
  let before = tape[5u * place + 4u];
  let c = hyperbolic_tangent(f * before + i * g);
  let dc = d_initial[sizes.samples * sizes.units + at] + dh * o * (1.0 - c * c);
  let slope = vec4f(dc * g * i * (1.0 - i), dc * before * f * (1.0 - f), dc * i * (1.0 - g * g), dh * c * o * (1.0 - o));
  store_x(place, slope);
  d_initial[at] = 0.0;
  d_initial[sizes.samples * sizes.units + at] = not_vanished(dc * f);
  return slope;
}
