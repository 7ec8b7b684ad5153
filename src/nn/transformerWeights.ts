import { requireKind } from '../core/argumentChecks.ts';
import { DataError, ShapeError } from '../core/errors.ts';
import { sizeOf, type Shape } from '../core/shape.ts';

/** A tensor, as `readSafetensors` gives it. */
interface Tensor {
  readonly shape: Shape;
  readonly data: ArrayLike<number>;
}

/** What PyTorch calls the attentions of its layers, and what they are called here. */
const attentions: Readonly<Record<string, string>> = { self_attn: 'selfAttention', multihead_attn: 'crossAttention' };

/** PyTorch's `[out, in]` as `[in, out]`, of some of its rows. */
function turned({ shape: [rows, columns], data }: Tensor, first = 0, end = rows): Tensor {
  const width = end - first;
  const numbers = new Float32Array(columns * width);
  for (let row = 0; row < width; row++) {
    for (let column = 0; column < columns; column++) {
      numbers[column * width + row] = data[(first + row) * columns + column];
    }
  }
  return { shape: [columns, width], data: numbers };
}

/** Two matrices with as many rows, side by side. */
function beside(a: Tensor, b: Tensor): Tensor {
  const [rows, width] = a.shape;
  const data = new Float32Array(rows * 2 * width);
  for (let at = 0; at < data.length; at++) {
    const [row, column] = [Math.floor(at / (2 * width)), at % (2 * width)];
    data[at] = column < width ? a.data[row * width + column] : b.data[row * width + column - width];
  }
  return { shape: [rows, 2 * width], data };
}

const some = ({ data }: Tensor, first: number, end: number): Tensor => ({
  shape: [end - first],
  data: Float32Array.from(data).subarray(first, end),
});

/** What one of an attention's tensors is here, by name. @param of the attention's others */
function ofAttention(name: string, tensor: Tensor, of: (name: string) => Tensor | undefined, isCross: boolean) {
  const [rows] = tensor.shape;
  const own: Record<string, () => Readonly<Record<string, Tensor>>> = {
    in_proj_weight: () =>
      isCross
        ? { 'query.weight': turned(tensor, 0, rows / 3), 'keyValue.weight': turned(tensor, rows / 3) }
        : { 'input.weight': turned(tensor) },
    in_proj_bias: () =>
      isCross
        ? { 'query.bias': some(tensor, 0, rows / 3), 'keyValue.bias': some(tensor, rows / 3, rows) }
        : { 'input.bias': tensor },
    q_proj_weight: () => ({ 'query.weight': turned(tensor) }),
    k_proj_weight: () => ({ 'keyValue.weight': beside(turned(tensor), turned(of('v_proj_weight') ?? tensor)) }),
    v_proj_weight: () => ({}),
    'out_proj.weight': () => ({ 'output.weight': turned(tensor) }),
    'out_proj.bias': () => ({ 'output.bias': tensor }),
  };
  return own[name]?.();
}

/** What another tensor of a layer is here. */
function ofProduct(name: string, tensor: Tensor): Readonly<Record<string, Tensor>> | undefined {
  const [, owner, kind] = /^(?:.*\.)?(linear\d|norm\d?)\.(weight|bias)$/.exec(name) ?? [];
  if (!owner) return undefined;
  if (owner.startsWith('linear')) return { [name]: kind === 'weight' ? turned(tensor) : tensor };
  return { [name.replace(/[^.]*$/, kind === 'weight' ? 'gamma' : 'beta')]: tensor };
}

/**
 * PyTorch's weights of a `MultiheadAttention`, a `TransformerEncoderLayer`, a `TransformerDecoderLayer`, or of several of
 * these below names of their own, as the layers of that name here have them: to be given to `writeParameters`.
 * @param given a state dict, by PyTorch's names, as `readSafetensors` gives one
 * @throws DataError for a name that none of these layers has; ShapeError for numbers that are not as many as a shape says
 */
export function transformerWeights(given: Readonly<Record<string, Tensor>>): Readonly<Record<string, Float32Array>> {
  const where = 'transformerWeights';
  requireKind(where, 'what is taken over', given, typeof given === 'object' && given !== null, 'tensors by name');
  const weights = Object.entries(given).flatMap(([name, tensor]) => {
    requireTensor(name, tensor);
    const own = /^(.*?)((?:in_proj_|[qkv]_proj_)(?:weight|bias)|out_proj\.(?:weight|bias))$/.exec(name);
    if (!own) return Object.entries(ofProduct(name, tensor) ?? unknown(name));
    const [, before, last] = own;
    const of = (other: string): Tensor | undefined => given[before + other];
    const isCross = before.endsWith('multihead_attn.') || of('q_proj_weight') !== undefined;
    const path = before.split('.').map((part) => attentions[part] ?? part);
    const made = ofAttention(last, tensor, of, isCross) ?? unknown(name);
    return Object.entries(made).map(([here, value]) => [path.join('.') + here, value] as const);
  });
  return Object.fromEntries(weights.map(([name, { data }]) => [name, Float32Array.from(data)]));
}

function unknown(name: string): never {
  throw new DataError(
    `[transformerWeights] "${name}" is none of in_proj_weight, in_proj_bias, q_proj_weight, k_proj_weight, v_proj_weight, out_proj, linear1, linear2, norm1, norm2, norm3, with or without a path in front: take those of a transformer's layers`,
  );
}

function requireTensor(name: string, given: Tensor): void {
  const { shape, data } = Object(given) as Tensor;
  const is =
    Array.isArray(shape) && (shape as unknown[]).every(Number.isInteger) && data?.length === sizeOf(shape as Shape);
  if (is) return;
  throw new ShapeError(
    `[transformerWeights] "${name}" has ${String(data?.length ?? 'no')} numbers of a shape [${String(shape)}]: give { shape, data }, as readSafetensors does`,
  );
}
