import { sameShape, sizeOf, stridesOf, type Numbers, type Shape } from '../../../core/shape.ts';
import type { Value } from '../../../graph/graph.ts';
import { asUseOf, constantOp } from '../../../graph/leaf.ts';
import { copyBox } from '../../../ops/shaping/copy.ts';
import type { Forward } from '../../../train/emission/forward.ts';
import type { ElementType } from './elementTypes.ts';
import { arrayOf, type Stored, type Tensor } from './onnxNodes.ts';
import type { SampledGraph } from './sampledGraph.ts';

/* Values whose numbers are known while a graph is written: parameters, what layers keep, constants. */

/** Such a value, as it is or in another shape. */
export interface Known {
  /** What the numbers are of. */
  readonly root: Value;
  /** Its name; undefined of a constant. */
  readonly name: string | undefined;
  readonly numbers: Numbers;
}

/** Finds them, and has each in the layouts that were asked for. */
export class KnownNumbers {
  readonly #forward: Forward;
  readonly #graph: SampledGraph;
  readonly #found = new Map<Value, Known | undefined>();
  /** By what they are of and how they lie. */
  readonly #tensors = new Map<Value, Map<string, Tensor>>();

  constructor(forward: Forward, graph: SampledGraph) {
    this.#forward = forward;
    this.#graph = graph;
  }

  /** What a value's numbers are; undefined of what is computed or given, or has another number of them for other batches. */
  of(value: Value): Known | undefined {
    if (!this.#found.has(value)) this.#found.set(value, this.#lookedUp(value));
    return this.#found.get(value);
  }

  #lookedUp(value: Value): Known | undefined {
    let root = value;
    while (!this.#forward.leafOf(root) && isWhole(root)) root = root.node.inputs[0];
    const twin = this.#graph.twinOf(value.node).outputs[value.index];
    if (!sameShape(value.spec.shape, twin.spec.shape)) return undefined;
    const leaf = this.#forward.leafOf(root);
    if (leaf && 'tensor' in leaf) {
      const tensor = this.#forward.tensors[leaf.tensor];
      return tensor && { root, name: leaf.tensor, numbers: tensor.data };
    }
    const numbers = asUseOf(constantOp, root.node)?.numbers;
    return numbers && !this.#varies(root) ? { root, name: undefined, numbers } : undefined;
  }

  /** Whether a constant is another one for other numbers of samples. */
  #varies({ node }: Value): boolean {
    const [few, more] = [node, this.#graph.twinOf(node)].map((each) => asUseOf(constantOp, each)!.numbers);
    return few.length !== more.length || few.some((number, at) => !Object.is(number, more[at]));
  }

  /** The tensor of numbers that lie so, if somebody has asked for it before. */
  had({ root }: Known, layout: string): Tensor | undefined {
    return this.#tensors.get(root)?.get(layout);
  }

  /** Keeps it. */
  have({ root }: Known, layout: string, tensor: Tensor): Tensor {
    const tensors = this.#tensors.get(root) ?? new Map<string, Tensor>();
    this.#tensors.set(root, tensors.set(layout, tensor));
    return tensor;
  }
}

/** Whether a value is all of another one's numbers, in their order. */
const isWhole = ({ node, spec }: Value): boolean =>
  node.inputs.length === 1 &&
  node.op.view?.(node.attrs) === 0 &&
  sizeOf(spec.shape) === sizeOf(node.inputs[0].spec.shape);

/** Numbers of a shape as a tensor has them whose axes are in another order. */
export function laidOut(
  numbers: Numbers,
  type: ElementType,
  shape: Shape,
  order: readonly number[],
): ReturnType<Stored['numbers']> {
  if (order.every((axis, at) => axis === at)) {
    return type === 'FLOAT' && numbers instanceof Float32Array ? numbers : arrayOf(type, numbers);
  }
  const strides = stridesOf(shape);
  const extents = order.map((axis) => shape[axis]);
  const all = numbers.slice();
  const xStrides = order.map((axis) => strides[axis]);
  copyBox(numbers, all, { shape: extents, xStart: 0, xStrides, yStart: 0, yStrides: stridesOf(extents) });
  return arrayOf(type, all);
}
