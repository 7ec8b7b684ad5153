// A sentence translated. A net reads a number in German words and writes it in English ones. German says the ones before the
// tens, “drei und zwanzig”, so to write a word the net must look for it at another place. Where it looks, nobody tells it:
// it learns that from the pairs alone.

import {
  adamw,
  add,
  attention,
  createTrainer,
  crossEntropy,
  dataset,
  embedding,
  layerNorm,
  linear,
  multiHeadAttention,
  positions,
  Random,
  relu,
  reshape,
  sequential,
  slice,
  type Context,
  type Dataset,
  type Trainer,
  type Value,
} from '../src/index.ts';
import { tokenizer } from '../src/data/index.ts';
import { Alignment } from './stage/alignment.ts';
import { LossChart } from './stage/lossChart.ts';
import { percent } from './stage/page.ts';
import { english, german } from './stage/numberWords.ts';
import { perform } from './stage/stage.ts';

const [LARGEST, LEARNED, UNSEEN] = [9999, 2000, 64];
/** Words that a sentence has at most, and one for its end. */
const [READ, WRITTEN] = [7, 8];
const [WIDTH, HEADS, BATCH] = [32, 4, 32];

const all = Array.from({ length: LARGEST }, (_, at) => at + 1);
const [source, target] = [german, english].map((words) => {
  const special = ['padding', 'begin', 'end'] as const;
  return tokenizer(
    all.map((number) => words(number).join(' ')),
    { kind: 'words', special },
  );
});
const { padding, begin, end } = target.special as Record<'padding' | 'begin' | 'end', number>;

type Field = 'source' | 'length' | 'written' | 'target';
type Told = Record<'logits' | 'queries' | 'keys', Value>;

const rowOf = (tokens: readonly number[], length: number): number[] =>
  Array.from({ length }, (_, at) => tokens[at] ?? padding);

const field = (rows: readonly (readonly number[])[], length: number) => ({
  data: Int32Array.from(rows.flatMap((row) => rowOf(row, length))),
  shape: [length],
});

/** Of each number what is read, what has been written before each word, and the word that comes. */
function pairs(numbers: readonly number[]): Dataset<Field> {
  const read = numbers.map((number) => [...source.encode(german(number).join(' '))]);
  const said = numbers.map((number) => [...target.encode(english(number).join(' '))]);
  return dataset({
    source: field(read, READ),
    length: Int32Array.from(read, ({ length }) => length),
    written: field(
      said.map((row) => [begin, ...row]),
      WRITTEN,
    ),
    target: field(
      said.map((row) => [...row, end]),
      WRITTEN,
    ),
  });
}

/** The logits of each word that is written, and the queries and keys by which it was looked for in what is read. */
function translator() {
  const sourceWords = sequential(embedding(source.size, WIDTH, { padding }), positions(READ, WIDTH));
  const targetWords = sequential(embedding(target.size, WIDTH, { padding }), positions(WRITTEN, WIDTH));
  const before = sequential(layerNorm(WIDTH), multiHeadAttention(WIDTH, HEADS, { causal: true }));
  const ask = sequential(layerNorm(WIDTH), linear(WIDTH, WIDTH));
  const offer = linear(WIDTH, 2 * WIDTH);
  const think = sequential(layerNorm(WIDTH), linear(WIDTH, 2 * WIDTH), relu, linear(2 * WIDTH, WIDTH));
  const choose = sequential(layerNorm(WIDTH), linear(WIDTH, target.size));
  return (given: Record<'source' | 'length' | 'written', Value>, context: Context): Told => {
    const offered = context.apply(offer, context.apply(sourceWords, given.source, 'source'), 'offer');
    const written = context.apply(targetWords, given.written, 'target');
    const said = add(written, context.apply(before, written, 'before'));
    // One head, and words that have not looked at each other before: what is written must have been found where it looks.
    const [N] = given.source.spec.shape;
    const [keys, values] = [0, WIDTH].map((start) =>
      reshape(slice(offered, [null, null, { start, end: start + WIDTH }]), [N, READ, 1, WIDTH]),
    );
    const queries = reshape(context.apply(ask, said, 'ask'), [N, WRITTEN, 1, WIDTH]);
    const found = attention(queries, keys, values, { lengths: given.length });
    const told = add(said, reshape(found, [N, WRITTEN, WIDTH]));
    return { logits: context.apply(choose, add(told, context.apply(think, told, 'think')), 'choose'), queries, keys };
  };
}

/** The token of the largest logit of a place. */
function likeliest(logits: ArrayLike<number>, place: number): number {
  const own = Array.from({ length: target.size }, (_, token) => logits[place * target.size + token]);
  return own.indexOf(Math.max(...own));
}

/** Up to the end that the net has told. */
function wordsIn(tokens: Int32Array): string[] {
  const until = tokens.indexOf(end);
  return Array.from(until < 0 ? tokens : tokens.subarray(0, until), (token) => target.decode([token]));
}

/** Writes all sentences at once, word by word, the likeliest each time. @returns them, and what the net gave at the last word */
async function translate(trainer: Trainer<Field, Told>, { fields, length }: Dataset<Field>) {
  const written = new Int32Array(length * WRITTEN).fill(padding);
  for (let n = 0; n < length; n++) written[n * WRITTEN] = begin;
  const given = { source: fields.source.data, length: fields.length.data, written };
  for (let place = 0; ; place++) {
    const { outputs } = await trainer.predict(given);
    for (let at = place; at < written.length; at += WRITTEN) written[at + 1] = likeliest(outputs.logits.data, at);
    if (place < WRITTEN - 2) continue;
    const sentences = Array.from({ length }, (_, n) => wordsIn(written.subarray(n * WRITTEN + 1, (n + 1) * WRITTEN)));
    return { sentences, outputs };
  }
}

const alignment = new Alignment(LARGEST, () => repaint());
const chart = new LossChart('chart', [{ label: 'Loss', token: '--one' }]);

const repaint = perform({ lastStep: 400, stepsAtOnce: 8 }, async ({ seed, rate }, device) => {
  const shuffled = new Random(seed, 'numbers').shuffled(all);
  const [learned, unseen] = [shuffled.slice(0, LEARNED), shuffled.slice(-UNSEEN)];
  const train = pairs(learned);
  const trainer = await createTrainer({
    model: translator(),
    loss: ({ logits }, batch) => crossEntropy(logits, batch, { ignoreIndex: padding }),
    targets: 'target',
    optimizer: adamw({ learningRate: rate }),
    batchSize: BATCH,
    seed,
    backend: 'auto',
    device,
    data: train,
  });
  chart.clear();

  return {
    trainers: [trainer],
    async train(steps) {
      let last = { step: 0, loss: NaN };
      for await (last of trainer.fit(train, { steps })) chart.push(last.step, last.loss);
      return last;
    },
    async paint() {
      chart.paint();
      const { number } = alignment;
      const { sentences, outputs } = await translate(trainer, pairs([number, ...unseen]));
      const [own, ...others] = sentences.map((words) => words.join(' '));
      const right = others.filter((said, at) => said === english(unseen[at]).join(' ')).length;
      alignment.show({ read: german(number), said: sentences[0], ...outputs });
      const verdict = own === english(number).join(' ') ? 'right' : `it is ${english(number).join(' ')}`;
      const seen = learned.includes(number) ? 'among those that it learns' : 'not among those that it learns';
      return { own: `${own}: ${verdict}. This number is ${seen}.`, right: percent(right / UNSEEN) };
    },
  };
});
