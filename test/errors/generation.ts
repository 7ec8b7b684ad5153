import {
  beamSearch,
  concat,
  createTrainer,
  crossEntropy,
  dataset,
  embedding,
  input,
  linear,
  lstm,
  mean,
  mul,
  positions,
  recurrent,
  sequential,
  sgd,
  sub,
  type BatchValues,
  type Context,
  type GenerateOptions,
  type Model,
  type NextTokens,
  type Trainer,
  type TrainerOptions,
  type Value,
} from '../../src/index.ts';
import { spec } from '../../src/core/shape.ts';
import { writeRow } from '../../src/ops/generation/writeRow.ts';
import type { Case } from '../support/provoke.ts';

const words = { data: Int32Array.of(0, 1, 2, 3, 4, 0), shape: [3] };
const texts = dataset({ text: words, target: words });
const table = embedding(5, 4);
const logits = linear(4, 5);
const model = sequential(table, logits);

/** Work with a trainer of a model of texts, on the CPU. */
const trained =
  (work: (trainer: Trainer) => unknown, options: object = {}): Case[1] =>
  async () =>
    work(
      await createTrainer({
        model,
        loss: crossEntropy,
        optimizer: sgd(),
        batchSize: 2,
        backend: 'cpu',
        data: texts,
        ...options,
      } as TrainerOptions),
    );

/** The first token behind a prompt. */
const generated = (options: object, prompt: readonly number[] = [1], how: GenerateOptions = {}): Case[1] =>
  trained((trainer) => trainer.generate(prompt, how).next(), options);

/** What comes of a step that gives such numbers. */
const sought =
  (numbers: NextTokens): Case[1] =>
  () =>
    beamSearch(() => numbers, { begin: 0, end: 1, maximum: 1 });

const bare = (x: Value, context: Context): Value => context.apply(logits, context.apply(table, x));

/** By what a layer does with vectors. */
const withLayer = (layer: Model) => ({ model: sequential(table, layer, logits) });

/** A loss of one number for each token. */
const anyLoss = { loss: (y: Value) => mean(y) };

const phases = [
  {
    name: 'a',
    optimizer: sgd(),
    loss: (_: unknown, { text, target }: BatchValues, context: Context) => crossEntropy(bare(text, context), target),
  },
];

const floats = dataset({ x: { data: [1, 2, 3], shape: [3] }, target: Int32Array.of(1) });

export const generation: readonly Case[] = [
  ['[generate] the prompt is empty', generated({}, [])],
  ['[generate] token <n> of the prompt', generated({}, [1, 5])],
  ['[generate] token <n> of the prompt', generated({}, [0.5])],
  ['[generate] the prompt has', generated({}, [1, 2, 3], { context: 2 })],
  ['[generate] the trainer has phases', generated({ phases, model: undefined, loss: undefined, optimizer: undefined })],
  [
    '[generate] the model reads "<names>"',
    generated({
      model: ({ text }: BatchValues, context: Context) => bare(text, context),
      data: dataset({ text: words, other: words, target: words }),
    }),
  ],
  ['[generate] the model reads "<name>", <spec>', generated({ model: linear(3, 2), data: floats })],
  [
    '[generate] the model gives "<names>"',
    generated({
      model: (x: Value, context: Context) => ({ a: bare(x, context), b: x }),
      loss: ({ a }: { a: Value }) => mean(a),
    }),
  ],
  [
    '[generate] the model gives <spec>',
    generated({ model: sequential(bare, (y: Value) => concat([y, y], 1)), ...anyLoss }),
  ],
  [
    '[generate] token <n> of a text',
    generated(withLayer((x: Value) => sub(x, mean(x, { axes: 1, keepDimensions: true })))),
  ],
  [
    '[generate] another text',
    trained(async (trainer) => {
      const one = trainer.generate([1], { stepsPerSubmit: 1 });
      await one.next();
      await trainer.generate([2]).next();
      for await (const _ of one);
    }),
  ],
  ['[generate] the logits', generated(withLayer((x: Value) => mul(x, Infinity)))],
  ['[<layer>] it reads a text', generated(withLayer(lstm(4, 2, { bidirectional: true })))],
  [
    '[<layer>] it reads a text',
    generated(withLayer(recurrent(({ x, state }) => ({ output: x, state }), { initial: [4], reverse: true }))),
  ],
  ['[positions] a context', generated(withLayer(positions(3, 4)), [1], { context: 4 })],
  ['[model] "<name>" is kept', generated(withLayer((x: Value, { generation: of }: Context) => (of?.keep('x', x), x)))],
  ['[beamSearch] the step gave <n>', sought({ data: [1, 2], shape: [2, 1] })],
  ['[beamSearch] the step gave <numbers>', sought({ data: [1, NaN], shape: [1, 2] })],
  [
    '[writeRow] the row',
    () =>
      writeRow(
        { name: 'rows', spec: spec([1, 3, 2]), initial: () => new Float32Array(6) },
        input('x', spec([1, 2])),
        input('at', spec([1], 'u32')),
      ),
  ],
];
