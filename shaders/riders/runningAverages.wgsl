// running = keep · running + add · batch: of means, and, with another add, of variances. Each i is a channel, which stays
// as it is where the batch has no number for it.

struct Besides {
  channels: u32,
  keep: f32,
  add_mean: f32,
  add_variance: f32,
}

fn is_number(x: f32) -> bool {
  return (bitcast<u32>(x) & 0x7f800000u) != 0x7f800000u;
}

fn besides(i: u32) {
  if (i >= sizes.besides.channels || !is_number(batch_mean[i]) || !is_number(batch_variance[i])) {
    return;
  }
  let own = sizes.besides;
  running_mean[i] = own.keep * running_mean[i] + own.add_mean * batch_mean[i];
  running_variance[i] = own.keep * running_variance[i] + own.add_variance * batch_variance[i];
}
