// A thread beside the first one of a team: it runs the same module over the same memory, until the team is dissolved. Plain
// JavaScript, since Node and pages begin a thread with a file.

/**
 * Names are the functions of its table, in their order.
 * @typedef {{ module: WebAssembly.Module, memory: WebAssembly.Memory, room: number, names: readonly string[] }} Begin
 */

const node = globalThis.process?.getBuiltinModule?.('node:worker_threads');
const port = node?.parentPort ?? globalThis;

/** @param {{ data: Begin }} message */
async function begin({ data: { module, memory, room, names } }) {
  const { exports } = await WebAssembly.instantiate(module, { env: { memory } });
  const first = exports.table.grow(names.length);
  names.forEach((name, at) => exports.table.set(first + at, exports[name]));
  exports.enter(room, true);
  // Who began the team may have given up waiting: then it goes on without this thread.
  const isOne = Atomics.compareExchange(new Int32Array(memory.buffer, room, 1), 0, 0, 1) === 0;
  port.postMessage('ready');
  if (isOne) exports.serve();
}

if (node?.parentPort) node.parentPort.once('message', (data) => begin({ data }));
else globalThis.addEventListener('message', begin);
