// The camera learns. A small network has learned to tell pictures apart before, and stays as it is: what it sees in one is 64
// numbers. To tell your own things apart, a single layer on these numbers is enough. It learns while you show them, from a few
// dozen pictures: that is transfer learning.

import {
  adam,
  createPredictor,
  createTrainer,
  crossEntropy,
  linear,
  requestDevice,
  softmax,
  type Context,
  type Value,
} from '../src/index.ts';
import { Random } from '../src/core/random.ts';
import { Examples } from './stage/examples.ts';
import { Eye } from './stage/eye.ts';
import { CLASSES, Lessons } from './stage/lessons.ts';
import { find, lossText, nextFrame, percent, show, showSource } from './stage/page.ts';
import { FEATURES, pictures, sight } from './stage/sight.ts';
import weightsAddress from './weights/sight.safetensors?url';

const [BATCH, RATE] = [24, 0.01];
// Between two frames, behind each example, and behind the last one at most; between two looks at what was held out.
const [STEPS, STEPS_OF_EXAMPLE, MOST_STEPS, JUDGED_EVERY] = [4, 20, 400, 40];

/** The network that sees. Its file holds what it was taught by, too: of that, only what lies below `sight` is taken. */
const seeing = async (device: GPUDevice | undefined) =>
  createPredictor({
    model: sight,
    weights: await (await fetch(weightsAddress)).arrayBuffer(),
    only: 'sight',
    data: { picture: pictures },
    backend: 'auto',
    device,
  });

/** The layer that learns: from what is seen to how likely each class is. */
function learning(device: GPUDevice | undefined) {
  const tell = linear(FEATURES, CLASSES);
  return createTrainer({
    model(seen: Value, context: Context) {
      const logits = context.apply(tell, seen);
      return { shares: softmax(logits), logits };
    },
    loss: ({ logits }, batch) => crossEntropy(logits, batch),
    optimizer: adam({ learningRate: RATE }),
    batchSize: BATCH,
    data: {
      seen: { shape: [FEATURES], dtype: 'f32' },
      label: { shape: [], dtype: 'u8' },
    },
    backend: 'auto',
    device,
  });
}

type Learner = Awaited<ReturnType<typeof learning>>;

const likeliest = (shares: ArrayLike<number>): number => Array.from(shares).indexOf(Math.max(...Array.from(shares)));

function say(text: string, isWrong = false): void {
  show('status', text);
  find('status', HTMLElement).classList.toggle('wrong', isWrong);
}

const [eye, lessons, random] = [new Eye(), new Lessons(), new Random(1, 'pictures')];
let examples = new Examples(CLASSES);

/** How much of what was held out is told right. */
async function judge(trainer: Learner): Promise<string> {
  const { seen, labels } = examples.held;
  if (labels.length === 0) return '–';
  const { data: shares } = await trainer.predict(seen);
  const right = labels.filter((label, at) => likeliest(shares.subarray(CLASSES * at, CLASSES * (at + 1))) === label);
  return `${percent(right.length / labels.length, 0)} of ${labels.length}`;
}

async function play(): Promise<void> {
  const device = await requestDevice().catch(() => undefined);
  const seer = await seeing(device);
  let [trainer, stepsLeft] = [await learning(device), 0];
  const onCpu = `This browser gives the page no GPU: it sees and learns by ${seer.adapter}.`;
  show('device', seer.backend === 'webgpu' ? `Sees and learns by WebGPU on ${seer.adapter}.` : onCpu);
  lessons.tell(null);
  say('Ready: hold a button while you show something.');

  for (;;) {
    await nextFrame();
    // Nobody shows anything to a page that is hidden.
    if (document.hidden) continue;
    if (lessons.takeForget()) {
      trainer.destroy();
      [trainer, stepsLeft, examples] = [await learning(device), 0, new Examples(CLASSES)];
      for (const figure of ['step', 'loss', 'held']) show(figure, '–');
      lessons.tell(null);
    }
    const [label, isNew] = [lessons.takeShown(), eye.takeNew()];
    if (label !== null) {
      // Each is shifted and mirrored another way, so that few are enough.
      examples.add(label, (await seer.predict(eye.pixels(random))).data);
      stepsLeft = Math.min(stepsLeft + STEPS_OF_EXAMPLE, MOST_STEPS);
    }
    lessons.count(examples.counts);
    if (examples.areSeveral && stepsLeft > 0) {
      const { step, loss } = await trainer.fit(examples.batches(BATCH), { steps: STEPS });
      stepsLeft = Math.max(0, stepsLeft - STEPS);
      show('step', step.toLocaleString('en'));
      show('loss', lossText(loss));
      if (stepsLeft % JUDGED_EVERY === 0) show('held', await judge(trainer));
    } else if (!isNew && label === null) continue;
    const { data: seen } = await seer.predict(eye.pixels());
    lessons.tell(examples.areSeveral ? (await trainer.predict(seen)).data : null);
  }
}

void showSource();
play().catch((error: unknown) => say(error instanceof Error ? error.message : String(error), true));
