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

// What the ledger says of a step; each word is read once, as every load is a page of a software driver's code.
struct Step {
  step: u32,
  // Bad numbers up to now, and when the step before ended.
  bad: u32,
  before: u32,
  // What is done about new ones: 0 nothing, 1 the step is left out, 2 so are all that follow.
  remedy: u32,
}

fn step_in_control() -> Step {
  let step = control[0];
  if (arrayLength(&control) <= 10u) {
    return Step(step, 0u, 0u, 0u);
  }
  return Step(step, control[6], control[7u + (step & 1u)], control[9]);
}

// Whether the bad numbers became more since the step before ended, and something is to be done about it.
fn is_spoilt(now: Step) -> bool {
  return now.remedy != 0u && now.bad != now.before;
}

// How many they are now, unless no step is to be taken any more; and the step's bit.
fn close_step(now: Step) {
  if (arrayLength(&control) <= 10u) {
    return;
  }
  let spoilt = is_spoilt(now);
  control[8u - (now.step & 1u)] = select(now.bad, now.before, spoilt && now.remedy == 2u);
  let at = 10u + now.step % 1024u / 32u;
  let bit = 1u << (now.step % 32u);
  control[at] = (control[at] & ~bit) | select(0u, bit, spoilt);
}

// What rides on the launch.
fn besides(i: u32) {
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) workgroups: vec3u) {
  let invocation = id.y * workgroups.x * 64u + id.x;
  besides(invocation);
  let own = step_in_control();
  if (invocation == 0u) {
    close_step(own);
  }
  let first = invocation * SPAN;
  if (first >= sizes.count) {
    return;
  }
  let group = groups[first / 64u];
  if (group.z == 0.0 || is_spoilt(own)) {
    return;
  }
  let now = schedule[own.step % sizes.rows];
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
