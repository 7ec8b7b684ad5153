// Several people train one network together, and nobody shows the others what they have. Each tab of this page is one of them,
// with digits of their own. A server hands the network to all; each trains it on what they have, and sends back its weights, and
// nothing else; the server averages them, and hands the average to all, round by round. It is Flower's, whose nodes may as well be
// programs in Node or Python. This program runs in a worker of the tab, so that it goes on while another tab is in front.

import { adam, createTrainer, crossEntropy, flatten, linear, relu, sequential } from '../src/index.ts';
import { files, mnist, syntheticDigits } from '../src/data/index.ts';
import { joinFlower, type FlowerTask } from '../src/flower/index.ts';
import { digitsOf, rightByDigit } from './stage/digitShare.ts';
import { onJoin } from './stage/tabNode.ts';

/** What a server may say of a round. */
const KNOWN = ['server-round', 'local-epochs', 'learning-rate'];

onJoin(async ({ superlink, key, digits, given, seed, signal, tell, onEvent }) => {
  // MNIST where this person gave its files, or else digits that are drawn for them; of either, only those that they have. They
  // are judged by all ten: by MNIST's test images, or by digits that are drawn for nobody.
  const drawn = async () => ({
    train: (await syntheticDigits({ train: 6000, test: 1, seed, signal })).train,
    test: (await syntheticDigits({ train: 1, test: 1000, seed: 0, signal })).test,
  });
  const { train, test } = given.length > 0 ? await mnist({ source: files(given), signal }) : await drawn();
  const mine = digitsOf(train, digits);

  const trainer = await createTrainer({
    model: sequential(flatten, linear(784, 64), relu, linear(64, 10)),
    loss: crossEntropy,
    optimizer: adam({ learningRate: 0.001 }),
    batchSize: 32,
    seed,
    backend: 'auto',
    data: mine,
  });
  const { backend, adapter } = trainer;
  tell({ kind: 'trains', backend, adapter, images: mine.length, of: train.length, judges: test.length });

  /** How much of each digit the network reads right as it is now: the average, or what this tab has made of it. */
  async function judge(who: 'alone' | 'average', { run }: FlowerTask, round: number) {
    const { loss, accuracy = NaN } = await trainer.evaluate(test);
    const byDigit = rightByDigit((await trainer.predict(test)).data, test);
    tell({ kind: 'judged', who, run, round, accuracy, byDigit });
    return { eval_loss: loss, eval_acc: accuracy };
  }

  try {
    // From here on the server asks. Before each question the network has the weights that came along with it.
    await joinFlower({
      superlink,
      key,
      trainer,
      signal,
      onEvent,
      async train(task) {
        const { round = 1, config } = task;
        const strange = Object.keys(config).find((name) => !KNOWN.includes(name));
        if (strange)
          throw new Error(`this lesson knows ${KNOWN.join(', ')}, not ${strange}: let the server take FedAvg`);
        await judge('average', task, round - 1);
        const epochs = Number(config['local-epochs'] ?? 1);
        const losses: number[] = [];
        for await (const { loss, epoch } of trainer.fit(mine, { epochs, signal })) {
          losses.push(loss);
          tell({ kind: 'step', done: epoch / epochs });
        }
        signal.throwIfAborted();
        await judge('alone', task, round);
        // The average is weighted by how many images each has.
        const train_loss = losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
        return { examples: mine.length, metrics: { train_loss } };
      },
      async evaluate(task) {
        return { examples: test.length, metrics: await judge('average', task, task.round ?? 1) };
      },
    });
  } finally {
    trainer.destroy();
  }
});
