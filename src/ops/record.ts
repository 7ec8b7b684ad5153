import { output } from '../core/launch.ts';
import { sizeOf } from '../core/shape.ts';
import { apply, type Op, type State, type Value } from '../graph/graph.ts';
import { read } from '../graph/leaf.ts';
import { eight } from '../core/strided.ts';
import recordKernel from '../../shaders/record.wgsl?raw';

interface Attrs {
  readonly column: number;
  readonly advance: boolean;
}

const recordOp: Op<Attrs> = {
  name: 'record',
  effect: true,
  inPlace: [0, 1],
  infer: ([control, ring]) => [control, ring],
  cpu([control, ring, ...metrics], [nextControl, nextRing], node) {
    const { column, advance } = node.attrs;
    const [rows, columns] = node.inputs[1].spec.shape as [number, number];
    nextRing.set(ring);
    nextControl.set(control);
    metrics.forEach((metric, j) => {
      let total = 0;
      for (const number of metric) total += number;
      nextRing[(control[0] % rows) * columns + column + j] = total / metric.length;
    });
    if (advance) nextControl[0] = control[0] + 1;
  },
  gpu({ inputs, attrs: { column, advance } }) {
    const [rows, columns] = inputs[1].spec.shape as [number, number];
    const metrics = inputs.slice(2);
    const cases = metrics.map((_, j) => `    case ${j}u: {\n      return metric${j}[i];\n    }`);
    return [
      {
        kernel: {
          name: 'record',
          source: recordKernel,
          constants: { METRICS: `${metrics.length}u`, ADVANCE: String(advance) },
          functions: {
            metric: `fn metric(j: u32, i: u32) -> f32 {\n  switch j {\n${cases.join('\n')}\n    default: {\n      return 0.0;\n    }\n  }\n}`,
          },
          reads: Object.fromEntries(metrics.map((_, j) => [`metric${j}`, 'f32'])),
        },
        bindings: [output(0), output(1), ...metrics.map((_, j) => 2 + j)],
        uniform: [rows, columns, column, 0, ...eight(metrics.map(({ spec }) => sizeOf(spec.shape)))],
        grid: [1, 1, 1],
      },
    ];
  },
  accuracy: ({ inputs }) => ({
    ulps: 8 + 2 * Math.max(1, ...inputs.slice(2).map(({ spec }) => sizeOf(spec.shape))),
    magnitude: 'largest',
  }),
};

/** As many metrics as fit beside the two states under WebGPU's default of eight storage buffers a stage. */
const METRICS_PER_LAUNCH = 6;

/**
 * Writes the mean of each metric into the ring's row of this step; the last of a step's records also advances the step.
 * Every launch that reads the step comes before.
 * @param control u32[4]   @param ring f32[rows, columns]   @param metrics f32, of any shapes, from `column` on
 */
export function record(
  control: State,
  ring: State,
  metrics: readonly Value[],
  { column, advance }: Attrs,
): [State, Value][] {
  let values = [read(control), read(ring)];
  for (let first = 0; first === 0 || first < metrics.length; first += METRICS_PER_LAUNCH) {
    const some = metrics.slice(first, first + METRICS_PER_LAUNCH);
    const last = first + METRICS_PER_LAUNCH >= metrics.length;
    values = [...apply(recordOp, [...values, ...some], { column: column + first, advance: advance && last })];
  }
  return [
    [control, values[0]],
    [ring, values[1]],
  ];
}
