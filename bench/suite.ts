import { WINDOW, type Cnn, type Gpt, type Lstm, type Mlp, type Network } from './networks.ts';
import { costOf, type Convolution, type OptimizerName, type Product, type Work } from './work.ts';

/** One line of the table. */
export interface Case {
  readonly group: string;
  readonly name: string;
  readonly work: Work;
  /** How often a sample does it, and what that is called; otherwise as often as fills the sample's time. */
  readonly whole?: { readonly times: number; readonly name: string };
}

/** What is worth measuring: the whole of it on a GPU, what ends today on a software adapter, the smallest for a test. */
export type Scale = 'hardware' | 'software' | 'quick';

const times = (...sizes: readonly number[]): string => sizes.join(' × ');

const product = (group: string, M: number, K: number, N: number, stored: Partial<Product> = {}, note = ''): Case => ({
  group,
  name: times(M, K, N) + note,
  work: { kind: 'product', M, K, N, ...stored },
});

const square = (size: number): Case => product('matmul', size, size, size);

/** The products of a 784-128-10 classifier's step, forward and backward. */
const mlpProducts = (B: number): Case[] => [
  product('mlp products', B, 784, 128),
  product('mlp products', B, 128, 10),
  product('mlp products', B, 10, 128, { transposeB: true }, ', B stored transposed'),
  product('mlp products', 784, B, 128, { transposeA: true }, ', A stored transposed'),
  product('mlp products', 128, B, 10, { transposeA: true }, ', A stored transposed'),
];

/** Convolutions of 28 × 28 and 14 × 14 images as products of their patches: 5 × 5 × 1 → 32, 3 × 3 × 32 → 64. */
const cnnProducts = (images: number): Case[] => [
  product('cnn products', images * 28 * 28, 25, 32),
  product('cnn products', images * 14 * 14, 288, 64),
  product('cnn products', images, 3136, 128),
];

/** A convolution of 3 × 3 and both of its gradients. */
const convolutions = (images: Convolution['images'], features: number): Case[] =>
  (['y', 'dX', 'dWeight'] as const).map((of) => ({
    group: 'convolution',
    name: `[${images.join(', ')}] → ${features}, ${of}`,
    work: { kind: 'convolution', of, images, features, window: WINDOW },
  }));

const sums = (rows: number, columns: number): Case[] =>
  (
    [
      [1, 'each row'],
      [0, 'each column'],
      [null, 'all'],
    ] as const
  ).map(([axis, what]) => ({
    group: 'sum',
    name: `${times(rows, columns)}, ${what}`,
    work: { kind: 'sum', rows, columns, axis },
  }));

const softmax = (rows: number, columns: number): Case => ({
  group: 'softmax',
  name: times(rows, columns),
  work: { kind: 'softmax', rows, columns },
});

const embedding = (rows: number, columns: number, chosen: number): Case => ({
  group: 'embedding',
  name: `${times(rows, columns)}, ${chosen} indices`,
  work: { kind: 'embedding', rows, columns, chosen },
});

const optimizers: readonly OptimizerName[] = ['sgd', 'adam'];

const updates = (size: number): Case[] =>
  optimizers.map((optimizer) => ({
    group: 'update',
    name: `${optimizer}, ${size.toLocaleString('en')} parameters`,
    work: { kind: 'update', optimizer, size },
  }));

const MLP: Mlp = { kind: 'mlp', layers: [784, 128, 10] };
const CNN: Cnn = { kind: 'cnn', image: [28, 28, 1], features: [8, 16], classes: 10 };

const LSTM: Lstm = { kind: 'lstm', sequence: [50, 40], units: 64, classes: 10 };

/** nanoGPT's settings for a CPU. */
const GPT: Gpt = { kind: 'gpt', vocabulary: 65, context: 64, width: 128, heads: 4, layers: 4 };

function nameOf(network: Network): string {
  switch (network.kind) {
    case 'mlp':
      return network.layers.join('-');
    case 'cnn':
      return [times(...network.image), ...network.features.map((features) => `c${features}`), network.classes].join(
        '-',
      );
    case 'gpt':
      return `${network.layers} layers, ${network.heads} heads, ${network.width} wide, context ${network.context}`;
    case 'lstm':
      return [times(...network.sequence), network.units, network.classes].join('-');
  }
}

const BATCHES = 16;
const steps = (network: Network, batchSize: number, by = optimizers): Case[] =>
  by.map((optimizer) => ({
    group: `${network.kind} step`,
    name: `${nameOf(network)}, batch ${batchSize}, ${optimizer}`,
    work: { kind: 'steps', network, batchSize, batches: BATCHES, optimizer },
  }));

const MNIST_STEPS = 938;
const epochs: readonly Case[] = steps(MLP, 64).map(({ name, work }) => ({
  group: 'mlp epoch',
  name: `${name}, ${MNIST_STEPS} steps`,
  work,
  whole: { times: MNIST_STEPS, name: 'epoch' },
}));

export function suite(scale: Scale): readonly Case[] {
  if (scale === 'quick') {
    const [forward] = mlpProducts(32);
    return [
      ...[16, 64].map(square),
      forward,
      ...convolutions([2, 8, 8, 4], 8),
      ...sums(64, 100),
      softmax(32, 10),
      embedding(50, 3, 200),
      ...updates(1000),
      ...steps({ kind: 'mlp', layers: [64, 16, 10] }, 32),
      ...steps({ kind: 'cnn', image: [8, 8, 1], features: [4, 8], classes: 10 }, 8, ['adam']),
      ...steps({ kind: 'lstm', sequence: [3, 5], units: 4, classes: 10 }, 8, ['adam']),
      ...steps({ kind: 'gpt', vocabulary: 7, context: 5, width: 8, heads: 2, layers: 2 }, 3, ['adam']),
    ];
  }
  const large = scale === 'hardware';
  return [
    ...[32, 64, 128, 256, 512, ...(large ? [1024, 2048, 4096] : [])].map(square),
    ...mlpProducts(128),
    ...cnnProducts(large ? 128 : 8),
    ...convolutions([64, 28, 28, 16], 32),
    ...(large ? convolutions([16, 56, 56, 64], 64) : []),
    ...(large ? sums(4096, 4096) : sums(1024, 1024)),
    softmax(128, 10),
    large ? softmax(4096, 4096) : softmax(1024, 1024),
    embedding(30_000, 64, 4096),
    embedding(65_536, 64, 65_536),
    ...updates(101_770),
    ...(large ? updates(10_000_000) : []),
    ...steps(MLP, 64),
    ...steps(MLP, 128),
    ...steps(CNN, 64),
    ...steps(LSTM, 64, ['adam']),
    ...steps(GPT, 12, ['adam']),
    ...(large ? epochs : []),
  ];
}

/** The largest work, in operations, that a peer without a GPU is asked for: the slowest take seconds for it. */
const MOST_WITHOUT_GPU = 2 ** 29;

export const isTooMuch = (work: Work): boolean => costOf(work) > MOST_WITHOUT_GPU;
