/*
 * Threads that run one program together: every one of them runs this module, over the same memory. A program is a list of
 * commands, each a kernel and so many items of work that need nothing of each other. Whoever is free takes the next few;
 * all meet behind each command. So which thread does what makes no difference to any bit.
 */

/** A kernel and its items, as `src/scheduler/wasmProgram.ts` writes them. */
@unmanaged
class Command {
  /** Where the kernel stands in the table of functions. */
  kernel: u32;
  /** What the kernel is handed: addresses and words, which it declares. */
  args: usize;
  items: i32;
  /** Items that are taken at once. */
  grain: i32;
  /** The first item that nobody took. */
  next: i32;
  unused0: i32;
  unused1: i32;
  unused2: i32;
}

/** Words of memory by which threads know of each other, each in a cache line of its own. */
const GENERATION: usize = 64;
const PROGRAM: usize = 128;
const COUNT: usize = 132;
const THREADS: usize = 136;
const STOPPED: usize = 140;
const ARRIVED: usize = 192;
const PHASE: usize = 256;
const SLEEPERS: usize = 320;

/** Looks at a word before a thread lies down: some ten microseconds. */
const LOOKS = 4000;

/** Whether this thread may lie down; a page's own thread may not. */
let mayWait: bool = true;
/** Room of this thread's own. */
export let scratch: usize = 0;

/** Tells this thread where its own room is, and whether it may wait. */
export function enter(room: usize, waits: bool): void {
  scratch = room;
  mayWait = waits;
}

/** Runs a program, by all threads or by this one alone. */
export function run(commands: usize, count: i32, threads: i32): void {
  if (threads > 1) {
    store<usize>(PROGRAM, commands);
    store<i32>(COUNT, count);
    store<i32>(THREADS, threads);
    atomic.add<i32>(GENERATION, 1);
    wake(GENERATION);
  }
  work(commands, count, threads);
}

/** Works along with every program until the team is dissolved: what a thread beside the first does. */
export function serve(): void {
  let seen: i32 = 0;
  while (true) {
    waitWhile(GENERATION, seen);
    seen++;
    if (atomic.load<i32>(STOPPED)) return;
    work(load<usize>(PROGRAM), load<i32>(COUNT), load<i32>(THREADS));
  }
}

/** Sends the others home. */
export function dissolve(): void {
  atomic.store<i32>(STOPPED, 1);
  atomic.add<i32>(GENERATION, 1);
  wake(GENERATION);
}

function work(commands: usize, count: i32, threads: i32): void {
  for (let i = 0; i < count; i++) {
    const command = changetype<Command>(commands + <usize>i * offsetof<Command>());
    const items = command.items;
    if (threads == 1) {
      call_indirect<void>(command.kernel, command.args, 0, items);
      continue;
    }
    const next = changetype<usize>(command) + offsetof<Command>('next');
    const grain = command.grain;
    while (true) {
      const first = atomic.add<i32>(next, grain);
      if (first >= items) break;
      call_indirect<void>(command.kernel, command.args, first, min(first + grain, items));
    }
    meet(next, threads);
  }
}

/** Waits until all threads are here. The last one makes the command ready to run again. */
function meet(next: usize, threads: i32): void {
  const phase = atomic.load<i32>(PHASE);
  if (atomic.add<i32>(ARRIVED, 1) + 1 < threads) {
    waitWhile(PHASE, phase);
    return;
  }
  atomic.store<i32>(next, 0);
  atomic.store<i32>(ARRIVED, 0);
  atomic.store<i32>(PHASE, phase + 1);
  wake(PHASE);
}

/** Waits while a word is what it was. */
function waitWhile(word: usize, was: i32): void {
  for (let look = 0; look < LOOKS; look++) if (atomic.load<i32>(word) != was) return;
  if (!mayWait) {
    while (atomic.load<i32>(word) == was) {}
    return;
  }
  atomic.add<i32>(SLEEPERS, 1);
  while (atomic.load<i32>(word) == was) atomic.wait<i32>(word, was, -1);
  atomic.sub<i32>(SLEEPERS, 1);
}

function wake(word: usize): void {
  if (atomic.load<i32>(SLEEPERS) > 0) atomic.notify(word, -1);
}
