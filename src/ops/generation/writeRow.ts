import { ShapeError } from '../../core/errors.ts';
import { flatGrid, output } from '../../core/launch.ts';
import { formatSpec, sameShape, sizeOf } from '../../core/shape.ts';
import { applyOne, type Node, type Op, type State, type Value } from '../../graph/graph.ts';
import { read } from '../../graph/leaf.ts';
import { bytesOf } from '../../graph/work.ts';
import writeRowKernel from '../../../shaders/generation/writeRow.wgsl?raw';

/** Numbers of a row, and rows that there are. */
function extentsOf({ inputs: [rows, row] }: Node): { readonly size: number; readonly capacity: number } {
  return { size: sizeOf(row.spec.shape), capacity: rows.spec.shape[1] };
}

const writeRowOp: Op<null, 'f32'> = {
  name: 'writeRow',
  effect: true,
  inPlace: [0],
  infer([rows, row]) {
    const [, , ...rest] = rows.shape;
    if (!sameShape(row.shape, [1, 1, ...rest]) || row.dtype !== 'f32') {
      throw new ShapeError(
        `[writeRow] the row is ${formatSpec(row)} but must be f32[${[1, 1, ...rest].join(', ')}]: one token of one sample`,
      );
    }
    return [{ shape: rows.shape, dtype: 'f32' }];
  },
  cpu([rows, row, position], [y], node) {
    const { size, capacity } = extentsOf(node);
    if (y !== rows) y.set(rows);
    if (position[0] < capacity) y.set(row, position[0] * size);
  },
  gpu(node) {
    const { size, capacity } = extentsOf(node);
    return [
      {
        kernel: { name: 'writeRow', source: writeRowKernel },
        bindings: [output(0), 1, 2],
        uniform: [size, capacity],
        grid: flatGrid(size),
      },
    ];
  },
  flops: () => 0,
  bytes: ({ inputs: [, row] }) => 2 * bytesOf([row]),
};

/**
 * Puts a row into a state that has one for each token, in the state's place.
 * @param state `[1, capacity, …]`   @param row `[1, 1, …]`   @param position u32 `[1]`; beyond the last row nothing is put
 */
export const writeRow = (state: State, row: Value, position: Value): Value<'f32'> =>
  applyOne(writeRowOp, [read(state), row, position], null);
