// ring[step % rows, column + j] = factor[j] · Σ metric j, added to what earlier parts of the step left there; then the
// control counts on, and `counted` is what it was before, for who comes behind. The first i does it all, so that nobody
// reads the control while it changes.

struct Besides {
  rows: u32,
  columns: u32,
  column: u32,
  metrics: u32,
  // By what the control counts on: 0 nothing, 1 a part of the step, 2 back to the step's first part, 3 a step.
  counts: u32,
  // 1 if parts of a step add up.
  adds: u32,
  // Of a step: how many samples it takes, and how many there are in an epoch.
  taken: u32,
  length: u32,
  lengths: array<vec4u, 2>,
  factors: array<vec4f, 2>,
}

// Step, part, the seed's two words, epoch, position.
fn count_on(by: u32) {
  for (var word = 0u; word < 0x7fffffffu; word++) {
    if (word >= arrayLength(&counting)) { break; }
    counted[word] = counting[word];
  }
  if (by == 1u) {
    counting[1]++;
  } else if (by >= 2u) {
    counting[1] = 0u;
  }
  if (by == 3u) {
    counting[0]++;
    let position = counting[5] + sizes.besides.taken;
    counting[4] += position / sizes.besides.length;
    counting[5] = position % sizes.besides.length;
  }
}

fn besides(i: u32) {
  if (i != 0u) {
    return;
  }
  let row = (counting[0] % sizes.besides.rows) * sizes.besides.columns + sizes.besides.column;
  for (var j = 0u; j < 0x7fffffffu; j++) {
    if (j >= sizes.besides.metrics) { break; }
    let length = sizes.besides.lengths[j / 4u][j % 4u];
    var total = 0.0;
    for (var at = 0u; at < 0x7fffffffu; at++) {
      if (at >= length) { break; }
      total += metric(j, at);
    }
    let before = select(0.0, ring[row + j], sizes.besides.adds == 1u && counting[1] > 0u);
    ring[row + j] = before + total * sizes.besides.factors[j / 4u][j % 4u];
  }
  count_on(sizes.besides.counts);
}
