// How many invocations share a row: a power of two, and never more than the row has terms.
fn shares() -> u32 {
  return sizes.shares;
}

// What the invocations that share a row make of their terms together, in an order that nothing changes. Whose row it is
// follows from the slots: the first shares() of them have the first row. All of a workgroup must come here.
fn tree(term: Term, slot: u32) -> Term {
  terms[slot] = term;
  for (var level = 1u; level < 0x7fffffffu; level++) {
    let half = shares() >> level;
    if (half == 0u) { break; }
    workgroupBarrier();
    if (slot % shares() < half) {
      terms[slot] = combine(terms[slot], terms[slot + half]);
    }
  }
  workgroupBarrier();
  let whole = terms[slot - slot % shares()];
  // The next tree grows in the same place.
  workgroupBarrier();
  return whole;
}
