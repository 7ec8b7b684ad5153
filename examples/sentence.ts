// A sentence judged. A small net reads a sentence in windows of three words, keeps the largest answer of each of its filters
// (Kim 2014), and says which of two kinds the sentence is. What did each word do? The slope of the answer by the word, times
// the word. This net has no biases, so these shares add up to the answer, to the last digit.

import {
  adamw,
  binaryCrossEntropy,
  conv1d,
  createTrainer,
  differentiate,
  dropout,
  embedding,
  linear,
  max,
  mul,
  randomNormal,
  relu,
  reshape,
  sum,
  type Context,
  type Value,
} from '../src/index.ts';
import { encodeTexts, labelledLines, readLabelledLines, type LabelledLine } from '../src/data/index.ts';
import { LossChart } from './stage/lossChart.ts';
import { find, lossText, percent, restart } from './stage/page.ts';
import sentences from './stage/sentences.txt?raw';
import { perform } from './stage/stage.ts';
import { Verdicts } from './stage/verdicts.ts';

const [WORDS, WIDTH, FILTERS, WINDOW] = [24, 16, 32, 3];
/** The share that is held out. */
const ONE_IN = 5;

/** The logit that a sentence is of the second kind, and what each of its words has added to it. */
function judge(words: number, padding: number) {
  // Words begin near 0, so that one that is never read says nearly nothing.
  const table = embedding(words, WIDTH, { padding, weightInitial: randomNormal(0, 0.1) });
  const windows = conv1d(WIDTH, FILTERS, WINDOW, { padding: 'same', bias: false });
  const forget = dropout(0.5);
  const verdict = linear(FILTERS, 1, { bias: false });
  return ({ tokens }: Record<'tokens', Value>, context: Context): Record<'logit' | 'shares', Value> => {
    const read = context.apply(table, tokens);
    const found = max(relu(context.apply(windows, read)), { axes: 1 });
    const logit = reshape(context.apply(verdict, context.apply(forget, found)), [-1]);
    // A derivative is a graph like the answer itself, so the net can give both.
    const [slopes] = differentiate(sum(logit), [read]);
    return { logit, shares: sum(mul(slopes!, read), { axes: -1 }) };
  };
}

/** Lines to learn from and lines to be judged by, every fifth. @throws Error in words for visitors if they are too few */
function apart(all: readonly LabelledLine[]): readonly [LabelledLine[], LabelledLine[]] {
  if (all.length < ONE_IN) throw new Error(`Every fifth line is held out: give ${ONE_IN} lines at least.`);
  const isHeld = (at: number): boolean => at % ONE_IN === ONE_IN - 1;
  return [all.filter((_, at) => !isHeld(at)), all.filter((_, at) => isHeld(at))];
}

const lines = find('lines', HTMLTextAreaElement);
lines.value ||= sentences;
const verdicts = new Verdicts(() => repaint());
const chart = new LossChart('chart', [
  { label: 'Learned', token: '--one' },
  { label: 'Held out', token: '--two' },
]);

const repaint = perform({ lastStep: 100, stepsAtOnce: 2 }, async ({ seed, rate }, device) => {
  const [train, test] = apart(await readLabelledLines('your lines', lines.value));
  const { data, form, classes, tokenizer: known } = labelledLines(train, { length: WORDS });
  if (classes.length > 2) throw new Error(`Of the labels ${classes.join(', ')} leave two: this page tells two apart.`);
  const { data: judged } = labelledLines(test, { form });
  const trainer = await createTrainer({
    model: judge(known.size, known.special.padding!),
    loss: ({ logit }, batch) => binaryCrossEntropy(logit, batch),
    targets: 'label',
    optimizer: adamw({ learningRate: rate }),
    batchSize: Math.min(16, data.length),
    seed,
    backend: 'auto',
    device,
    data,
  });
  chart.clear();
  let step = 0;

  return {
    trainers: [trainer],
    async train(steps) {
      let last = { step, loss: NaN };
      for await (last of trainer.fit(data, { steps })) chart.push(last.step, last.loss, null);
      step = last.step;
      return last;
    },
    async paint() {
      const { loss, accuracy } = await trainer.evaluate(judged);
      chart.push(step, null, loss);
      chart.paint();
      const texts = [verdicts.typed, ...test.map(({ text }) => text)];
      const { outputs } = await trainer.predict(encodeTexts(form, texts));
      verdicts.show({ classes, texts, labels: test.map(({ label }) => label), known, ...outputs });
      return { 'held-out': lossText(loss), accuracy: percent(accuracy), 'word-count': String(known.size) };
    },
  };
});
find('learn', HTMLButtonElement).addEventListener('click', restart);
