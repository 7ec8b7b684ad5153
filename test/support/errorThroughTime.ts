import { constant, differentiate, interpret, mul, Random, sum, torchUniform, type Value } from '../../src/index.ts';
import { spec, sizeOf } from '../../src/core/shape.ts';
import { cells } from '../../src/ops/recurrent/cells.ts';
import { recurrentLoop } from '../../src/ops/recurrent/recurrent.ts';

const UNITS = 32;
const SAMPLES = 4;
const SEED = 1;
/** Of a unit's gates, input, forget, cell, output. */
const FORGET = 1;

/**
 * How much of the error at the last step is left at each step before it: the length of ∂L / ∂z there, over that at the last.
 * A layer of 32 units before its first step, normal numbers in, an error of normal numbers at the last step alone.
 * @param kept what is added to the bias of the gate that forgets
 */
export function errorThroughTime(cell: 'rnn' | 'lstm', steps: number, kept = 0): number[] {
  const width = UNITS * cells[cell].gates;
  const draw = (name: string, shape: readonly number[], next: (random: Random) => number): Float32Array => {
    const random = new Random(SEED, name);
    return Float32Array.from({ length: sizeOf(shape) }, () => next(random));
  };
  const normal = (name: string, shape: readonly number[]): Value =>
    constant(
      draw(name, shape, (random) => random.normal()),
      spec(shape),
    );
  const weights = torchUniform(UNITS)([UNITS, width], new Random(SEED, 'weights'));
  const bias = Float32Array.from({ length: width }, (_, at) => (cell === 'lstm' && at % 4 === FORGET ? kept : 0));

  const z = normal('x', [SAMPLES, steps, width]);
  const { hidden } = recurrentLoop(z, constant(weights, spec([UNITS, width])), constant(bias, spec([width])), { cell });
  const loss = sum(mul(hidden, normal('error', [SAMPLES, UNITS])));
  const [dZ] = differentiate(loss, [z]);
  const { outputs } = interpret({ outputs: { dZ: dZ! }, writes: [] }, { precision: 'f64' });
  const lengths = Array.from({ length: steps }, (_, t) => {
    const at = (n: number): number => (n * steps + t) * width;
    const samples = Array.from({ length: SAMPLES }, (__, n) => outputs['dZ'].subarray(at(n), at(n) + width));
    return Math.hypot(...samples.flatMap((numbers) => [...numbers]));
  });
  return lengths.map((length) => length / lengths[steps - 1]);
}
