// ring[step % rows, column + j] = factor[j] · Σ metric j, added to what earlier parts of the step left there; then the
// control counts on, and the ledger has what it was before, for who comes behind. The first i does it all, so that nobody
// reads the control while it changes. What is bad of it is counted at the end of the kernel that it is done in.

struct Besides {
  rows: u32,
  columns: u32,
  column: u32,
  metrics: u32,
  // By what the control counts on: 0 nothing, 1 a part of the step, 2 back to the step's first part, 3 a step.
  counts: u32,
  // Of a step: how many samples it takes, and how many there are in an epoch.
  taken: u32,
  length: u32,
  // Where other launches have put the loss into the row: the first column, how many, to those of the next part, parts.
  loss: vec4u,
  // Of each metric: how many numbers are added up, the factor's bits, and 1 if it must be a number for the step to be sound.
  terms: array<vec4u, 5>,
}

// Step, part, the seed's two words, epoch, position, the last one first: what one exceeds, the one before it counts. In a
// loop, so that the text has one load and one store of each.
fn count_on(by: u32) {
  var carried = 0u;
  for (var left = 6u; left > 0u; left--) {
    let word = left - 1u;
    let was = counting[word];
    atomicStore(&ledger[word], was);
    var next = was + carried;
    carried = 0u;
    if (word == 5u && by == 3u) {
      next += sizes.besides.taken;
      carried = next / sizes.besides.length;
      next %= sizes.besides.length;
    }
    if (word == 1u && by > 0u) {
      next = select(0u, was + 1u, by == 1u);
      carried = select(0u, 1u, by == 3u);
    }
    counting[word] = next;
  }
}

// What the row now has of the loss: of each part of the step.
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
  let step = counting[0];
  let first = (step % sizes.besides.rows) * sizes.besides.columns;
  let row = first + sizes.besides.column;
  for (var j = 0u; j < 0x7fffffffu; j++) {
    if (j >= sizes.besides.metrics) { break; }
    let own = sizes.besides.terms[j];
    var total = 0.0;
    for (var at = 0u; at < 0x7fffffffu; at++) {
      if (at >= own.x) { break; }
      total += metric(j, at, step);
    }
    var mean = total * bitcast<f32>(own.y);
    if (ADDS && counting[1] > 0u) {
      mean += ring[row + j];
    }
    ring[row + j] = mean;
    if (own.z == 1u) {
      look_at(mean);
    }
  }
  if (LOSS_BEFORE) {
    look_at_loss(first);
  }
  count_on(sizes.besides.counts);
}
