import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { predict } from '../../src/cli/predict.ts';
import type { PredictCommand } from '../../src/cli/command/commands.ts';
import { parseCommand } from '../../src/cli/command/parseCommand.ts';
import { readSafetensors, writeSafetensors, type Safetensors } from '../../src/data/index.ts';
import { readStored } from '../../src/data/safetensors.ts';
import { createTrainer, crossEntropy, linear, sgd, type Trainer } from '../../src/index.ts';
import { inFolder, type Case } from '../support/provoke.ts';

const small = (): Promise<Trainer> =>
  createTrainer({
    model: linear(2, 3),
    loss: crossEntropy,
    optimizer: sgd(),
    batchSize: 4,
    backend: 'cpu',
    data: { point: { shape: [2], dtype: 'f32', scale: null }, label: { shape: [], dtype: 'u8', scale: null } },
  });

const tensors: Safetensors['tensors'] = {
  weight: { shape: [2, 3], data: new Float32Array(6) },
  bias: { shape: [3], data: new Float32Array(3) },
};

const loading = (given: Safetensors['tensors']) => async () =>
  (await small()).loadWeights(writeSafetensors({ tensors: given, metadata: {} }), 'other.safetensors');

/** A checkpoint, changed, and loaded again. */
const resuming = (change: (file: ReturnType<typeof readStored>) => void) => async () => {
  const file = readStored('saved', await (await small()).save());
  Reflect.deleteProperty(file.metadata, '__millrace__.digest');
  change(file);
  const { tensors: stored, metadata } = file;
  return (await small()).load(writeSafetensors({ tensors: stored as Safetensors['tensors'], metadata }));
};

const writing = (values: Readonly<Record<string, ArrayLike<number>>>) => async () =>
  (await small()).writeParameters(values);

/** What `predict` says of a model with this description. */
const describedAs = (metadata: Readonly<Record<string, string>>) => () =>
  inFolder(async (folder) => {
    const path = join(folder, 'model.safetensors');
    await writeFile(path, writeSafetensors({ tensors: {}, metadata }));
    return predictBy(path);
  });

const predictBy = (model: string): Promise<number> =>
  predict(parseCommand(['predict', model, 'rows.csv']) as PredictCommand);

/** A file with this header, and some bytes behind it. */
function fileOf(header: unknown, behind: number): Uint8Array {
  const json = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header));
  const bytes = new Uint8Array(8 + json.length + behind);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(json.length), true);
  bytes.set(json, 8);
  return bytes;
}

const reading =
  (header: unknown, behind = 0) =>
  () =>
    readSafetensors('w.safetensors', fileOf(header, behind));

const ofTwo = { dtype: 'F32', shape: [2], data_offsets: [0, 8] };
const DESCRIPTION = '[model] <path> <what';

export const savedWeights: readonly Case[] = [
  [
    '[weights] "<name>" holds <number>',
    loading({ ...tensors, bias: { shape: [3], data: Float32Array.of(0, NaN, 1) } }),
  ],
  ['[model] <path> cannot be read', () => inFolder((folder) => predictBy(join(folder, 'gone')))],
  [DESCRIPTION, describedAs({})],
  [DESCRIPTION, describedAs({ millrace: '{' })],
  [DESCRIPTION, describedAs({ millrace: '{}' })],
  [DESCRIPTION, describedAs({ millrace: '{"hidden": [3]}' })],
  [DESCRIPTION, describedAs({ millrace: '{"hidden": [], "model": "vgg"}' })],
  ['[weights] "<name>" is f32[<shape>] here but not', loading({ weight: tensors['weight'] })],
  [
    '[weights] "<name>" is f32[<shape>] here but f32',
    loading({ ...tensors, bias: { shape: [1, 3], data: new Float32Array(3) } }),
  ],
  [
    '[weights] "<name>" is f32[<shape>] here but in',
    async () =>
      (await small()).loadWeights(fileOf({ weight: { ...ofTwo, dtype: 'F8_E4M3', data_offsets: [0, 6] } }, 6)),
  ],
  ['[weights] <file> holds', loading({ ...tensors, more: { shape: [1], data: new Float32Array(1) } })],
  [
    '[checkpoint] <file> cannot go on here',
    async () => (await small()).load(writeSafetensors({ tensors, metadata: {} }), { file: 'weights.safetensors' }),
  ],
  [
    '[checkpoint] <file> was saved with',
    async () => {
      const bytes = await (await small()).save();
      bytes[bytes.length - 1] ^= 1;
      return (await small()).load(bytes);
    },
  ],
  [
    '[checkpoint] <file> has format',
    resuming(({ metadata }) => Object.assign(metadata, { '__millrace__.format': '2' })),
  ],
  ['[checkpoint] <file> does not say', resuming(({ metadata }) => Object.assign(metadata, { ['__millrace__']: '{' }))],
  [
    '[checkpoint] "<name>" is',
    resuming(({ tensors: stored }) => Reflect.deleteProperty(stored, '__millrace__.control')),
  ],
  [
    '[checkpoint] <file> has <n> numbers',
    resuming(({ tensors: stored }) => {
      Object.assign(stored, { '__millrace__.rows': { shape: [3], data: new Float32Array(3) } });
    }),
  ],
  ['[writeParameters] "<name>" is', writing({ weight: [1] })],
  ['[writeParameters] there is no', writing({ w: [1] })],
  ['[safetensors] <file> has <n> bytes,', () => readSafetensors('w.safetensors', new Uint8Array(4))],
  ['[<reader>] <file> is given as', () => readSafetensors('w.safetensors', 'w.safetensors' as unknown as Uint8Array)],
  ['[safetensors] <file> announces', () => readSafetensors('w.safetensors', new Uint8Array(16).fill(9))],
  ['[safetensors] <file> has a header', reading('[1]')],
  ['[safetensors] <file> has a header', reading('{,')],
  ['[safetensors] <file> describes', reading({ w: { dtype: 'F32' } }, 8)],
  ['[safetensors] <file> gives', reading({ w: { ...ofTwo, shape: [3] } }, 8)],
  ['[safetensors] <file> gives', reading({ w: { ...ofTwo, dtype: 'F16' } }, 8)],
  ['[safetensors] <file> has "<name>" begin', reading({ w: ofTwo, v: { ...ofTwo, data_offsets: [4, 12] } }, 12)],
  ['[safetensors] <file> has <n> bytes of', reading({ w: ofTwo }, 9)],
  ['[safetensors] <file> ends', reading({ w: ofTwo }, 4)],
  [
    '[safetensors] "<name>" is',
    () => writeSafetensors({ tensors: { w: { shape: [2], data: new Float32Array(3) } }, metadata: {} }),
  ],
  ['[safetensors] <file> has "<name>" twice', reading('{"w":1,"w":2}')],
  ['[safetensors] <file> has a tensor', reading({ '': ofTwo }, 8)],
  ['[safetensors] <file> has under', reading({ ['__metadata__']: { epoch: 3 } })],
  [
    '[safetensors] a tensor has no name',
    () => writeSafetensors({ tensors: { '': { shape: [1], data: new Float32Array(1) } }, metadata: {} }),
  ],
  [
    '[safetensors] "__metadata__"',
    () => writeSafetensors({ tensors: { ['__metadata__']: { shape: [1], data: new Float32Array(1) } }, metadata: {} }),
  ],
];
