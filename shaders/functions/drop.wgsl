// x · (kept if the uniform of element part · part_count + at reaches the threshold, else 0): what shaders/random/dropout.wgsl draws.
fn drop(x: f32, at: u32, control: vec4u, stream: u32, threshold: u32, kept: f32, part_count: u32) -> f32 {
  let element = control.y * part_count + at;
  let words = philox(vec4u(element >> 2u, control.x, stream, 1u), control.zw);
  // A part's number is far below 2³¹, which no compiler knows: a 0 that it knew could hide a NaN behind it.
  let dropped = f32(control.y >> 31u);
  return x * select(dropped, kept, (words[element & 3u] >> 8u) >= threshold);
}
