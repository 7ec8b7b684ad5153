// Whatever a function of the package is called with, it works or says what is wrong: no error from inside gets out.

import { describe, expect, test } from 'vitest';
import * as data from '../src/data/index.ts';
import * as core from '../src/index.ts';
import * as flower from '../src/flower/index.ts';
import * as interop from '../src/interop/index.ts';
import type { TrainingRun } from '../src/train/runs/trainingRun.ts';
import { Trainer } from '../src/train/trainer.ts';
import { sharedDevice } from './support/device.ts';
import { slips } from './support/slips.ts';
import {
  trainerOptions,
  validCalls,
  validDataCalls,
  validFlowerCalls,
  validInteropCalls,
  type Calls,
} from './support/validCalls.ts';

/** What stands in an argument's place. */
const strangers: Readonly<Record<string, unknown>> = {
  nothing: undefined,
  null: null,
  'a number': 7,
  'a text': 'text',
  'an array': [1, 2],
  'an object': { lr: 1 },
  'a function': () => 1,
};

/** All ways in which a call is spoilt, by what was done. */
function spoilt(args: readonly unknown[]): Record<string, readonly unknown[]> {
  const one = args.flatMap((_, at) =>
    Object.entries(strangers).map(
      ([name, stranger]) => [`${name} for argument ${at}`, args.with(at, stranger)] as const,
    ),
  );
  const exchanged = args.length > 1 ? [['exchanged arguments', args.toReversed()] as const] : [];
  return { 'no arguments': [], ...Object.fromEntries(one), ...Object.fromEntries(exchanged) };
}

const OURS = ['ShapeError', 'DataError', 'DeviceError', 'FormatError'];

/** What a call says: that it was taken, or its error; and whether that is one of ours, which name the place. */
async function answerTo(f: (...args: readonly unknown[]) => unknown, args: readonly unknown[]): Promise<string> {
  try {
    const result = await f(...args);
    if (result instanceof Trainer) result.destroy();
    return 'taken';
  } catch (error) {
    const { name, message } = error as Error;
    return OURS.includes(name) && message.startsWith('[') ? 'refused' : `${name}: ${message}`;
  }
}

const functionsOf = (exports: object): Map<string, (...args: readonly unknown[]) => unknown> =>
  new Map(Object.entries(exports).filter(([name, given]) => typeof given === 'function' && /^[a-z]/.test(name)));

/** They look for files, and on the network; their options are those of the tests of data. */
const ELSEWHERE = ['mnist', 'fashionMnist', 'cifar10', 'fsdd'];

describe.each([
  ['millrace', core, validCalls],
  ['millrace/data', data, validDataCalls],
  ['millrace/interop', interop, validInteropCalls],
  ['millrace/flower', flower, validFlowerCalls],
] as const)('%s', (_, exports, calls: Calls) => {
  const functions = functionsOf(exports);

  test('has a valid call of each function here', () => {
    expect(Object.keys(calls).toSorted()).toEqual(
      [...functions.keys()].filter((name) => !ELSEWHERE.includes(name)).toSorted(),
    );
  });

  test.each(Object.keys(calls))('%s says what is wrong, or takes it', async (name) => {
    const f = functions.get(name)!;
    expect(await answerTo(f, await calls[name]())).toBe('taken');
    const raw: string[] = [];
    for (const [how, args] of Object.entries(spoilt(await calls[name]()))) {
      const answer = await answerTo(f, args);
      if (answer !== 'taken' && answer !== 'refused') raw.push(`${how}: ${answer}`);
    }
    expect(raw).toEqual([]);
  });
});

describe('a trainer', () => {
  const made = (): Promise<Trainer> => core.createTrainer(trainerOptions());
  const set = core.dataset({ point: { data: new Float32Array(24), shape: [3] }, label: new Uint8Array(8) });
  const batch = core.take(set, 0, 4);

  /** A valid call of each method. */
  const methods: Calls = {
    evaluate: () => [set],
    fit: () => [set, { steps: 1 }],
    generate: () => [[1, 2], { tokens: 3 }],
    inspect: () => [batch, { update: true }],
    load: async () => {
      const trainer = await made();
      const bytes = await trainer.save();
      trainer.destroy();
      return [bytes, { strict: true, file: 'saved' }];
    },
    loadWeights: async () => {
      const trainer = await made();
      const bytes = await trainer.saveWeights();
      trainer.destroy();
      return [bytes, 'weights.safetensors'];
    },
    predict: () => [batch],
    prepare: () => [set],
    profile: () => [1, { data: set }],
    resetOptimizer: () => [{ learningRate: 0.1 }],
    run: () => [set, { budgetMs: 5 }],
    refresh: () => [set],
    save: () => [{ of: 'tests' }],
    saveWeights: () => [{ of: 'tests' }],
    step: () => [batch],
    verify: () => [batch],
    wgsl: () => [{ entry: 'evaluate', group: 1, binding: 2 }],
    writeParameters: () => [{ bias: [1, 2] }],
  };
  const bare = ['destroy', 'forward', 'graph', 'readParameters', 'readReports', 'stop', 'summary'];
  /** Of one that is a guest on a device. */
  const hosted: Calls = {
    encodePredict: async () => [(await sharedDevice()).createCommandEncoder(), set],
    encodeStep: async () => [(await sharedDevice()).createCommandEncoder()],
    predictOnGpu: () => [batch],
  };
  const hostedTrainer = async (): Promise<Trainer> => {
    const trainer = await core.createTrainer({ ...trainerOptions(), backend: 'webgpu', device: await sharedDevice() });
    await trainer.prepare(set, { encodeStep: true, encodePredict: set });
    return trainer;
  };

  test('has a valid call of each method here', () => {
    const own = Object.entries(Object.getOwnPropertyDescriptors(Trainer.prototype));
    const names = own
      .filter(([name, { value }]) => value !== undefined && name !== 'constructor')
      .map(([name]) => name);
    expect([...Object.keys({ ...methods, ...hosted }), ...bare].toSorted()).toEqual(names.toSorted());
  });

  test.each([
    ...Object.entries(methods).map(([name, valid]) => [name, valid, made] as const),
    ...Object.entries(hosted).map(([name, valid]) => [name, valid, hostedTrainer] as const),
  ])('%s says what is wrong, or takes it', async (name, valid, trainerFor) => {
    const trainer = await trainerFor();
    const method = async (...args: readonly unknown[]): Promise<unknown> => {
      const given = (trainer as unknown as Record<string, (...args: readonly unknown[]) => unknown>)[name](...args);
      // It ends when it is told to.
      if (name !== 'run') return given;
      await (given as TrainingRun).next();
      await trainer.stop();
      return undefined;
    };
    expect(await answerTo(method, await valid())).toBe('taken');
    const raw: string[] = [];
    for (const [how, args] of Object.entries(spoilt(await valid()))) {
      const answer = await answerTo(method, args);
      if (answer !== 'taken' && answer !== 'refused') raw.push(`${how}: ${answer}`);
    }
    expect(raw).toEqual([]);
    // Whatever was refused left nothing behind.
    expect(await answerTo(method, await valid())).toBe('taken');
    trainer.destroy();
  });
});

test.each(Object.entries(slips))('of %s it is said what is wrong, and the way out', async (_, [slip, says]) => {
  const said = Promise.resolve()
    .then(slip)
    .catch(({ name, message }: Error) => `${name}: ${message}`);
  expect(await said).toBe(says);
});
