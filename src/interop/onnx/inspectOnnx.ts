import { optionsOf } from '../../core/argumentChecks.ts';
import type { Shape } from '../../core/shape.ts';
import { bytesOf } from '../../data/bytes.ts';
import { initializersOf } from './initializers.ts';
import type { ExternalFiles, OnnxPort, Role } from './onnxModel.ts';
import { portOf } from './ports.ts';
import type { FunctionProto, NodeProto } from './onnx_pb.ts';
import { operatorOf } from './operators/index.ts';
import { readModel } from './readModel.ts';

/** What an ONNX file holds, as `inspectOnnx` tells it. */
export interface OnnxContents {
  /** Who wrote it: `pytorch 2.15.0`. */
  readonly producer: string;
  readonly opset: number;
  readonly inputs: readonly OnnxPort[];
  readonly outputs: readonly string[];
  /** Nodes in their order; `isRead` is false of those that `fromOnnx` refuses for their kind. */
  readonly nodes: readonly { readonly name: string; readonly operator: string; readonly isRead: boolean }[];
  /** Initializers, as they lie in the file: whether they are learned here, kept as running averages, or always the same. */
  readonly tensors: readonly { readonly name: string; readonly shape: Shape; readonly role: Role }[];
}

/**
 * What an ONNX file holds, and what of it is not read, without making a model of it.
 * @param content the file's bytes   @param options.files as `fromOnnx` has them
 * @throws FormatError for a file that is broken
 */
export function inspectOnnx(
  content: Uint8Array | ArrayBufferLike,
  options?: { readonly files?: ExternalFiles | undefined },
): OnnxContents {
  const { files } = optionsOf('inspectOnnx', options, { files: {} });
  const { model, graph, opset } = readModel(bytesOf('inspectOnnx', 'the file', content));
  const held = new Set(graph.initializer.map(({ name }) => name));
  const { producerName, producerVersion, functions } = model;
  return {
    producer: `${producerName} ${producerVersion}`.trim(),
    opset,
    inputs: graph.input.filter(({ name }) => !held.has(name)).map(portOf),
    outputs: graph.output.map(({ name }) => name),
    nodes: nodesIn(graph.node, functions),
    tensors: initializersOf(graph, files, []).map(({ name, tensor: { shape }, role }) => ({ name, shape, role })),
  };
}

/** Nodes, those of graphs within others behind the node that has them. */
function nodesIn(nodes: readonly NodeProto[], functions: readonly FunctionProto[]): OnnxContents['nodes'][number][] {
  return nodes.flatMap((node) => {
    const isFunction = functions.some(({ domain, name }) => domain === node.domain && name === node.opType);
    const operator = node.domain === '' || node.domain === 'ai.onnx' ? node.opType : `${node.domain}.${node.opType}`;
    const name = node.name || (node.output.find(Boolean) ?? '');
    const inner = node.attribute.flatMap(({ g }) => (g ? nodesIn(g.node, functions) : []));
    return [{ name, operator, isRead: isFunction || operatorOf(node) !== undefined }, ...inner];
  });
}

/**
 * Names of the files in which an ONNX model's tensors lie, beside its own: what `files` of `fromOnnx` wants.
 * @param content the file's bytes   @throws FormatError for a file that is broken
 */
export function externalFilesOf(content: Uint8Array | ArrayBufferLike): string[] {
  const { graph } = readModel(bytesOf('externalFilesOf', 'the file', content));
  const said = graph.initializer.flatMap(({ dataLocation, externalData }) => (dataLocation === 0 ? [] : externalData));
  return [...new Set(said.flatMap(({ key, value }) => (key === 'location' ? value : [])))];
}
