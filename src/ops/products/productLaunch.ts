import { flatGrid, output, type AdapterTraits, type Launch } from '../../core/launch.ts';
import { withRoom } from '../launches/sharedLaunch.ts';
import { ladderOf, partTerms, type ProductShape } from './matmulForms.ts';
import type { ProductAccess } from './productAccess.ts';
import operandAccess from '../../../shaders/products/matmul.wgsl?raw';

const biasFunctions = {
  bias_of: `fn bias_of(first: u32) -> vec4f {
  var four: vec4f;
  for (var turn = 0u; turn < 0x7fffffffu; turn++) {
    if (turn >= turns_of_four()) {
      break;
    }
    four = vec4f(four.yzw, bias[first + turn]);
  }
  return four;
}`,
  with_bias: 'fn with_bias(value: vec4f, own: vec4f) -> vec4f {\n  return value + own;\n}',
};

/** In how many sums each part ends. */
const sumCount = ({ sums, M, N }: ProductShape): number => (sums === 'rows' ? M : N);

/** Whether four neighbouring sums are stored as one. */
const hasWholeSums = (shape: ProductShape): boolean => sumCount(shape) % 4 === 0;

/** How they are stored. */
function storeSums(shape: ProductShape, sumAt: string): string {
  const lines = shape.sums === 'rows' ? 'sizes.m' : 'sizes.n';
  const one = `let end = min(first + 4u, ${lines});
  var rest = value;
  for (var turn = 0u; turn < 0x7fffffffu; turn++) {
    if (first + turn >= end) {
      break;
    }
    sums[at + turn] = rest.x;
    rest = rest.yzww;
  }`;
  const four = `if (first < ${lines}) {
    sums[at / 4u] = value;
  }`;
  return `fn store_sums(part: u32, first: u32, value: vec4f) {
  let at = ${sumAt};
  ${hasWholeSums(shape) ? four : one}
  if (part == 0u && first == 0u) {
    besides(0u);
  }
}`;
}

/** Words of the uniform in front of OPERANDS, which begins at a multiple of four, and behind it, at least. */
const OPERANDS_AT = 12;
const LEAST_OPERANDS = 4;

/** A product in one of its forms. @param bias at which input a bias stands that is added as C is stored */
export function productLaunch(
  name: string,
  formName: string,
  adapter: AdapterTraits,
  shape: ProductShape,
  access: ProductAccess,
  bias?: number,
): Launch {
  const form = ladderOf(adapter, shape).get(formName);
  if (!form) throw new Error(`[${name}] has no form ${formName} on this adapter`);
  const { M, N, K, matrices, aMatrix, bMatrix, sums, parts } = shape;
  const { words, wholeC, sumAt } = access;
  const apart = form.sumsApart.includes(sums) ? sums : 'none';
  // Sums are to be had without any rows of C too.
  const mBlocks = Math.max(1, Math.ceil(M / form.rows) + (apart === 'columns' ? 1 : 0));
  const nBlocks = Math.max(sums === 'rows' ? 1 : 0, Math.ceil(N / form.columns) + (apart === 'rows' ? 1 : 0));
  const blocks = matrices * parts * mBlocks * nBlocks;
  const stores = wholeC && (wholeC.along === 'rows' || !form.storesRows) ? wholeC : undefined;
  const withSums = sums !== 'none';
  const writes = { ...access.writes, ...(withSums && { sums: hasWholeSums(shape) ? 'vec4f' : 'f32' }) };
  const uniform = [M, N, K, mBlocks, nBlocks, blocks, aMatrix, bMatrix, parts, partTerms(K, parts), 4];
  const filled = words.length > 0 ? words : new Array<number>(LEAST_OPERANDS).fill(0);
  return withRoom({
    kernel: {
      name,
      source: `${operandAccess}\n${form.source}`,
      entry: form.entry,
      ...(form.enables && { enables: form.enables }),
      functions: {
        ...form.functions,
        ...access.functions,
        ...stores?.functions,
        ...(bias !== undefined && biasFunctions),
        ...(withSums && { store_sums: storeSums(shape, sumAt) }),
      },
      constants: {
        ...form.constants,
        ...access.constants,
        ...stores?.constants,
        WITH_SUMS: String(withSums),
        SUMS_OF_A: String(sums === 'rows'),
        WHOLE_K: String(K % 4 === 0),
        UNROLLS: String(!adapter.software),
      },
      ...(access.includes && { includes: access.includes }),
      ...(bias !== undefined && { reads: { bias: 'f32' } }),
      ...(Object.keys(writes).length > 0 && { writes }),
    },
    bindings: [
      ...access.operands,
      output(0),
      ...(bias === undefined ? [] : [bias]),
      ...Object.keys(writes).map((_, at) => output(1 + at)),
    ],
    uniform: [...uniform, ...new Array<number>(OPERANDS_AT - uniform.length).fill(0), ...filled],
    grid: form.invocations === 1 ? flatGrid(blocks) : flatGrid(blocks, 1),
  });
}
