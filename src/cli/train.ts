import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  adam,
  adamw,
  createTrainer,
  crossEntropy,
  flatten,
  FormatError,
  glorotUniform,
  linear,
  relu,
  sequential,
  sgd,
  zeros,
  type Trainer,
} from '../index.ts';
import { mnist } from '../data/index.ts';
import { folder } from '../node.ts';
import type { TrainCommand } from './options.ts';
import { Progress } from './progress.ts';

const PIXELS = 28 * 28;
const CLASSES = 10;

/** The folder that was named, or where MILLRACE_DATA says that data sets are. */
function dataFolder(given: string | undefined): string {
  if (given !== undefined) return given;
  const root = process.env['MILLRACE_DATA'];
  if (!root) {
    throw new FormatError(
      '[mnist] no data: give the folder of its four files by --data DIR, or set MILLRACE_DATA to it',
    );
  }
  const below = join(root, 'mnist');
  return existsSync(below) ? below : root;
}

export function modelOf(hidden: readonly number[]) {
  const widths = [PIXELS, ...hidden];
  const initial = { weightInitial: glorotUniform, biasInitial: zeros };
  const layers = hidden.flatMap((width, at) => [linear(widths[at], width, initial), relu]);
  return sequential(flatten, ...layers, linear(widths[hidden.length], CLASSES, initial));
}

/** Half a cosine from the learning rate down to 0. Source: Loshchilov and Hutter 2016. */
const cosine = (rate: number, steps: number) => (step: number) =>
  (rate / 2) * (1 + Math.cos(Math.PI * Math.min(1, step / steps)));

function optimizerOf({ optimizer, schedule, learningRate: rate }: TrainCommand, steps: number) {
  const learningRate = schedule === 'cosine' ? cosine(rate, steps) : rate;
  switch (optimizer) {
    case 'adam':
      return adam({ learningRate });
    case 'adamw':
      return adamw({ learningRate });
    case 'sgd':
      return sgd({ learningRate, momentum: 0.9 });
  }
}

function placeOf({ backend, adapter, fallback }: Trainer): string {
  if (backend === 'webgpu') return `WebGPU on ${adapter}`;
  return `${fallback ? `${fallback}\n` : ''}On the CPU, by the reference`;
}

/** Found before training rather than after it. */
async function requireWritable(file: string): Promise<void> {
  await writeFile(file, '').catch((cause: Error) => {
    throw new FormatError(`[report] ${file} cannot be written: ${cause.message}`, { cause });
  });
}

/** Trains, prints how it goes, and returns the exit code. */
export async function train(command: TrainCommand, signal: AbortSignal): Promise<number> {
  const say = (text: string): void => void (command.quiet || process.stdout.write(`${text}\n`));
  if (command.report) await requireWritable(command.report);
  const path = dataFolder(command.data);
  const data = await mnist(folder(path));
  const steps = command.steps ?? Math.ceil((command.epochs * data.train.length) / command.batch);
  const trainer = await createTrainer({
    model: modelOf(command.hidden),
    loss: crossEntropy,
    optimizer: optimizerOf(command, steps),
    batchSize: command.batch,
    seed: command.seed,
    backend: command.backend,
    data: data.train,
  });
  try {
    say(`MNIST from ${path}: ${data.train.length} training and ${data.test.length} test images`);
    say(placeOf(trainer));
    say(`\n${await trainer.summary()}\n`);
    return await run(trainer, command, data, { steps, path, signal });
  } finally {
    trainer.destroy();
  }
}

async function run(
  trainer: Trainer,
  command: TrainCommand,
  data: Awaited<ReturnType<typeof mnist>>,
  { steps, path, signal }: { readonly steps: number; readonly path: string; readonly signal: AbortSignal },
): Promise<number> {
  const progress = new Progress(steps, command.quiet ? null : process.stdout);
  const lossCurve: number[] = [];
  const submits = trainer.submits;
  let seconds = 0;
  for await (const report of trainer.fit(data.train, { steps, signal })) {
    if (!Number.isFinite(report.loss)) {
      progress.close();
      process.stderr.write(
        `The loss is ${report.loss} at step ${report.step}: training has diverged. A smaller --lr than ${command.learningRate} may help.\n`,
      );
      return 1;
    }
    lossCurve.push(report.loss);
    seconds = report.seconds;
    progress.show(report);
  }
  if (lossCurve.length < steps) progress.close();
  const submitsPerStep = (trainer.submits - submits) / Math.max(1, lossCurve.length);

  const { loss: testLoss, accuracy: testAccuracy } = await trainer.evaluate(data.test);
  const ended = signal.aborted ? `Stopped after ${lossCurve.length} of ${steps} steps` : `${steps} steps`;
  process.stdout.write(
    `${ended} in ${seconds.toFixed(1)} s. Test accuracy ${(100 * testAccuracy).toFixed(2)} %, test loss ${testLoss.toFixed(4)}.\n`,
  );
  if (command.report) {
    const report = {
      adapter: trainer.adapter,
      backend: trainer.backend,
      data: path,
      model: ['flatten', ...command.hidden.flatMap((width) => [`linear ${width}`, 'relu']), `linear ${CLASSES}`],
      batch: command.batch,
      optimizer: command.optimizer,
      learningRate: command.learningRate,
      schedule: command.schedule,
      seed: command.seed,
      steps: lossCurve.length,
      seconds,
      testAccuracy,
      testLoss,
      lossCurve,
      launchesPerStep: trainer.launchesPerStep,
      submitsPerStep,
      peakGpuBytes: trainer.backend === 'cpu' ? 0 : trainer.bytes,
    };
    await writeFile(command.report, `${JSON.stringify(report, null, 2)}\n`);
  }
  return signal.aborted ? 130 : 0;
}
