// running = keep · running + add · batch: of means, and, with another add, of variances. Each i is a channel.

struct Besides {
  channels: u32,
  keep: f32,
  add_mean: f32,
  add_variance: f32,
}

fn besides(i: u32) {
  if (i >= sizes.besides.channels) {
    return;
  }
  let own = sizes.besides;
  running_mean[i] = own.keep * running_mean[i] + own.add_mean * batch_mean[i];
  running_variance[i] = own.keep * running_variance[i] + own.add_variance * batch_variance[i];
}
