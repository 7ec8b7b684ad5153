import { parseArgs } from 'node:util';

/** A mistake in the command itself: it is answered by one line and exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

export interface TrainCommand {
  readonly dataset: string;
  readonly data: string | undefined;
  readonly epochs: number;
  readonly steps: number | undefined;
  readonly batch: number;
  readonly learningRate: number;
  readonly optimizer: 'adam' | 'adamw' | 'sgd';
  readonly schedule: 'cosine' | 'constant';
  readonly hidden: readonly number[];
  readonly backend: 'webgpu' | 'cpu' | 'auto';
  readonly seed: number;
  readonly report: string | undefined;
  readonly quiet: boolean;
}

export const help = `millrace trains neural networks on WebGPU.

  millrace train mnist [options]

  --data DIR          the folder of MNIST's four files, gzipped or not   (MILLRACE_DATA/mnist or MILLRACE_DATA)
  --epochs N          passes over the training set                       (4)
  --steps N           so many steps instead
  --batch N           samples a step                                     (128)
  --hidden N[,N…]     widths of the hidden layers; 0 for none            (128)
  --optimizer NAME    adam, adamw or sgd (with momentum 0.9)             (adam)
  --lr X              learning rate                                      (3e-3; sgd: 0.1)
  --schedule NAME     cosine to 0, or constant                           (cosine)
  --backend NAME      webgpu, cpu, or auto: the CPU without a GPU        (auto)
  --seed N            fixes weights and order                            (1)
  --report FILE.json  writes what came of it
  --quiet             prints the last line only
  --help              prints this
`;

const options = {
  data: { type: 'string' },
  epochs: { type: 'string' },
  steps: { type: 'string' },
  batch: { type: 'string' },
  hidden: { type: 'string' },
  optimizer: { type: 'string' },
  lr: { type: 'string' },
  schedule: { type: 'string' },
  backend: { type: 'string' },
  seed: { type: 'string' },
  report: { type: 'string' },
  quiet: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const;

function number(name: string, text: string, fits: (n: number) => boolean, wanted: string): number {
  const n = Number(text);
  if (text.trim() === '' || !fits(n)) throw new UsageError(`--${name} is "${text}" but must be ${wanted}`);
  return n;
}

const whole = (name: string, text: string, least: number): number =>
  number(name, text, (n) => Number.isSafeInteger(n) && n >= least, `a whole number of at least ${least}`);

function oneOf<T extends string>(name: string, text: string, choices: readonly T[]): T {
  const choice = choices.find((other) => other === text);
  if (choice === undefined) throw new UsageError(`--${name} is "${text}" but must be ${choices.join(' or ')}`);
  return choice;
}

/** Wider layers hardly fit a buffer. */
const WIDEST = 16_384;

/** The learning rates at which the default network does well. */
const defaultRates = { adam: '3e-3', adamw: '3e-3', sgd: '0.1' } as const;

/** Reads a command; null asks for help. @throws UsageError */
export function parseCommand(args: readonly string[]): TrainCommand | null {
  let parsed;
  try {
    parsed = parseArgs({ args: [...args], options, allowPositionals: true });
  } catch (error) {
    throw new UsageError((error as Error).message.split('.')[0]);
  }
  const { values, positionals } = parsed;
  if (values.help || positionals.length === 0) return null;
  const [command, dataset, ...rest] = positionals;
  if (command !== 'train') throw new UsageError(`there is no command "${command}": use train`);
  if (dataset !== 'mnist') throw new UsageError(`train what? "${dataset ?? ''}" is not known: use mnist`);
  if (rest.length > 0) throw new UsageError(`"${rest[0]}" is one word too many`);
  if (values.epochs !== undefined && values.steps !== undefined) {
    throw new UsageError('--epochs and --steps both say when to end: give one of them');
  }
  const optimizer = oneOf('optimizer', values.optimizer ?? 'adam', ['adam', 'adamw', 'sgd']);
  const hidden = (values.hidden ?? '128')
    .split(',')
    .map((text) =>
      number('hidden', text, (n) => Number.isInteger(n) && n >= 0 && n <= WIDEST, `whole numbers up to ${WIDEST}`),
    );
  return {
    dataset,
    data: values.data,
    epochs: number('epochs', values.epochs ?? '4', (n) => n > 0 && n < Infinity, 'above 0'),
    steps: values.steps === undefined ? undefined : whole('steps', values.steps, 1),
    batch: whole('batch', values.batch ?? '128', 1),
    learningRate: number('lr', values.lr ?? defaultRates[optimizer], (n) => n > 0 && n < Infinity, 'above 0'),
    optimizer,
    schedule: oneOf('schedule', values.schedule ?? 'cosine', ['cosine', 'constant']),
    hidden: hidden.filter((width) => width > 0),
    backend: oneOf('backend', values.backend ?? 'auto', ['webgpu', 'cpu', 'auto']),
    seed: whole('seed', values.seed ?? '1', 0),
    report: values.report,
    quiet: values.quiet ?? false,
  };
}
