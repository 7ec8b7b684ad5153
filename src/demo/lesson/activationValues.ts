import { spec } from '../../core/shape.ts';
import { constant, differentiate, gelu, interpret, relu, sigmoid, sum, tanh, type Value } from '../../index.ts';

/** The activations that the lesson draws, by the name that it gives them. */
export const ACTIVATIONS: Readonly<Record<string, (z: Value) => Value>> = {
  sigmoid,
  tanh,
  ReLU: relu,
  GELU: (z) => gelu(z),
};

/** An activation and its derivative at each of some places, as the library computes them, in f64. */
export function valuesOf(
  activation: (z: Value) => Value,
  places: readonly number[],
): { readonly f: Float64Array; readonly df: Float64Array } {
  const z = constant(Float64Array.from(places), spec([places.length]));
  const f = activation(z);
  // A sum lets a 1 flow back to each place.
  const df = differentiate(sum(f), [z])[0]!;
  const { outputs } = interpret({ outputs: { f, df }, writes: [] }, { precision: 'f64' });
  return { f: outputs['f'] as Float64Array, df: outputs['df'] as Float64Array };
}
