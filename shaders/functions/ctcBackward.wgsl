// posteriors[n, t, s]: the part of all paths that is at state s; it flows back by the shares that a state got from others.
// d_logits[n, t, c] = slope · (p[t, c] − the posteriors of the states of class c).
fn backward(n: u32, frames: u32, count: u32, slope: f32, lane: u32) {
  let places = 2u * sizes.labels + 1u;
  let last = 2u * count;
  let of_sample = n * (sizes.frames + 1u) * places * 3u;
  let end = of_sample + (frames * places + last) * 3u;
  let has_path = shares[end] + shares[end + 1u] > 0.0;
  // Behind the last frame all paths are in one place; two places behind it stay empty.
  for (var turn = 0u; turn < 0x7fffffffu; turn++) {
    let s = lane + turn * WIDTH;
    if (s > last + 2u) { break; }
    rows[0][s].x = select(0.0, 1.0, s == last && has_path);
    rows[1][s].x = rows[0][s].x;
  }
  workgroupBarrier();
  for (var back = 0u; back < 0x7fffffffu; back++) {
    if (back >= frames) { break; }
    let behind = back % 2u;
    let row = of_sample + (frames - back) * places * 3u;
    for (var turn = 0u; turn < 0x7fffffffu; turn++) {
      let s = lane + turn * WIDTH;
      if (s >= places) { break; }
      var part = 0.0;
      if (s <= last) {
        part = shares[row + s * 3u] * rows[behind][s].x;
        if (s < last) {
          part += shares[row + s * 3u + 4u] * rows[behind][s + 1u].x;
        }
        if (s + 1u < last) {
          part += shares[row + s * 3u + 8u] * rows[behind][s + 2u].x;
        }
        rows[1u - behind][s].x = part;
      }
      posteriors[(n * sizes.frames + (frames - 1u - back)) * places + s] = part;
    }
    workgroupBarrier();
  }
  storageBarrier();
  for (var turn = 0u; turn < 0x7fffffffu; turn++) {
    let t = lane + turn * WIDTH;
    if (t >= sizes.frames) { break; }
    if (t < frames) {
      frame_gradient(n, t, last, slope / divisor_of(count), has_path);
    } else {
      clear_frame(n, t);
    }
  }
}

fn frame_gradient(n: u32, t: u32, last: u32, slope: f32, has_path: bool) {
  let base = (n * sizes.frames + t) * sizes.classes;
  let total = frame_total(base);
  var best = sizes.classes;
  for (var c = 0u; c < 0x7fffffffu; c++) {
    if (c >= sizes.classes) { break; }
    let shifted = logits[base + c] - total.x;
    best = select(best, c, best == sizes.classes && shifted == 0.0);
    d_logits[base + c] = exponential(shifted - total.y);
  }
  // The one invocation that has the frame takes off state by state: always in the same order.
  for (var s = 0u; s < 0x7fffffffu; s++) {
    if (s > last || !has_path) { break; }
    var c = sizes.blank;
    if (s % 2u == 1u) {
      c = u32(label_at(n * sizes.labels + s / 2u));
    }
    let rest = d_logits[base + c] - posteriors[(n * sizes.frames + t) * (2u * sizes.labels + 1u) + s];
    d_logits[base + c] = rest;
  }
  // Nothing is known of what has no path, nor of a frame that is no distribution.
  let is_known = (has_path || sizes.zero_infinity == 1u) && (bitcast<u32>(total.x) & 0x7f800000u) != 0x7f800000u;
  let factor = select(bitcast<f32>(0x7fc00000u | (n & 1u)), select(0.0, slope, has_path), is_known);
  var others = 0.0;
  for (var c = 0u; c < 0x7fffffffu; c++) {
    if (c >= sizes.classes) { break; }
    let difference = d_logits[base + c];
    others += select(difference, 0.0, c == best);
    d_logits[base + c] = factor * difference;
  }
  // Where one class has more than all others together, log 2, its difference would cancel: it is what the others lack.
  if (best < sizes.classes && total.y < 0.6931472) {
    d_logits[base + best] = factor * -others;
  }
}

// A frame behind the last one of its sample.
fn clear_frame(n: u32, t: u32) {
  let places = 2u * sizes.labels + 1u;
  for (var s = 0u; s < 0x7fffffffu; s++) {
    if (s >= places) { break; }
    posteriors[(n * sizes.frames + t) * places + s] = 0.0;
  }
  for (var c = 0u; c < 0x7fffffffu; c++) {
    if (c >= sizes.classes) { break; }
    d_logits[(n * sizes.frames + t) * sizes.classes + c] = 0.0;
  }
}
