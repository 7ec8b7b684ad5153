import { DataError } from '../core/errors.ts';
import type { Graph } from '../graph/graph.ts';
import type { Backend } from '../scheduler/backend.ts';
import { findFault } from '../train/inspection/verification.ts';
import type { Batch } from './opGraph.ts';

/**
 * Runs a graph twice, node by node, and holds each against an f64 run of its reference on its own inputs.
 * @returns how many nodes were judged   @throws DataError naming the first that strays, or that gives other bits when it
 * runs again
 */
export async function requireFaithful(backend: Backend, graph: Graph, batch: Batch, seed: number): Promise<number> {
  const program = await backend.compile(graph);
  try {
    const first = await backend.observe(program, batch);
    const fault = findFault(program.order, first);
    if (fault) {
      const { op, output, index, actual, expected, bound, line } = fault;
      throw new DataError(
        `[checkOp] ${op}: output ${output}[${index}] is ${actual}, but the reference is ${expected} and the bound ${bound}, in ${line}, where the seed is ${seed}: mend the kernel or the reference, or say in accuracy how far they may part`,
      );
    }
    const second = await backend.observe(program, batch);
    first.forEach(({ node, outputs }, at) => {
      const other = outputs.findIndex((numbers, of) => !sameBits(numbers, second[at].outputs[of]));
      if (other < 0) return;
      throw new DataError(
        `[checkOp] ${node.op.name}: output ${other} has other bits when it runs again, where the seed is ${seed}: store each element once, and read nothing that another workgroup stores`,
      );
    });
    return first.length;
  } finally {
    program.destroy();
  }
}

function sameBits(a: ArrayBufferView, b: ArrayBufferView): boolean {
  const [x, y] = [a, b].map(({ buffer, byteOffset, byteLength }) => new Uint8Array(buffer, byteOffset, byteLength));
  return x.length === y.length && x.every((byte, at) => byte === y[at]);
}
