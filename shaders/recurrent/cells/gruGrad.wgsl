fn slopes_of(dh: f32, place: u32, at: u32) -> vec4f {
  let r = tape[5u * place];
  let z = tape[5u * place + 1u];
  let n = tape[5u * place + 2u];
  let q = tape[5u * place + 3u];
  let h = tape[5u * place + 4u];
  let dn = dh * (1.0 - z) * (1.0 - n * n);
  let slope = vec4f(dn * q * r * (1.0 - r), dh * (h - n) * z * (1.0 - z), dn, 0.0);
  let of_h = vec4f(slope.xy, dn * r, 0.0);
  store_x(place, slope);
  store_h(place, of_h);
  d_initial[at] = dh * z;
  return of_h;
}
