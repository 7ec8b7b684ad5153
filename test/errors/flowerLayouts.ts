import { layoutOf } from '../../src/flower/layouts/layoutOf.ts';
import type { FlowerLayout, NamedArrays } from '../../src/flower/options.ts';
import {
  concat,
  constant,
  createTrainer,
  defineLayer,
  embedding,
  gather,
  linear,
  matmul,
  mean,
  mul,
  ones,
  positions,
  relu,
  sequential,
  sgd,
  tied,
  type Context,
  type Module,
  type Value,
} from '../../src/index.ts';
import type { Case } from '../support/provoke.ts';

interface Asked {
  readonly layout: FlowerLayout;
  readonly names?: Readonly<Record<string, string>>;
  readonly model?: Module;
  readonly dtype?: 'f32' | 'i32';
}

/** Takes what became of a trainer's own arrays. */
const taken =
  (
    { layout, names, model = linear(2, 2), dtype = 'f32' }: Asked,
    change: (arrays: Map<string, unknown>) => unknown = () => {},
  ) =>
  async (): Promise<void> => {
    const trainer = await createTrainer({
      model,
      loss: (y: Value) => mean(y),
      optimizer: sgd(),
      batchSize: 1,
      data: { x: { shape: [2], dtype, scale: null } },
      backend: 'cpu',
    });
    const arrays = layoutOf({ trainer, layout, names });
    const own = new Map<string, unknown>(await arrays.give());
    change(own);
    await arrays.take(own as unknown as NamedArrays);
  };

const zeros = (...shape: readonly number[]) => ({
  shape,
  data: new Float32Array(shape.reduce((product, extent) => product * extent, 1)),
});

const sideBySide = (): Module => {
  const [one, other] = [linear(2, 2), linear(2, 2)];
  return (x: Value, context: Context) => concat([context.apply(one, x), relu(context.apply(other, x))], 1);
};

const scaled = defineLayer({
  parameters: { weight: { shape: [2, 3], initial: ones }, factor: { shape: [3], initial: ones } },
  apply: (x: Value, { weight, factor }) => matmul(x, mul(weight, factor)),
});

const shared = (): Module => {
  const table = embedding(3, 2);
  return sequential(table, tied(table));
};

const fixed = (x: Value) => gather(constant(Float32Array.of(1, 2, 3, 4), { shape: [2, 2], dtype: 'f32' }), x);

/** Arrays of a run that are not this trainer's. */
export const flowerLayouts: readonly Case[] = [
  [
    '[joinFlower] "<name>"<which weight> is <spec> here but not among',
    taken({ layout: 'millrace' }, (own) => own.delete('bias')),
  ],
  [
    '[joinFlower] "<name>"<which weight> is <spec> here but came as',
    taken({ layout: 'keras' }, (own) => own.set('1', zeros(3))),
  ],
  [
    '[joinFlower] "<name>"<which weight> came with',
    taken({ layout: 'keras' }, (own) => own.set('1', { shape: [2], data: Float32Array.of(0, NaN) })),
  ],
  ['[joinFlower] <names and specs> came', taken({ layout: 'torch' }, (own) => own.set('scale', zeros(1)))],
  [
    '[joinFlower] "<name>" came as integers',
    taken({ layout: 'millrace' }, (own) => own.set('bias', { shape: [2], data: Int32Array.of(0, 2 ** 24 + 1) })),
  ],
  ['[joinFlower] names are', taken({ layout: 'millrace', names: { '': 'fc' } })],
  ['[<where>] "<weight>" and "<weight>" could each be next', taken({ layout: 'keras', model: sideBySide() })],
  [
    '[<where>] "<name>" is no weight of the model in Keras',
    taken({ layout: 'keras', model: sequential(embedding(3, 2), positions(2, 2)), dtype: 'i32' }),
  ],
  ['[<where>] "<weight>" of the model in Keras is reckoned', taken({ layout: 'keras', model: scaled })],
  [
    '[<where>] arrays "<n>", <weight>, and',
    taken({ layout: 'keras', model: shared(), dtype: 'i32' }, (own) => own.set('1', zeros(2, 3))),
  ],
  [
    '[<where>] array "<n>", <weight>, came',
    taken({ layout: 'keras', model: sequential(fixed, linear(2, 2)), dtype: 'i32' }, (own) =>
      own.set('0', zeros(2, 2)),
    ),
  ],
];
