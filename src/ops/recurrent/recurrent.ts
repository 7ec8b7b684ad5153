import type { Spec } from '../../core/shape.ts';
import { apply, applyOne, type Op, type Value } from '../../graph/graph.ts';
import { uncast } from '../data/originalIntegers.ts';
import { add } from '../pointwise/arithmetic.ts';
import { productWithSums } from '../products/matmul.ts';
import { reshape } from '../shaping/views.ts';
import { cells, type CellName } from './cells.ts';
import { previousOp } from './previousHidden.ts';
import { recurrentGradOp } from './recurrentGrad.ts';
import { lengthRange } from './lengths.ts';
import { forwardLaunches } from './recurrentLaunches.ts';
import { CARRIED, formsOf } from './recurrentLayout.ts';
import { extentsOf, flopsOf, isFull, placesOf, type Attrs, type GradAttrs } from './recurrentNode.ts';
import { loopAccuracy, runForward } from './recurrentReference.ts';
import { forwardWork } from './recurrentWasm.ts';

/*
 * A recurrent layer's loop over time: all steps in one launch. A workgroup has some samples and runs all of their steps,
 * with every unit's h in workgroup memory: h · weights needs all of a sample's units and no other sample, so nobody waits
 * for another workgroup. What comes from x is there before, for all steps, as one product. The way back is the same loop
 * from the last step to the first; what the weights learn is a product over all steps behind it.
 */

// Legend: x `[N, T, H · gates]`, weights `[H, H · gates]`, h `[N, T, H]`; a unit's gates lie side by side.

const recurrentOp: Op<Attrs, 'f32'> = {
  name: 'recurrent',
  infer([x, weights], attrs) {
    const { tape, carried } = cells[attrs.cell];
    const [samples, steps] = x.shape;
    const units = weights.shape[0];
    const each: Spec<'f32'> = { shape: [samples, units], dtype: 'f32' };
    return [
      { shape: [samples, steps, units], dtype: 'f32' },
      { shape: [samples, steps, units * tape], dtype: 'f32' },
      ...Array.from({ length: carried }, () => each),
    ];
  },
  cpu: (inputs, outputs, node) => runForward(inputs, outputs, node),
  forms: (node, adapter) => formsOf(node.op.name, extentsOf(node), CARRIED, adapter),
  gpu: (node, adapter, form = formsOf(node.op.name, extentsOf(node), CARRIED, adapter).names[0]) =>
    forwardLaunches(node, adapter, form),
  wasm: forwardWork,
  flops: (node) => flopsOf(extentsOf(node), cells[node.attrs.cell]),
  accuracy: (node) => loopAccuracy(runForward, node, extentsOf(node).units),
  vjp([dY, , dHidden, dC], node) {
    const { inputs, outputs, attrs } = node;
    const [x, weights] = inputs;
    const { gates, apart } = cells[attrs.cell];
    const { units } = extentsOf(node);
    const places = placesOf(attrs);
    const inputIn = (place: string): Value[] => inputs.filter((_, at) => at === places[place]);
    const lengths = inputIn('lengths');
    const given = Object.entries({ y: dY, hidden: dHidden, c: dC }).filter(([, gradient]) => gradient);
    const from = given.map(([name]) => name) as GradAttrs['from'];
    const slopes = apply(
      recurrentGradOp,
      [weights, outputs[1], ...lengths, ...given.map(([, gradient]) => gradient!)],
      { ...attrs, from, transposed: false },
    );
    const [dX, dInitial] = [slopes[0], slopes.at(-1)!];
    const dH = reshape(apart ? slopes[1] : dX, [-1, units * gates]);
    const before = applyOne(previousOp, [outputs[0], ...lengths, ...inputIn('initial')], attrs);
    const [dWeights, dBias] = productWithSums(reshape(before, [-1, units]), dH);
    const gradients: (Value | null)[] = inputs.map(() => null);
    [gradients[0], gradients[1]] = [reshape(dX, x.spec.shape), dWeights];
    if (places['bias'] !== undefined) gradients[places['bias']] = dBias;
    if (places['initial'] !== undefined) gradients[places['initial']] = dInitial;
    return gradients;
  },
  ranges(node) {
    const { attrs, inputs } = node;
    const { steps } = extentsOf(node);
    const at = placesOf(attrs)['lengths'];
    return inputs.map((_, input) => (input === at ? lengthRange(steps) : null));
  },
};

/** What a loop over time is given beside x. */
export interface LoopOptions {
  readonly cell: CellName;
  /** From each sample's last step to its first. */
  readonly reverse?: boolean;
  /** `[N]` integers: the steps that each sample has. */
  readonly lengths?: Value | undefined;
  /** What is carried at first: h, and of an lstm c: `[1 or 2, N, H]`. */
  readonly initial?: Value | undefined;
}

/** What a loop over time gives. */
export interface Recurrence {
  /** h at each step, `[N, T, H]`; behind a sample's own steps 0. */
  readonly sequence: Value<'f32'>;
  /** h behind each sample's last step, `[N, H]`; and c of an lstm. */
  readonly hidden: Value<'f32'>;
  readonly c?: Value<'f32'>;
}

/**
 * A recurrent layer's steps, one behind the other, in one launch.
 * @param x what comes from the inputs, for all steps: `[N, T, H · gates]`, a unit's gates side by side
 * @param weights of h: `[H, H · gates]`   @param bias `[H · gates]`
 */
export function recurrentLoop(x: Value, weights: Value, bias: Value, options: LoopOptions): Recurrence {
  const { cell, reverse = false, lengths, initial } = options;
  const attrs = { cell, reverse, lengths: lengths !== undefined, initial: initial !== undefined };
  const full = isFull(attrs);
  const integers = lengths && uncast(lengths);
  const inputs = [full ? add(x, bias) : x, weights, ...(full ? [] : [bias])];
  const [sequence, , hidden, c] = apply(
    recurrentOp,
    [...inputs, ...(integers ? [integers] : []), ...(initial ? [initial] : [])],
    attrs,
  );
  return { sequence, hidden, ...(c && { c }) };
}
