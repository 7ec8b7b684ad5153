import { ShapeError } from '../../core/errors.ts';
import { formatSpec, sameShape } from '../../core/shape.ts';
import { applyOne, type Op, type State, type Value } from '../../graph/graph.ts';
import { read } from '../../graph/leaf.ts';
import { bytesOf } from '../../graph/work.ts';
import { copyInto, copyInWasm, wholeInto } from './copy.ts';

const assignOp: Op<null> = {
  name: 'assign',
  effect: true,
  inPlace: [0],
  infer([state, x]) {
    if (!sameShape(state.shape, x.shape) || state.dtype !== x.dtype) {
      throw new ShapeError(
        `[assign] the state is ${formatSpec(state)} but the value is ${formatSpec(x)}: update it with one of its own shape`,
      );
    }
    return [state];
  },
  cpu: ([, x], [y]) => y.set(x),
  gpu: (node) => [copyInto(node, 1, 0)],
  wasm: (node) => ({ launches: [copyInWasm(node, 1, wholeInto(node, 1, 0))] }),
  flops: () => 0,
  bytes: ({ outputs }) => 2 * bytesOf(outputs),
};

/** What a state is to hold after the step: a copy of x, made when everyone has read what it held before. */
export const assign = (state: State, x: Value): Value => applyOne(assignOp, [read(state), x], null);
