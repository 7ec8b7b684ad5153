// The frames that a sample has: all, if its length is none.
fn frames_of(n: u32) -> u32 {
  let given = input_length_at(n);
  return select(sizes.frames, u32(given), given >= 0 && given <= i32(sizes.frames));
}

// The labels that a sample has: none, if its length is none.
fn count_of(n: u32) -> u32 {
  let given = label_length_at(n);
  return select(0u, u32(given), given >= 0 && given <= i32(sizes.labels));
}

// What a loss is divided by: 'mean' counts its labels.
fn divisor_of(count: u32) -> f32 {
  return select(1.0, f32(max(count, 1u)), sizes.per_label == 1u);
}

// The largest logit of a frame, and by how much the logarithm of the sum of all exponentials exceeds it.
fn frame_total(base: u32) -> vec2f {
  var largest = logits[base];
  var best = 0u;
  for (var c = 1u; c < 0x7fffffffu; c++) {
    if (c >= sizes.classes) { break; }
    let x = logits[base + c];
    best = select(best, c, x > largest);
    largest = larger(largest, x);
  }
  // The largest class' 1 stays out: beside it, what the others have would be rounded away.
  var others = 0.0;
  for (var c = 0u; c < 0x7fffffffu; c++) {
    if (c >= sizes.classes) { break; }
    others += select(exponential(logits[base + c] - largest), 0.0, c == best);
  }
  return vec2f(largest, logarithm_of_one_plus(others));
}
