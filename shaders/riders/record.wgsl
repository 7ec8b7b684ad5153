// ring[step % rows, column + j] = factor[j] · Σ metric j, added to what earlier parts of the step left there; then the
// control counts on, and the ledger has what it was before, for who comes behind. The first i does it all, so that nobody
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
  // Where the row has the loss: the first column, how many, to those of the next part, parts.
  loss: vec4u,
  // Of the metrics, the first that must be a number too.
  judged: u32,
  lengths: array<vec4u, 2>,
  factors: array<vec4f, 2>,
}

// Step, part, the seed's two words, epoch, position: in a loop, so that the text has one load and one store of each.
fn count_on(by: u32) {
  let position = counting[5] + sizes.besides.taken;
  for (var word = 0u; word < 0x7fffffffu; word++) {
    if (word >= arrayLength(&counting)) { break; }
    let was = counting[word];
    atomicStore(&ledger[word], was);
    var next = was;
    if (word == 1u && by > 0u) {
      next = select(0u, was + 1u, by == 1u);
    }
    if (by == 3u) {
      if (word == 0u) {
        next++;
      } else if (word == 4u) {
        next += position / sizes.besides.length;
      } else if (word == 5u) {
        next = position % sizes.besides.length;
      }
    }
    counting[word] = next;
  }
}

// What the ring now has of the loss: of each part of the step.
fn look_at_loss(row: u32) {
  let cells = sizes.besides.loss;
  for (var part = 0u; part < 0x7fffffffu; part++) {
    if (part >= cells.w) { break; }
    for (var k = 0u; k < 0x7fffffffu; k++) {
      if (k >= cells.y) { break; }
      look_at(ring[row + cells.x + part * cells.z + k]);
    }
  }
}

fn besides(i: u32) {
  if (i != 0u) {
    return;
  }
  let first = (counting[0] % sizes.besides.rows) * sizes.besides.columns;
  let row = first + sizes.besides.column;
  for (var j = 0u; j < 0x7fffffffu; j++) {
    if (j >= sizes.besides.metrics) { break; }
    let length = sizes.besides.lengths[j / 4u][j % 4u];
    var total = 0.0;
    for (var at = 0u; at < 0x7fffffffu; at++) {
      if (at >= length) { break; }
      total += metric(j, at);
    }
    let before = select(0.0, ring[row + j], sizes.besides.adds == 1u && counting[1] > 0u);
    let mean = before + total * sizes.besides.factors[j / 4u][j % 4u];
    ring[row + j] = mean;
    if (j >= sizes.besides.judged) {
      look_at(mean);
    }
  }
  look_at_loss(first);
  count_bad();
  count_on(sizes.besides.counts);
}
