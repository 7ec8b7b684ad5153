import { zipSync } from 'fflate';
import {
  conv2d,
  createPredictor,
  embedding,
  linear,
  relu,
  reshape,
  sequential,
  tied,
  type Context,
  type Module,
  type Predictor,
  type Value,
} from '../../src/index.ts';
import {
  fromTorch,
  readNpy,
  readNpz,
  toTorch,
  writeNpy,
  writeNpz,
  type FromTorchOptions,
} from '../../src/interop/index.ts';
import { readZip, writeZip } from '../../src/interop/zip.ts';
import type { Case } from '../support/provoke.ts';

const text = (content: string): Uint8Array => new TextEncoder().encode(content);

const array = { shape: [2], data: Float32Array.of(1, 2) };
const npy = (changes: Readonly<Record<number, number>> = {}): Uint8Array => Object.assign(writeNpy(array), changes);
/** An array whose header has another text in a place. */
const headed = (from: string, to: string): Uint8Array =>
  new Uint8Array(Buffer.from(Buffer.from(npy()).toString('latin1').replace(from, to), 'latin1'));

/** An archive with other bytes in the directory's only entry. */
const archive = (changes: Readonly<Record<number, number>> = {}): Uint8Array => {
  const bytes = zipSync({ a: text('content') }, { level: 0 });
  const entry = 30 + 1 + 7;
  return Object.assign(
    bytes,
    Object.fromEntries(Object.entries(changes).map(([at, byte]) => [entry + Number(at), byte])),
  );
};

/** What would have more bytes than an archive holds. */
class Large extends Uint8Array {
  override get length(): number {
    return 2 ** 32;
  }
}

/** A predictor of a model, to be told of a state dict. */
const predictorOf = (
  model: Module<Value, unknown>,
  shape: readonly number[],
  dtype: 'f32' | 'i32' = 'f32',
): Promise<Predictor> => createPredictor({ model, data: { x: { shape, dtype, scale: null } }, backend: 'cpu' });

const zeros = (...shape: readonly number[]) => ({
  shape,
  data: new Float32Array(shape.reduce((product, extent) => product * extent, 1)),
});
const linearOf = (path: string, from: number, to: number) => ({
  [`${path}.weight`]: zeros(to, from),
  [`${path}.bias`]: zeros(to),
});

const taken =
  (
    stateDict: Parameters<typeof fromTorch>[1],
    options?: FromTorchOptions,
    model: Module = sequential(linear(2, 2), relu, linear(2, 2)),
  ) =>
  async (): Promise<unknown> =>
    fromTorch(await predictorOf(model, [2]), stateDict, options);

const two = { ...linearOf('encoder', 2, 2), ...linearOf('decoder', 2, 2) };

/** A file of floats of 8 bits. */
function eightBits(): Uint8Array {
  const json = '{"0.weight":{"dtype":"F8_E4M3","shape":[1],"data_offsets":[0,1]}}'.padEnd(72);
  return Buffer.concat([Buffer.from([json.length, 0, 0, 0, 0, 0, 0, 0]), Buffer.from(json), Buffer.from([0])]);
}

const table = embedding(3, 2);

const read = (bytes: Uint8Array) => (): unknown => readZip('npz', 'a.npz', bytes);

export const interop: readonly Case[] = [
  ['[npy] <file> does not begin', () => readNpy('x.npy', text('<html>'))],
  ['[npy] <file> is of version', () => readNpy('x.npy', npy({ 6: 9 }))],
  ['[npy] <file> has <n> bytes and announces', () => readNpy('x.npy', npy().subarray(0, 20))],
  ['[npy] <file> has a header', () => readNpy('x.npy', headed('shape', 'shade'))],
  ['[npy] <file> is of the type <type>', () => readNpy('x.npy', headed('<f4', '<c8'))],
  ['[npy] <file> is <type>[<shape>]', () => readNpy('x.npy', npy().subarray(0, -1))],
  ['[npy] an array of', () => writeNpy({ ...array, shape: [3] })],
  ['[npz] <file> is a single array', () => readNpz('x.npz', npy())],
  ['[npz] <file> holds "<member>"', () => readNpz('x.npz', archive())],
  ['[<reader>] <file> has no zip directory', () => readNpz('x.npz', writeNpz({ array }).subarray(0, -1))],
  ['[<reader>] <file> has a zip directory', read(archive({ 0: 0 }))],
  ['[<reader>] <file> has "<member>" at', read(archive({ 42: 1 }))],
  ['[<reader>] "<member>" of <file> is encrypted', read(archive({ 8: 1 }))],
  ['[<reader>] "<member>" of <file> is packed', read(archive({ 10: 14 }))],
  ['[<reader>] "<member>" of <file>, which', read(archive({ 27: 5 }))],
  ['[<reader>] "<member>" of <file> is not what', read(archive({ 16: 1 }))],
  ['[<reader>] <file> is what torch.save writes', () => readNpz('a.pt', Uint8Array.of(0x80, 2, 0x8a))],
  ['[<where>] <names> could be', taken(two)],
  ['[<where>] "<name>" is to be', taken(two, { names: { layer0: 'fc' } })],
  ['[fromTorch] "<name>" is a <kind>', taken(linearOf('0', 3, 2))],
  ['[fromTorch] <file> holds <shapes>', taken({ ...linearOf('0', 2, 2), ...linearOf('2', 2, 2), scale: zeros(1) })],
  ['[fromTorch] "<name>" of <file> <why not>', taken(eightBits())],
  [
    '[<where>] "<name>" and "<name>" of <file> differ',
    async () => {
      const predictor = await predictorOf(sequential(table, tied(table)), [4], 'i32');
      const other = { shape: [3, 2], data: new Float32Array(6).fill(1) };
      return fromTorch(predictor, { '0.weight': zeros(3, 2), '1.weight': other });
    },
  ],
  [
    '[torch] <n> features are images of several sizes',
    async () => {
      const [wide, high] = [conv2d(2, 1, 1), conv2d(3, 1, 1)];
      const model = (x: Value, context: Context) => ({
        wide: context.apply(wide, reshape(x, [-1, 2, 3, 2]), 'wide'),
        high: context.apply(high, reshape(x, [-1, 2, 2, 3]), 'high'),
      });
      return toTorch(await predictorOf(model, [12]));
    },
  ],
  [
    '[<where>] two tensors',
    async () =>
      toTorch(await predictorOf(sequential(linear(2, 2), linear(2, 2)), [2]), { names: { layer0: 'a', layer1: 'a' } }),
  ],
  ['[<writer>] the archive would have', () => writeZip('npz', [['a', new Large(1)]])],
];
