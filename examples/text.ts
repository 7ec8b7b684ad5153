// A text grows. A transformer reads a text character by character, and learns what comes next. Its samples begin as noise;
// then there are words, and in the end the text itself, by heart. How it knows what comes next: each character looks back at
// those before it, by shares that are computed from the characters themselves. They are the numbers that the net adds up by.

import {
  adamw,
  add,
  attention,
  concat,
  createTrainer,
  crossEntropy,
  embedding,
  gelu,
  layerNorm,
  linear,
  positions,
  randomNormal,
  reshape,
  sequential,
  slice,
  tied,
  type Context,
  type Value,
} from '../src/index.ts';
import { textStream, tokenizer } from '../src/data/index.ts';
import { LookBack } from './stage/lookBack.ts';
import { LossChart } from './stage/lossChart.ts';
import { find, lossText, restart } from './stage/page.ts';
import { SampleList } from './stage/sampleList.ts';
import { perform } from './stage/stage.ts';
import sonnets from './stage/sonnets.txt?raw';

const [CONTEXT, WIDTH, HEADS, LAYERS, BATCH] = [48, 48, 4, 2, 12];
const SAMPLE = 120;

/** Each character looks back at the others, and then makes something of what it has found. Both are added to what it was. */
function block() {
  const ask = sequential(layerNorm(WIDTH), linear(WIDTH, 3 * WIDTH));
  const tell = linear(WIDTH, WIDTH);
  const think = sequential(layerNorm(WIDTH), linear(WIDTH, 4 * WIDTH), gelu, linear(4 * WIDTH, WIDTH));
  return (x: Value, context: Context) => {
    const [N, T] = x.spec.shape;
    const asked = reshape(context.apply(ask, x), [N, T, 3 * HEADS, WIDTH / HEADS]);
    const heads = (first: number): Value => slice(asked, [null, null, { start: first, end: first + HEADS }]);
    const [q, k, v] = [heads(0), heads(HEADS), heads(2 * HEADS)];
    // A text that is being made comes token by token: the keys and values of those before are kept.
    const { generation } = context;
    const found = generation
      ? attention(q, generation.append('keys', k), generation.append('values', v), { lengths: generation.length })
      : attention(q, k, v, { causal: true });
    const told = add(x, context.apply(tell, reshape(found, [N, T, WIDTH])));
    return { x: add(told, context.apply(think, told)), q, k };
  };
}

/** For each character the logits of the next one; and the queries and keys by which it looked back, one head behind the other. */
function languageModel(characters: number) {
  const small = { weightInitial: randomNormal(0, 0.1) };
  const table = embedding(characters, WIDTH, small);
  const places = positions(CONTEXT, WIDTH, small);
  const blocks = Array.from({ length: LAYERS }, block);
  const [norm, logits] = [layerNorm(WIDTH), tied(table)];
  return (tokens: Value, context: Context): Record<'logits' | 'queries' | 'keys', Value> => {
    let x: Value = context.apply(places, context.apply(table, tokens));
    const [queries, keys]: [Value[], Value[]] = [[], []];
    for (const each of blocks) {
      const { x: made, q, k } = context.apply(each, x);
      x = made;
      queries.push(q);
      keys.push(k);
    }
    return {
      logits: context.apply(logits, context.apply(norm, x)),
      queries: concat(queries, 2),
      keys: concat(keys, 2),
    };
  };
}

/** Of a wish what there are characters for, no more than half of what the net looks back on, and one at least. */
function beginning(wish: string, vocabulary: readonly string[]): number[] {
  const tokens = Array.from(wish, (character) => vocabulary.indexOf(character)).filter((token) => token >= 0);
  return tokens.length > 0 ? tokens.slice(-CONTEXT / 2) : [0];
}

const text = find('text', HTMLTextAreaElement);
text.value ||= sonnets;
const lookBack = new LookBack(LAYERS, HEADS);
const samples = new SampleList(() => repaint());
const chart = new LossChart('chart', [
  { label: 'Text', token: '--one' },
  { label: 'Held out', token: '--two' },
]);

const repaint = perform({ lastStep: 1500, stepsAtOnce: 10 }, async ({ seed, rate }, device) => {
  const characters = tokenizer(text.value);
  const { train, validation } = textStream(characters.encode(text.value), { context: CONTEXT });
  const trainer = await createTrainer({
    model: languageModel(characters.size),
    loss: ({ logits }, batch) => crossEntropy(logits, batch),
    targets: 'target',
    optimizer: adamw({ learningRate: rate }),
    batchSize: BATCH,
    seed,
    backend: 'auto',
    device,
    data: train,
  });
  const vocabulary = Array.from({ length: characters.size }, (_, token) => characters.decode([token]));
  chart.clear();
  samples.clear();
  let step = 0;

  return {
    trainers: [trainer],
    async train(steps) {
      let last = { step, loss: NaN };
      for await (last of trainer.fit(train, { steps })) chart.push(last.step, last.loss, null);
      step = last.step;
      return last;
    },
    async paint() {
      const { loss } = await trainer.evaluate(validation);
      chart.push(step, null, loss);
      chart.paint();
      const { begin, temperature } = samples.wishes;
      const tokens = beginning(begin, vocabulary);
      const more = trainer.generate(tokens, { tokens: SAMPLE, temperature, seed: step });
      for await (const token of more) tokens.push(token);
      samples.show(step, characters.decode(tokens));
      // The same characters read at once, as in training: whom each of them looks at.
      const seen = tokens.slice(0, CONTEXT);
      const { outputs } = await trainer.predict(Int32Array.from(seen));
      lookBack.show(
        seen.map((token) => vocabulary[token]),
        vocabulary,
        outputs,
      );
      return { 'held-out': lossText(loss) };
    },
  };
});
find('learn', HTMLButtonElement).addEventListener('click', restart);
