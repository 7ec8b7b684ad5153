import { FormatError } from '../../../core/errors.ts';
import { sameShape, type Shape } from '../../../core/shape.ts';
import type { Node, Value } from '../../../graph/graph.ts';
import { asUseOf, constantOp, stateOp } from '../../../graph/leaf.ts';
import type { Forward } from '../../../train/emission/forward.ts';
import { computedType, elementTypes, typeOf, type ElementType } from './elementTypes.ts';
import { reshaped } from './batchShapes.ts';
import { grownConstant } from './grownConstant.ts';
import { KnownNumbers, laidOut, type Known } from './knownNumbers.ts';
import { OnnxNodes, type Tensor } from './onnxNodes.ts';
import type { Extent, SampledGraph } from './sampledGraph.ts';

/*
 * A value of ours may lie in several forms: ONNX wants channels in front where ours are last, time in front of samples, and
 * tells booleans from numbers. So a value is written in the form that its op leaves it in, and brought into another one
 * where somebody reads it so: two layers of one kind have nothing between them.
 */

/** How a value lies in a tensor. */
export interface Form {
  readonly type: ElementType;
  /** The value's axes in the order in which the tensor has them. */
  readonly order: readonly number[];
}

interface Written extends Form {
  readonly tensor: Tensor;
}

/** Elements one behind the other, by the axes of some tensor. */
export interface Elements {
  readonly tensor: Tensor;
  readonly extents: readonly Extent[];
  readonly type: ElementType;
}

export const inOrder = ({ spec: { shape } }: Value): number[] => shape.map((_, axis) => axis);

const isForm = (a: Form, b: Form): boolean => a.type === b.type && sameShape(a.order, b.order);

/** A graph of ours as it is being written as one of ONNX' operators. */
export class OnnxWriter extends OnnxNodes {
  readonly opset: number;
  readonly graph: SampledGraph;
  /** What is given with each batch, in the order of the fields. */
  readonly fields: { readonly value: Value; readonly tensor: Tensor }[] = [];
  readonly #forward: Forward;
  /** By value its forms, the one in front that it was written in. */
  readonly #forms = new Map<Value, Written[]>();
  readonly #elements = new Map<Value, Elements>();
  readonly #labels = new Map<Value, string>();
  readonly #known: KnownNumbers;
  readonly #made = new Map<string, Tensor>();

  constructor(forward: Forward, graph: SampledGraph, opset: number) {
    super();
    this.#forward = forward;
    this.graph = graph;
    this.#known = new KnownNumbers(forward, graph);
    this.opset = opset;
    for (const name of Object.keys(forward.fields)) this.#field(name);
  }

  #field(name: string): void {
    const isField = ({ outputs: [value] }: Node): boolean => {
      const leaf = this.#forward.leafOf(value);
      return leaf !== undefined && 'field' in leaf && leaf.field === name;
    };
    const node = this.graph.order.find(isField);
    if (!node) return;
    const [value] = node.outputs;
    const tensor: Tensor = { hint: name, name };
    this.label = name;
    this.fields.push({ value, tensor });
    this.write(value, tensor, { type: typeOf[value.spec.dtype] });
  }

  /** A value's extents, those that grow with the batch as such. */
  extentsOf(value: Value): Extent[] {
    return this.graph.extentsOf(value);
  }

  /** The extents of a value in the order of a form. */
  extentsIn(value: Value, order: readonly number[]): Extent[] {
    const extents = this.extentsOf(value);
    return order.map((axis) => extents[axis]);
  }

  /** Says which tensor a value is. @param form as the op leaves it: of the type that its dtype is computed with, in order */
  write(value: Value, tensor: Tensor, form: Partial<Form> = {}): void {
    const { type = computedType[value.spec.dtype], order = inOrder(value) } = form;
    this.#name(value, tensor);
    this.#forms.set(value, [{ type, order, tensor }]);
  }

  #name(value: Value, tensor: Tensor): void {
    if (tensor.hint.startsWith(`${this.label}/`)) tensor.hint = this.label;
    this.#labels.set(value, this.label);
  }

  /** The same of a value whose elements a tensor of other axes has: it is given its own when somebody asks for them. */
  writeElements(value: Value, elements: Elements): void {
    this.#name(value, elements.tensor);
    this.#elements.set(value, elements);
  }

  /** A value's elements, one behind the other, by whatever axes they are had for nothing. */
  elementsOf(value: Value): Elements {
    const elements = this.#elements.get(value);
    if (elements) return elements;
    const { type } = this.formOf(value);
    return { tensor: this.read(value, { type }), extents: this.extentsOf(value), type };
  }

  /** The form that a value was written in; where its numbers are known, any would do. */
  formOf(value: Value): Form {
    return this.#formsOf(value)?.[0] ?? { type: computedType[value.spec.dtype], order: inOrder(value) };
  }

  /** Whether a value can be had in an order of axes without being brought into it. */
  lies(value: Value, order: readonly number[]): boolean {
    const isSo = (form: Form): boolean => sameShape(form.order, order);
    return this.known(value) !== undefined || (this.#formsOf(value)?.some(isSo) ?? false);
  }

  /** A value in a form, brought into it if need be. */
  read(value: Value, wanted: Partial<Form> = {}): Tensor {
    const { type = computedType[value.spec.dtype], order = inOrder(value) } = wanted;
    const form = { type, order };
    const known = this.known(value);
    if (known) return this.stored(known, value.spec.shape, form);
    const forms = this.#formsOf(value);
    if (!forms) throw unknown(value);
    const found = forms.find((each) => isForm(each, form));
    if (found) return found.tensor;
    const tensor = this.#brought(value, forms, form);
    forms.push({ ...form, tensor });
    return tensor;
  }

  #formsOf(value: Value): Written[] | undefined {
    const forms = this.#forms.get(value);
    if (forms || this.known(value)) return forms;
    const elements = this.#elements.get(value);
    const own = this.label;
    this.label = this.#labels.get(value) ?? own;
    if (elements) {
      const { tensor, extents, type } = elements;
      this.write(value, reshaped(this, tensor, extents, this.extentsOf(value)), { type });
    }
    if (!elements && asUseOf(constantOp, value.node)) this.write(value, grownConstant(value, this));
    this.label = own;
    return this.#forms.get(value);
  }

  /** By the fewest nodes from the forms that there are. */
  #brought(value: Value, forms: readonly Written[], { type, order }: Form): Tensor {
    const near = forms.find((form) => sameShape(form.order, order)) ?? forms.find((form) => form.type === type);
    let { tensor } = near ?? forms[0];
    const from = near ?? forms[0];
    const own = this.label;
    this.label = this.#labels.get(value) ?? own;
    if (from.type !== type) tensor = this.cast(tensor, type);
    if (!sameShape(from.order, order)) {
      tensor = this.emit('Transpose', [tensor], { perm: order.map((axis) => from.order.indexOf(axis)) });
    }
    this.label = own;
    return tensor;
  }

  cast(tensor: Tensor, type: ElementType): Tensor {
    return this.emit('Cast', [tensor], { to: elementTypes[type] });
  }

  /** What a value's numbers are, where they are known while writing. */
  known(value: Value): Known | undefined {
    return this.#known.of(value);
  }

  /** Numbers that are known, laid out as somebody reads them. @param shape whose axes the form puts in order */
  stored(known: Known, shape: Shape, { type, order }: Form): Tensor {
    const layout = (axes: readonly number[]): string => `${type}[${shape.join()}] ${axes.join()}`;
    const plain = this.#known.had(known, layout(order.toSorted((a, b) => a - b)));
    // Once is enough of a table that somebody reads as it is.
    const turned = plain && ((): Tensor => this.emit('Transpose', [plain], { perm: order }));
    const extents = order.map((axis) => shape[axis]);
    const made = (): Tensor => ({
      hint: known.name ?? 'constant',
      stored: {
        isLearned: known.name !== undefined,
        type,
        shape: extents,
        numbers: () => laidOut(known.numbers, type, shape, order),
      },
    });
    return this.#known.had(known, layout(order)) ?? this.#known.have(known, layout(order), (turned ?? made)());
  }

  /** The same of numbers that are made of what is known: weights of gates in another order. */
  made(known: Known, how: string, shape: Shape, numbers: () => Float32Array): Tensor {
    const isLearned = known.name !== undefined;
    const tensor: Tensor = { hint: known.name ?? 'constant', stored: { isLearned, type: 'FLOAT', shape, numbers } };
    return this.#known.had(known, how) ?? this.#known.have(known, how, tensor);
  }

  /** What is made once, however often it is read. */
  once(name: string, make: () => Tensor): Tensor {
    let tensor = this.#made.get(name);
    if (!tensor) {
      const own = this.label;
      this.label = name;
      tensor = make();
      this.label = own;
      this.#made.set(name, tensor);
    }
    return tensor;
  }
}

const unknown = ({ node }: Value): FormatError =>
  new FormatError(
    `[toOnnx] the model reads the state "${asUseOf(stateOp, node)?.label ?? node.op.name}", which none of its layers declares: make it one of a layer's own`,
  );
