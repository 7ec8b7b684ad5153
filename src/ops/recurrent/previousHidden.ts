import { flatGrid, output } from '../../core/launch.ts';
import type { Op } from '../../graph/graph.ts';
import previousKernel from '../../../shaders/recurrent/previous.wgsl?raw';
import type { Attrs } from './recurrentNode.ts';
import { forEachStep } from './recurrentReference.ts';
import { lengthFunctions, linked, readText } from './recurrentTexts.ts';
import { previousWork } from './recurrentWasm.ts';

/** Steps of an invocation, as in the kernel. */
const STEPS = 16;

/** What h was before each step: what its weights were multiplied by. */
export const previousOp: Op<Pick<Attrs, 'reverse' | 'lengths' | 'initial'>, 'f32'> = {
  name: 'previousHidden',
  infer: ([h]) => [{ shape: h.shape, dtype: 'f32' }],
  cpu([h, ...others], [before], { inputs, attrs: { reverse, lengths, initial } }) {
    const [samples, steps, units] = inputs[0].spec.shape;
    const first = initial ? others.at(-1)! : undefined;
    before.fill(0);
    forEachStep({ samples, steps, units }, reverse, lengths ? others[0] : undefined, (n, t, isFirst) => {
      for (let u = 0; u < units; u++) {
        const at = (n * steps + t) * units + u;
        if (!isFirst) before[at] = h[reverse ? at + units : at - units];
        else if (first) before[at] = first[n * units + u];
      }
    });
  },
  gpu(node) {
    const { inputs, attrs } = node;
    const [samples, steps, units] = inputs[0].spec.shape;
    const own = linked([
      ['lengths', 'u32', attrs.lengths ? 1 : undefined, lengthFunctions(attrs.lengths ? inputs[1] : undefined)],
      [
        'initial',
        'f32',
        attrs.initial ? inputs.length - 1 : undefined,
        { initial_at: readText('initial_at', 'initial') },
      ],
    ]);
    const parts = Math.ceil(steps / STEPS);
    const count = samples * parts * units;
    return [
      {
        kernel: {
          name: node.op.name,
          source: previousKernel,
          constants: { STEPS: `${STEPS}u` },
          functions: own.functions,
          reads: own.reads,
        },
        bindings: [0, output(0), ...own.bindings],
        uniform: [count, steps, parts, units, Number(attrs.reverse)],
        grid: flatGrid(count),
      },
    ];
  },
  wasm: previousWork,
  flops: () => 0,
};
