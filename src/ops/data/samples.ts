import { f32Literal, flatGrid, output, type Kernel, type AdapterTraits } from '../../core/launch.ts';
import { fromHalves } from '../../core/halves.ts';
import { halfBitsOf, Permutation } from '../../core/permutation.ts';
import { grainOver, type WasmWork } from '../../core/wasmLaunch.ts';
import { allocate, byteLength, sizeOf, type Dtype, type Numbers, type Shape } from '../../core/shape.ts';
import { boundsOf, runReference, UNIT } from '../../graph/accuracy.ts';
import { applyOne, type Accuracy, type Node, type Op, type Value } from '../../graph/graph.ts';
import { asUseOf } from '../../graph/leaf.ts';
import { bytesOf, elementsOf, workOf } from '../../graph/work.ts';
import { alone } from '../launches/sharedLaunch.ts';
import { EPOCH, keyOf, PART, POSITION } from '../training/control.ts';
import { byteAt } from './integerReader.ts';
import philoxText from '../../../shaders/functions/philox.wgsl?raw';
import orderText from '../../../shaders/riders/sampleOrder.wgsl?raw';
import takeKernel from '../../../shaders/data/takeSamples.wgsl?raw';

/** A stream of samples: of how many there are in an epoch, and whether each epoch has an order of its own. */
export interface Stream {
  readonly length: number;
  readonly shuffle: boolean;
}

interface OrderAttrs extends Stream {
  readonly count: number;
  readonly partRows: number;
}

/** The samples from the control's position on, as many as there is room for. @param partRows samples of each part of the step */
export function drawOrder(rows: Numbers, control: Numbers, { length, shuffle }: Stream, partRows = 0): void {
  const first = control[POSITION] + control[PART] * partRows;
  let epoch = -1;
  let permutation: Permutation | undefined;
  for (let r = 0; r < rows.length; r++) {
    const own = control[EPOCH] + Math.floor((first + r) / length);
    if (own !== epoch && shuffle) permutation = new Permutation(length, keyOf(control), own);
    epoch = own;
    const place = (first + r) % length;
    rows[r] = permutation?.at(place) ?? place;
  }
}

const orderOp: Op<OrderAttrs> = {
  name: 'sampleOrder',
  infer: (_, { count }) => [{ shape: [count], dtype: 'u32' }],
  cpu: ([control], [rows], { attrs }) => drawOrder(rows, control, attrs, attrs.partRows),
  gpu: ({ attrs: { count, length, partRows, shuffle } }) => [
    alone({
      name: 'sampleOrder',
      includes: [philoxText, orderText],
      reads: { counting: 'u32' },
      writes: { order: 'u32' },
      words: [count, length, partRows, shuffle ? halfBitsOf(length) : 0],
      count,
    }),
  ],
  flops: () => 0,
  bytes: ({ inputs: [control], outputs }) => bytesOf([control, ...outputs]),
};

/** The same in the place of what was drawn before. */
const nextOrderOp: Op<OrderAttrs> = {
  ...orderOp,
  effect: true,
  inPlace: [1],
  rides: ({ attrs: { count } }) => count,
};

/**
 * Which samples a part of a step takes: those from the control's position on in the endless stream of epochs, each of
 * which visits every sample once, in an order of its own.
 * @param control u32[6]   @param options.partRows samples of each part before this one   @returns `u32[count]`
 */
export const sampleOrder = (control: Value, options: OrderAttrs): Value => applyOne(orderOp, [control], options);

/**
 * Draws ahead, when a step is counted, which samples the next one takes.
 * @param control u32[6], as it is then   @param drawn u32[n], what this step took, which is overwritten
 */
export const nextOrder = (control: Value, drawn: Value, stream: Stream): Value =>
  applyOne(nextOrderOp, [control, drawn], { ...stream, count: sizeOf(drawn.spec.shape), partRows: 0 });

/** How samples lie that overlap: each `stride` numbers behind the one before. */
export interface Overlap {
  /** Of a sample. */
  readonly shape: Shape;
  readonly stride: number;
  /** Numbers in front of the first sample; 0 if left out. */
  readonly first?: number;
  /** Of numbers that lie two to a word of u32. */
  readonly stored?: 'f16';
}

/** The numbers of a part, and how many there are. */
function storedIn(part: Numbers, stored: Overlap['stored']): Numbers {
  return stored === 'f16' ? fromHalves(new Uint16Array(part.buffer, part.byteOffset, 2 * part.length)) : part;
}

interface TakeAttrs {
  /** The field's name. */
  readonly label: string;
  /** Samples in every part of the data but the last. */
  readonly held: number;
  /** Of samples that overlap; else they are the first axis. */
  readonly overlap?: Overlap;
  readonly dtype: Exclude<Dtype, 'u8'>;
  readonly scale: number;
  readonly offset: number;
}

const lanes = (lane: (at: number) => string): string => [0, 1, 2, 3].map(lane).join(', ');

/** Element access by packed bytes, or by whole vectors where samples, and what is between their first numbers, are a multiple of four long. */
function accessOf(
  stored: Dtype | 'f16',
  size: number,
  stride: number,
  first: number,
): Pick<Kernel, 'functions' | 'constants'> {
  const [whole, wholeStore] = [[size, stride, first].every((count) => count % 4 === 0), size % 4 === 0];
  const head = 'fn four(at: u32) -> vec4<X>';
  const packed = whole
    ? `let word = x[at / 4u];\n  return vec4u(${lanes((at) => `(word >> ${8 * at}u) & 0xffu`)});`
    : `return vec4u(${lanes((at) => byteAt('x', `(at + ${at}u)`))});`;
  const store = 'fn store_four(at: u32, left: u32, value: vec4<Y>) {\n  y[at / 4u] = value;\n}';
  const halves = whole
    ? 'return vec4f(unpack2x16float(x[at / 2u]), unpack2x16float(x[at / 2u + 1u]));'
    : `return vec4f(${lanes((at) => `unpack2x16float(x[(at + ${at}u) / 2u])[(at + ${at}u) % 2u]`)});`;
  const packs = { u8: packed, f16: halves } as const;
  const load = stored in packs ? packs[stored as keyof typeof packs] : whole ? 'return x[at / 4u];' : undefined;
  return {
    functions: { ...(load && { four: `${head} {\n  ${load}\n}` }), ...(wholeStore && { store_four: store }) },
    constants: {
      X_ELEMENT: stored in packs ? 'u32' : whole ? 'vec4<X>' : 'X',
      Y_ELEMENT: wholeStore ? 'vec4<Y>' : 'Y',
    },
  };
}

/** Of the data, only the chosen samples are read. */
const chosenBytes = ({ inputs: [, part], outputs: [y] }: Node): number =>
  byteLength({ shape: y.spec.shape, dtype: part.spec.dtype });

/** An item is a row. */
function takeInWasm({ inputs: [, ...parts], outputs: [y], attrs }: Node<TakeAttrs>): WasmWork | undefined {
  const { held, overlap, scale, offset } = attrs;
  const stored = parts[0].spec.dtype;
  const isScaled = scale !== 1 || offset !== 0 || (stored === 'u8' && y.spec.dtype === 'f32');
  if (overlap?.stored || (isScaled && stored !== 'f32' && stored !== 'u8')) return undefined;
  const [rows] = y.spec.shape;
  const size = sizeOf(y.spec.shape) / rows;
  const { stride = size, first = 0 } = overlap ?? {};
  const form = isScaled ? (stored === 'u8' ? 'scaledBytes' : 'scaledWords') : stored === 'u8' ? 'bytes' : 'words';
  return {
    launches: parts.map(({ spec: { shape } }, at) => ({
      kernel: 'takeSamples',
      operands: [0, 1 + at, output(0)],
      words: [
        size,
        stride,
        first,
        at * held,
        overlap ? Math.floor((shape[0] - first - size) / stride) + 1 : shape[0],
        { named: `Taken.${form}` },
        { f32: scale },
        { f32: offset },
      ],
      items: rows,
      grain: grainOver(size),
    })),
  };
}

/** The inputs are the rows, then the parts of the data, one launch for each. */
export const takeOp: Op<TakeAttrs> = {
  name: 'takeSamples',
  infer: ([rows, part], { dtype, overlap }) => [
    { shape: [...rows.shape, ...(overlap ? overlap.shape : part.shape.slice(1))], dtype },
  ],
  cpu([rows, ...given], [y], { attrs: { held, overlap, scale, offset } }) {
    const size = y.length / rows.length;
    const { stride = size, first = 0, stored } = overlap ?? {};
    const parts = given.map((part) => storedIn(part, stored));
    for (let r = 0; r < rows.length; r++) {
      const part = parts[Math.floor(rows[r] / held)];
      const from = first + (rows[r] % held) * stride;
      for (let i = 0; i < size; i++) y[r * size + i] = part[from + i] * scale + offset;
    }
  },
  gpu({ inputs: [, ...parts], outputs: [y], attrs: { held, overlap, dtype, scale, offset } }) {
    const count = sizeOf(y.spec.shape);
    const size = count / y.spec.shape[0];
    const scaled = scale !== 1 || offset !== 0;
    const value = scaled ? `vec4f(value) * ${f32Literal(scale)} + ${f32Literal(offset)}` : 'vec4<Y>(value)';
    const rows = y.spec.shape[0];
    const fours = Math.ceil(size / 4);
    const { stride = size, first = 0, stored } = overlap ?? {};
    return parts.map(({ spec }, at) => {
      const { functions, constants } = accessOf(stored ?? spec.dtype, size, stride, first);
      const numbers = stored === 'f16' ? 2 * spec.shape[0] : spec.shape[0];
      const samples = overlap ? Math.floor((numbers - first - size) / stride) + 1 : numbers;
      return {
        kernel: {
          name: 'takeSamples',
          source: takeKernel,
          constants: { X: stored ? 'f32' : spec.dtype === 'u8' ? 'u32' : spec.dtype, Y: dtype, ...constants },
          functions: { ...functions, epilogue: `fn epilogue(value: vec4<X>) -> vec4<Y> {\n  return ${value};\n}` },
        },
        bindings: [0, 1 + at, output(0)],
        uniform: [rows, fours, size, at * held, samples, stride, first],
        grid: flatGrid(rows * fours),
      };
    });
  },
  wasm: takeInWasm,
  flops: ({ outputs, attrs: { scale, offset } }) => (scale !== 1 || offset !== 0 ? 2 * elementsOf(outputs) : 0),
  bytes: (node) => chosenBytes(node) + bytesOf([node.inputs[0], ...node.outputs]),
  accuracy({ attrs: { scale, offset } }) {
    const scaled = scale !== 1 || offset !== 0;
    return { ulps: scaled ? 4 : 0, magnitude: 'result', absolute: scaled ? 2 ** -22 * Math.abs(offset) + 1e-37 : 0 };
  },
};

/** How the numbers of a field are kept, and what the model sees of them. */
export interface Kept {
  readonly dtype: Dtype;
  readonly scale: { readonly scale: number; readonly offset: number } | null;
}

/**
 * Chosen samples of a field, as the model sees them: u8 comes as u32, or scaled as f32.
 * @param rows u32[n]   @param parts the field's samples, `held` in each of them but the last
 * @returns `[n, …]`
 */
export function takeSamples(
  rows: Value,
  parts: readonly Value[],
  {
    label,
    held,
    overlap,
    dtype,
    scale,
  }: Kept & { readonly label: string; readonly held: number; readonly overlap?: Overlap | undefined },
): Value {
  const plain = dtype === 'u8' ? 'u32' : dtype;
  return applyOne(takeOp, [rows, ...parts], {
    label,
    held,
    ...(overlap && { overlap }),
    dtype: scale ? 'f32' : plain,
    scale: scale?.scale ?? 1,
    offset: scale?.offset ?? 0,
  });
}

/** A node whose input comes from `take`, as an op that reads the samples where they lie. Its inputs: that input's samples in its place, and behind all the rows. */
export function takingOp(node: Node, at: number, take: Node): Op<null> | undefined {
  const { dtype: seen, scale, offset, overlap } = asUseOf(takeOp, take)!;
  const part = take.inputs[1];
  if (overlap) return undefined;
  const stored = part.spec.dtype;
  const size = sizeOf(part.spec.shape.slice(1));
  const access = node.op.fromSamples?.(node, at, { dtype: stored, size, scale, offset });
  if (!access || take.inputs.length !== 2) return undefined;
  const taken = (inputs: readonly Numbers[], precision: 'f32' | 'f64'): Numbers[] => {
    const numbers = allocate(take.outputs[0].spec, precision);
    takeOp.cpu([inputs[inputs.length - 1], inputs[at]], [numbers], take as Node<TakeAttrs>);
    return inputs.slice(0, -1).with(at, numbers);
  };
  const name = `takeSamples+${node.op.name}`;
  return {
    name,
    ...(node.op.epilogue && { epilogue: true }),
    infer: () => node.outputs.map(({ spec }) => spec),
    cpu: (inputs, outputs) =>
      node.op.cpu(taken(inputs, outputs[0] instanceof Float64Array ? 'f64' : 'f32'), outputs, node),
    ...(node.op.forms && { forms: (_: Node<null>, adapter: AdapterTraits) => node.op.forms!(node, adapter) }),
    ...(node.op.hosts && { hosts: (_: Node<null>, adapter: AdapterTraits) => node.op.hosts!(node, adapter) }),
    gpu(self, adapter, form) {
      const launches = node.op.gpu(node, adapter, form);
      return launches.map(({ kernel, bindings, ...rest }) => {
        const own = bindings ?? [...node.inputs.map((_, i) => i), ...node.outputs.map((_, i) => output(i))];
        const writes = Object.keys(kernel.writes ?? {}).length;
        return {
          ...rest,
          kernel: {
            ...kernel,
            name,
            functions: { ...kernel.functions, ...access.functions },
            constants: { ...kernel.constants, ...access.constants },
            reads: { ...kernel.reads, rows: 'u32' },
          },
          bindings: [...own.slice(0, own.length - writes), self.inputs.length - 1, ...own.slice(own.length - writes)],
        };
      });
    },
    flops: () => workOf(node).flops + workOf(take).flops,
    bytes: () => workOf(node).bytes - bytesOf([node.inputs[at]]) + bytesOf([take.inputs[0]]) + chosenBytes(take),
    accuracy: (): Accuracy => ({
      ulps: 1,
      magnitude(inputs, expected) {
        const whole = taken(inputs, 'f64');
        const bounds = boundsOf(node, whole, expected);
        if (seen !== 'f32' || (scale === 1 && offset === 0)) return bounds.map((bound) => bound.map((b) => b / UNIT));
        // What the samples' own rounding moves the result by, where it is linear in them.
        const sizes = whole[at].map((x) => Math.abs(x) + 2 * Math.abs(offset));
        const moved = runReference(
          node,
          whole.map((numbers, i) => (i === at ? sizes : numbers.map(Math.abs))),
        );
        return bounds.map((bound, o) => bound.map((b, i) => b / UNIT + 8 * Math.abs(moved[o][i])));
      },
    }),
  };
}
