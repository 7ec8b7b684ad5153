import { FormatError } from '../../core/errors.ts';
import type { ImportedTensor } from '../importedModel.ts';
import { permuted } from '../permuted.ts';
import type { GraphProto, NodeProto } from './onnx_pb.ts';
import type { Operator } from './operator.ts';
import { operatorOf } from './operators/index.ts';
import type { ExternalFiles, Role } from './onnxModel.ts';
import { readTensor } from './readTensor.ts';
import type { Order, Tensor } from './tensor.ts';

/** A tensor of the file. */
export interface Initializer {
  readonly name: string;
  readonly tensor: Tensor;
  readonly role: Role;
  /** In which order of its axes a parameter lies here. */
  readonly order: Order;
}

/**
 * The tensors of a graph.
 * @param constants names of those that are not learned
 * @throws FormatError for one that is broken, or whose file is not there
 */
export function initializersOf(graph: GraphProto, files: ExternalFiles, constants: readonly string[]): Initializer[] {
  requireDense(graph);
  const uses = usesIn(graph.node);
  return graph.initializer.map((proto) => {
    const { name } = proto;
    const tensor = readTensor(`"${name}"`, proto, files);
    const own = uses.get(name) ?? [];
    return { name, tensor, role: roleOf(name, tensor, own, constants), order: ourOrder(own, tensor.shape.length) };
  });
}

/** @throws FormatError for tensors that are stored otherwise than number by number */
function requireDense({ sparseInitializer, quantizationAnnotation }: GraphProto): void {
  if (sparseInitializer.length > 0) {
    throw new FormatError('[onnx] the model has sparse initializers, which are not read: export it with dense ones');
  }
  if (quantizationAnnotation.length > 0) {
    throw new FormatError(
      '[onnx] the model is quantised, which is not read: export it in float32, before it was quantised',
    );
  }
}

/** Where a tensor is used: by which operator, at which place. */
interface Use {
  readonly node: NodeProto;
  readonly operator: Operator | undefined;
  readonly at: number;
}

/** Uses by name, in all graphs within a graph. */
function usesIn(nodes: readonly NodeProto[], uses = new Map<string, Use[]>()): ReadonlyMap<string, readonly Use[]> {
  for (const node of nodes) {
    const operator = operatorOf(node);
    for (const [at, name] of node.input.entries()) {
      const known = uses.get(name);
      if (known) known.push({ node, operator, at });
      else uses.set(name, [{ node, operator, at }]);
    }
    for (const { g } of node.attribute) if (g) usesIn(g.node, uses);
  }
  return uses;
}

/** Beyond this a number is no weight, but says that something is not to be seen. */
const LARGEST_WEIGHT = 1e30;

/** What a tensor of the file is to a model that learns. */
function roleOf(
  name: string,
  { type, shape, numbers }: Tensor,
  uses: readonly Use[],
  constants: readonly string[],
): Role {
  if (type !== 'float' || shape.length === 0 || uses.length === 0 || constants.includes(name)) return 'constant';
  if (uses.some((use) => use.operator?.known?.includes(use.at))) return 'constant';
  if (!numbers!.every((x) => Math.abs(x) < LARGEST_WEIGHT)) return 'constant';
  return uses.every((use) => use.operator?.kept?.includes(use.at)) ? 'kept' : 'parameter';
}

/** The order in which all uses of a parameter would have it; the file's, where they differ. */
function ourOrder(uses: readonly Use[], rank: number): Order {
  const usualOrder = Array.from({ length: rank }, (_, axis) => axis);
  const orders = uses.map((use) => use.operator?.orders?.[use.at]?.(rank, use.node) ?? usualOrder);
  return orders.every((order) => order.join() === orders[0].join()) ? orders[0] : usualOrder;
}

/** A parameter as it lies here. */
export function asParameter({ tensor: { shape, numbers }, order }: Initializer): ImportedTensor {
  const data = numbers instanceof Float32Array ? numbers : Float32Array.from(numbers!);
  return permuted({ shape, data }, order);
}
