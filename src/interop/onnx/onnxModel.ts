import type { Numbers, Shape } from '../../core/shape.ts';
import type { Value } from '../../graph/graph.ts';
import type { Values } from '../../nn/layer.ts';
import type { ImportedModel } from '../importedModel.ts';

/* What a user sees of an ONNX model: declarations, which must do without the package that reads the messages. */

/** Bytes of files that lie beside a model, by the names that it has for them. */
export type ExternalFiles = Readonly<Record<string, Uint8Array>>;

/** What a tensor of the file is to a model that learns: learned, kept as a running average is, or always the same. */
export type Role = 'parameter' | 'kept' | 'constant';

/** What `fromOnnx` may be told. */
export interface FromOnnxOptions {
  /** Bytes of the files that the model's tensors lie in, by the names that it has for them: `{ 'model.onnx.data': bytes }`. */
  readonly files?: ExternalFiles | undefined;
  /** Names of the tensors that the model is to give; those that the file gives, if left out. What they do not need is not read. */
  readonly outputs?: readonly string[] | undefined;
  /** Numbers of inputs that stay the same, by name: lengths, or the scales of a resize. They are none of the model's inputs. */
  readonly fixed?: Readonly<Record<string, { readonly shape: Shape; readonly data: Numbers }>> | undefined;
  /** Initializers that are not learned, by name: a table of positions, a mask. */
  readonly constants?: readonly string[] | undefined;
  /** Whether images, of four axes, come and go with their channels last, `[N, H, W, C]`, as here, rather than as in the file. */
  readonly channelsLast?: boolean | undefined;
}

/** What `fromOnnx` gives: a model, its weights, and what it takes and gives by name. */
export interface OnnxModel<O extends Values = Value<'f32'>> extends ImportedModel<O> {
  /** What the model takes, in the file's order; extents that the file leaves open are null. */
  readonly inputs: readonly OnnxPort[];
  /** Names of what it gives, in the file's order; of those that are numbers, as `142`, `output142`. */
  readonly outputs: readonly string[];
}

/** What an ONNX model takes. */
export interface OnnxPort {
  readonly name: string;
  /** As the file has it: FLOAT, INT64. */
  readonly type: string;
  readonly shape: readonly (number | null)[] | null;
}
