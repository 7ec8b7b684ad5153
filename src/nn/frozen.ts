import type { Value } from '../graph/graph.ts';
import { requireModule, type Layer, type Module, type OutputOf } from './layer.ts';

/**
 * A layer or function as it is, to be built upon: its parameters do not train, whatever the optimizer, and everything in it
 * does what it does in evaluation: dropout lets all through, batch norm takes its running averages, and leaves them.
 * Gradients flow through it to what lies before. Names of parameters are as they are without it. A layer that is used
 * outside too trains there. As `trainable = False` in Keras, and in PyTorch `requires_grad_(False)` with `eval()`; a group
 * of an optimizer that is `frozen` keeps parameters alone.
 */
export function frozen<M extends Module>(module: M): Layer<Value, OutputOf<M>> {
  requireModule('frozen', 'what is frozen', module);
  const apply: Layer<Value, OutputOf<M>>['apply'] = (x, _, context) => context.apply(module, x, '');
  return { name: 'frozen', parameters: {}, frozen: true, apply };
}
