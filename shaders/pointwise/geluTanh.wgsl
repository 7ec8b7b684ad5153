// ½ x (1 + tanh(√(2/π) (x + 0.044715 x³))). Source: Hendrycks and Gimpel 2016, 2.
fn gelu_tanh(x: f32) -> f32 {
  return 0.5 * x * (1.0 + hyperbolic_tangent(0.79788456080 * (x + 0.044715 * x * x * x)));
}

fn gelu_tanh_grad(x: f32, dy: f32) -> f32 {
  let t = hyperbolic_tangent(0.79788456080 * (x + 0.044715 * x * x * x));
  return dy * (0.5 * (1.0 + t) + 0.5 * x * (1.0 - t * t) * 0.79788456080 * (1.0 + 0.134145 * x * x));
}
