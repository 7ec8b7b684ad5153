import { optionsOf, requireKind } from '../../core/argumentChecks.ts';
import { FormatError, ShapeError } from '../../core/errors.ts';
import { sizeOf, type Numbers, type Shape } from '../../core/shape.ts';
import { bytesOf } from '../../data/bytes.ts';
import { isValue, type Value } from '../../graph/graph.ts';
import type { Values } from '../../nn/layer.ts';
import { importedModel, type ImportedTensor } from '../importedModel.ts';
import { GraphRun, type Names } from './graphRun.ts';
import { onnxTypeOf } from './elementTypes.ts';
import { asParameter, initializersOf } from './initializers.ts';
import type { ValueInfoProto } from './onnx_pb.ts';
import { readModel, type OpenModel } from './readModel.ts';
import type { FromOnnxOptions, OnnxModel } from './onnxModel.ts';
import { extentsOf, portOf, tensorTypeOf } from './ports.ts';
import { orderOf, Tensor, type ElementType, type Order } from './tensor.ts';

const usual = { files: {}, outputs: undefined, fixed: {}, constants: [], channelsLast: false } as const;

/**
 * A model out of an ONNX file: the graph's operators become ops, its float initializers parameters that bear their names,
 * and begin with their numbers. It takes a value, or several by name, as the file does, with any number of samples where the
 * file leaves that open, and mostly where it was exported for a fixed number. In training its dropout drops, and its batch
 * norms see the batch, as in PyTorch.
 * Kernels of convolutions lie here as `[rows, columns, in / groups, out]`, weights of linear layers as `[in, out]`; all else lies
 * as in the file.
 *
 * ```ts
 * const { model, weights } = await fromOnnx(bytes);
 * const reader = await createPredictor({ model, data: { image: { shape: [3, 224, 224] } } });
 * ```
 * @param content the file's bytes; of several outputs, `fromOnnx<Record<string, Value>>(bytes)` says so to the compiler
 * @throws FormatError for a broken file, an opset before 7 or behind 28, or what is not read, by name; ShapeError, when it is
 * used, for values of other extents
 */
export async function fromOnnx<O extends Values = Value<'f32'>>(
  content: Uint8Array | ArrayBufferLike,
  options?: FromOnnxOptions,
): Promise<OnnxModel<O>> {
  const settings = optionsOf<FromOnnxOptions, typeof usual>('fromOnnx', options, usual);
  const bytes = bytesOf('fromOnnx', 'the file', content);
  return imported(readModel(bytes), bytes.length, settings);
}

type Settings = { readonly [K in keyof typeof usual]: NonNullable<FromOnnxOptions[K]> | (typeof usual)[K] };

function imported<O extends Values>(open: OpenModel, bytes: number, settings: Settings): OnnxModel<O> {
  const { graph } = open;
  const { files, fixed, channelsLast } = settings;
  const outputs = settings.outputs ?? graph.output.map(({ name }) => name);
  const initializers = initializersOf(graph, files, [...settings.constants, ...Object.keys(fixed)]);
  const constants: Names = new Map();
  for (const [name, { shape, data }] of Object.entries(fixed)) {
    const port = graph.input.find((one) => one.name === name);
    const type = port && onnxTypeOf(tensorTypeOf(port).elemType).type;
    constants.set(name, fixedTensor(name, shape, data, type));
  }
  const parameters = new Map<string, ImportedTensor>();
  const state = new Map<string, ImportedTensor>();
  const orders = new Map<string, Order>();
  for (const initializer of initializers) {
    const { name, tensor, role, order } = initializer;
    // What is fixed takes the place of what the file has.
    if (role === 'constant' && !constants.has(name)) constants.set(name, tensor);
    if (role === 'constant') continue;
    orders.set(name, order);
    (role === 'kept' ? state : parameters).set(name, asParameter(initializer));
  }
  const ports = graph.input.filter(({ name }) => !constants.has(name) && !orders.has(name));
  const model = importedModel<O>({
    kind: 'onnx',
    parameters: Object.fromEntries(parameters),
    state: Object.fromEntries(state),
    apply(x, bound, context) {
      const names: Names = new Map(constants);
      for (const port of ports) names.set(port.name, inputTensor(port, ports.length, x, channelsLast));
      const kept = new Map<Tensor, string>();
      for (const [name, order] of orders) {
        const tensor = Tensor.of(bound[name], 'float', order);
        names.set(name, tensor);
        if (state.has(name)) kept.set(tensor, name);
      }
      const update = (tensor: Tensor, value: Value): void => {
        const name = kept.get(tensor);
        if (name !== undefined) context.update(name, value);
      };
      const run = new GraphRun(open, bytes, { context, files, update, batch: batchOf(ports, names) });
      run.run(graph.node, names, outputs);
      return outputValues(outputs, names, channelsLast);
    },
  });
  return { ...model, inputs: ports.map(portOf), outputs: outputs.map(nameHere) };
}

/** @param type as the file has it, where it says so */
function fixedTensor(name: string, shape: Shape, data: Numbers, type: ElementType | undefined): Tensor {
  const is = Array.isArray(shape) && data?.length === sizeOf(shape);
  requireKind(
    'fromOnnx',
    `fixed.${name}`,
    { shape, data },
    is,
    'a shape and as many numbers: { shape: [], data: [1] }',
  );
  const own = type ?? (data instanceof Float32Array ? 'float' : 'int');
  return Tensor.known(own, shape, Float64Array.from(data));
}

/** Channels behind rows and columns, of images, which have four axes or more. */
const channelsBehind = (rank: number): Order =>
  rank < 4
    ? Array.from({ length: rank }, (_, axis) => axis)
    : [0, ...Array.from({ length: rank - 2 }, (_, at) => at + 2), 1];

function inputTensor(port: ValueInfoProto, ports: number, x: Values, channelsLast: boolean): Tensor {
  const { name } = port;
  const value = isValue(x)
    ? ports === 1
      ? x
      : undefined
    : ((x as Readonly<Record<string, Value>>)[name] as Value | undefined);
  if (!value) {
    throw new ShapeError(
      `[onnx] the model has the input "${name}", but ${isValue(x) ? 'a single value' : Object.keys(x).join(', ')} came: give values by the names of its inputs`,
    );
  }
  const { shape } = value.spec;
  const order = channelsLast ? channelsBehind(shape.length) : orderOf(shape);
  const type: ElementType = onnxTypeOf(tensorTypeOf(port).elemType).type ?? 'float';
  const tensor = Tensor.of(value, type, order);
  const wanted = extentsOf(port);
  const fits =
    !wanted ||
    (wanted.length === shape.length &&
      wanted.every((extent, axis) => extent === null || axis === 0 || extent === tensor.shape[axis]));
  if (fits) return tensor;
  throw new ShapeError(
    `[onnx] the input "${name}" is [${wanted.map((extent) => extent ?? '…').join(', ')}] in the file, but [${tensor.shape.join(', ')}] came: give it as the file has it, or, of images with their channels last, say channelsLast`,
  );
}

/** How many samples the model was exported for, where all inputs agree, and how many there are; undefined where it takes any. */
function batchOf(ports: readonly ValueInfoProto[], names: Names): { exported: number; given: number } | undefined {
  const exported = new Set(ports.map((port) => extentsOf(port)?.[0] ?? null));
  const given = new Set(ports.map(({ name }) => names.get(name)!.shape[0]));
  const [[one], [other]] = [[...exported], [...given]];
  const isOther = exported.size === 1 && given.size === 1 && typeof one === 'number' && one !== other;
  return isOther ? { exported: one, given: other } : undefined;
}

/** Names that are numbers would come in the order of these, and not in the file's. */
const nameHere = (name: string): string => (/^\d+$/.test(name) ? `output${name}` : name);

/** A value, or several by name. */
function outputValues(outputs: readonly string[], names: Names, channelsLast: boolean): Values {
  const values = outputs.map((name) => {
    const tensor = names.get(name);
    if (!tensor) throw new FormatError(`[onnx] the model gives no "${name}": ask for one of the names in its graph`);
    const value = channelsLast ? tensor.as(channelsBehind(tensor.shape.length)) : tensor.value;
    return [nameHere(name), value] as const;
  });
  return values.length === 1 ? values[0][1] : Object.fromEntries(values);
}
