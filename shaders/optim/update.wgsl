// p = p − update(g), where update stands for an optimizer's rule: here that of plain descent, rate · g.
// One invocation updates SPAN parameters of the whole model; their block's group says how, or that they stay.

// Divides a block of 64, and is a multiple of four. On a card four, so that neighbours touch neighbours; where a CPU plays
// the GPU, what is read for all of them costs as much as a parameter's own numbers.
const SPAN = 4u;

alias BESIDES = u32;

// Whether decay is taken from the weight itself, by the rate, or added to its gradient.
const DECOUPLED = false;

struct Sizes {
  count: u32,
  rows: u32,
  limit: f32,
  // What the rule calls by name.
  constants: array<vec4f, 2>,
  @align(16) besides: BESIDES,
}

@group(0) @binding(0) var<storage, read_write> parameters: array<vec4f>;
@group(0) @binding(1) var<storage, read> gradients: array<vec4f>;
// By block of 64: factor of the learning rate, decay, 1 if it trains, the factor of a parameter whose norm is clipped.
@group(0) @binding(2) var<storage, read> groups: array<vec4f>;
// By step: the rate, up to two numbers of the rule's own, the factor of gradients whose norm together is clipped.
@group(0) @binding(3) var<storage, read> schedule: array<vec4f>;
// The step; or a ledger, which says whether the step is to be left out, and is left ready for the next one.
@group(0) @binding(4) var<storage, read_write> control: array<u32>;
@group(0) @binding(5) var<uniform> sizes: Sizes;

fn clipped(gradient: f32, now: vec4f, group: vec4f) -> f32 {
  return gradient;
}

// Reads what a rule calls by name, once for all parameters of an invocation.
fn prepare() {
}

// Of four neighbouring parameters, what the rule keeps: taken to where it calls them by name, and put back.
fn take(at: u32) {
}

fn put(at: u32) {
}

// Of parameter i of the four.
fn update(i: u32, g: f32, rate: f32, now: vec4f) -> f32 {
  return rate * g;
}

// Whether the bad numbers became more since the step before ended, and something is to be done about it.
fn is_spoilt() -> bool {
  return arrayLength(&control) > 10u && control[9] != 0u && control[6] != control[7u + (control[0] & 1u)];
}

// How many they are now, unless no step is to be taken any more; and the step's bit.
fn close_step() {
  if (arrayLength(&control) <= 10u) {
    return;
  }
  let step = control[0];
  let spoilt = is_spoilt();
  control[8u - (step & 1u)] = select(control[6], control[7u + (step & 1u)], spoilt && control[9] == 2u);
  let at = 10u + step % 1024u / 32u;
  let bit = 1u << (step % 32u);
  control[at] = select(control[at] & ~bit, control[at] | bit, spoilt);
}

// What rides on the launch.
fn besides(i: u32) {
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) workgroups: vec3u) {
  let invocation = id.y * workgroups.x * 64u + id.x;
  besides(invocation);
  if (invocation == 0u) {
    close_step();
  }
  let first = invocation * SPAN;
  if (first >= sizes.count) {
    return;
  }
  let group = groups[first / 64u];
  if (group.z == 0.0 || is_spoilt()) {
    return;
  }
  let now = schedule[control[0] % sizes.rows];
  let rate = now.x * group.x;
  prepare();
  for (var turn = 0u; turn < 0x7fffffffu; turn++) {
    let at = first / 4u + turn;
    if (at >= (first + SPAN) / 4u) { break; }
    take(at);
    var four = parameters[at];
    let gradients_of_four = gradients[at];
    for (var i = 0u; i < 4u; i++) {
      let p = four[i];
      let gradient = clipped(gradients_of_four[i], now, group);
      if (DECOUPLED) {
        four[i] = p * (1.0 - rate * group.y) - update(i, gradient, rate, now);
      } else {
        four[i] = p - update(i, gradient + group.y * p, rate, now);
      }
    }
    parameters[at] = four;
    put(at);
  }
}
