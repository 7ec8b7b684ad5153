fn squared_error(x: f32, target_value: f32) -> f32 {
  return (x - target_value) * (x - target_value);
}

fn squared_error_grad(x: f32, target_value: f32, dy: f32) -> f32 {
  return dy * 2.0 * (x - target_value);
}

fn absolute_error(x: f32, target_value: f32) -> f32 {
  return abs(x - target_value);
}

fn absolute_error_grad(x: f32, target_value: f32, dy: f32) -> f32 {
  return dy * sign(x - target_value);
}

// ½ e² up to delta, then the line that continues it.
fn huber(x: f32, target_value: f32, delta: f32) -> f32 {
  let e = abs(x - target_value);
  return select(delta * (e - 0.5 * delta), 0.5 * e * e, e <= delta);
}

fn huber_grad(x: f32, target_value: f32, dy: f32, delta: f32) -> f32 {
  let e = x - target_value;
  return dy * select(delta * sign(e), e, abs(e) <= delta);
}
