// d loss / d x[c] of a row of cross-entropy: (1 − s) w_label (p − hit) + s / C · (p Σ w − w[c]), given p − hit as `beyond`.
fn cross_entropy_slope(p: f32, beyond: f32, sharp: f32, even: f32, total_weight: f32, weight: f32) -> f32 {
  return sharp * beyond + even * (p * total_weight - weight);
}
