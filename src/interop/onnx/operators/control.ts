import { sizeOf, type Shape } from '../../../core/shape.ts';
import { cast } from '../../../ops/pointwise/cast.ts';
import { onnxTypeOf } from '../elementTypes.ts';
import type { OnnxNode } from '../onnxNode.ts';
import type { Operators } from '../operator.ts';
import { asType, floats, Tensor } from '../tensor.ts';
import { truthOf } from './pointwise.ts';

const USUAL_RATE = 0.5;

/** In training what is dropped is drawn anew at each step, whatever the file says of training. */
function dropped(node: OnnxNode): readonly (Tensor | undefined)[] {
  const x = node.tensor(0);
  const isOld = node.opset < 12;
  const rate = isOld ? node.real('ratio', USUAL_RATE) : node.knownNumber(1, USUAL_RATE);
  node.int('seed', 0);
  const { context } = node.setting;
  if (context.mode !== 'train' || rate === 0) return [x, node.wants(1) ? allTrue(x.shape) : undefined];
  node.requireUnused(1, 'what it drops');
  return [Tensor.of(context.dropout(node.stream, floats(x.native), rate), 'float', x.order)];
}

const allTrue = (shape: Shape): Tensor => Tensor.known('bool', shape, new Float64Array(sizeOf(shape)).fill(1));

function castTo(node: OnnxNode, to: number): Tensor {
  const x = node.tensor(0);
  const { name, type } = onnxTypeOf(to);
  node.int('saturate', 1);
  node.text('round_mode', 'up');
  if (!type)
    node.refuse(`gives ${name}`, 'floats, integers of 8 to 64 bits and truths are read; export the model in float32');
  if (x.numbers) return Tensor.known(type, x.shape, asType(x.numbers, type));
  if (type === 'float') return Tensor.of(floats(x.native), type, x.order);
  return type === 'bool'
    ? Tensor.of(truthOf(x.native), type, x.order)
    : Tensor.of(cast(x.native, 'i32'), type, x.order);
}

/** One of two graphs, by what is known while the model is read. */
function chosen(node: OnnxNode): readonly (Tensor | undefined)[] {
  const [whenTrue, whenFalse] = [node.graph('then_branch'), node.graph('else_branch')];
  return node.setting.run(node.known(0)[0] === 0 ? whenFalse : whenTrue);
}

/** Operators that choose, convert, or do nothing but in training. */
export const controlOperators: Operators = {
  Cast: { apply: (node) => castTo(node, node.int('to', 0)) },
  CastLike: {
    apply(node) {
      const { type } = node.tensor(1);
      return castTo(node, { float: 1, int: 7, bool: 9 }[type]);
    },
  },
  Dropout: { known: [1, 2], apply: dropped },
  If: { known: [0], apply: chosen },
};
