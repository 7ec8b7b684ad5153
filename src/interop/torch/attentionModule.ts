import type { Tensor } from '../../data/safetensors.ts';
import { transformerWeights } from '../../nn/transformerWeights.ts';
import { layouts, theirLayout } from './layouts.ts';
import { below, type ModuleSource, type Tensors, type TorchModule } from './torchModule.ts';

const transposed = (weight: Tensor): Tensor => theirLayout(layouts['linear']['weight'], 'linear', weight);

/** Rows, or numbers, one behind the other. */
function joined(parts: readonly Tensor[]): Tensor {
  const [, ...rest] = parts[0].shape;
  const rows = parts.reduce((sum, { shape }) => sum + shape[0], 0);
  const data = new Float32Array(parts.reduce((sum, part) => sum + part.data.length, 0));
  let at = 0;
  for (const part of parts) {
    data.set(part.data, at);
    at += part.data.length;
  }
  return { shape: [rows, ...rest], data };
}

/** Some of the rows. */
const rowsOf = ({ shape: [rows, ...rest], data }: Tensor, first: number, end: number): Tensor => {
  const width = data.length / rows;
  return { shape: [end - first, ...rest], data: data.subarray(first * width, end * width) };
};

/** Attention as PyTorch's `MultiheadAttention`; undefined of one whose heads share keys, which has no such module. */
export function attentionModule({ path, kind, own }: ModuleSource): TorchModule | undefined {
  const written = own['input.weight'] ? ofSteps(own) : ofMemory(own);
  // Low-rank factors, and whatever else is in it, stay what they are.
  const here = Object.keys(own);
  if (!written || !here.every((name) => /^(input|query|keyValue|output)\.(weight|bias)$/.test(name))) return undefined;
  const output = own['output.bias'] ? { 'out_proj.bias': own['output.bias'] } : {};
  const isCross = own['input.weight'] === undefined;
  return {
    path,
    kind,
    tensors: { ...written, 'out_proj.weight': transposed(own['output.weight']), ...output },
    here,
    optional: [],
    taken(theirs) {
      // By this name it knows one that looks at a memory of its own width.
      const [prefix, ours] = isCross ? ['multihead_attn.', 'crossAttention.'] : ['', ''];
      const named = Object.entries(theirs).map(([name, tensor]) => [prefix + name, tensor] as const);
      const found = Object.entries(transformerWeights(Object.fromEntries(named)));
      return Object.fromEntries(
        found.map(([name, data]) => {
          const short = name.slice(ours.length);
          return [below(path, short), { shape: own[short].shape, data }];
        }),
      );
    },
  };
}

function ofSteps(own: Tensors): Tensors | undefined {
  const [width, all] = own['input.weight'].shape;
  if (all !== 3 * width) return undefined;
  const bias = own['input.bias'];
  return { in_proj_weight: transposed(own['input.weight']), ...(bias && { in_proj_bias: bias }) };
}

function ofMemory(own: Tensors): Tensors | undefined {
  const { 'query.weight': query, 'keyValue.weight': keyValue, 'query.bias': bias, 'keyValue.bias': ofBoth } = own;
  const [width, asked] = query.shape;
  const [memoryWidth, seen] = keyValue.shape;
  if (width !== asked || seen !== 2 * width) return undefined;
  const biases = bias && { in_proj_bias: joined([bias, ofBoth]) };
  const [q, both] = [transposed(query), transposed(keyValue)];
  if (memoryWidth === width) return { in_proj_weight: joined([q, both]), ...biases };
  const [k, v] = [rowsOf(both, 0, width), rowsOf(both, width, 2 * width)];
  return { q_proj_weight: q, k_proj_weight: k, v_proj_weight: v, ...biases };
}
