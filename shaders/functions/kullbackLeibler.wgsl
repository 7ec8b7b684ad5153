// t (log t − log p), which is 0 where t is 0.
fn kullback_leibler(log_p: f32, t: f32) -> f32 {
  return select(t * (logarithm(t) - log_p), 0.0, t == 0.0);
}
