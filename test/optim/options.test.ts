// What optimizers, schedules and decisions say of options that are none.

import { describe, expect, test } from 'vitest';
import { DataError } from '../../src/core/errors.ts';
import * as optimizers from '../../src/optim/index.ts';
import { scheduleRows } from '../../src/optim/optimizer.ts';
import { earlyStop, keepBest, reduceOnPlateau } from '../../src/train/runs/decisions.ts';

const { adadelta, adagrad, adam, adamax, adamw, lion, muon, nadam, radam, rmsprop, schedules, sgd } = optimizers;

/** Anything at all, as those without types give it. */
const any = (given: unknown): never => given as never;

const makers = { adadelta, adagrad, adam, adamax, adamw, lion, muon, nadam, radam, rmsprop, sgd };
const deciders = { earlyStop, keepBest, reduceOnPlateau };

describe.each(Object.entries({ ...makers, ...deciders }))('%s', (name, make) => {
  test.each([[0.001], ['fast'], [null], [[0.1]], [Promise.resolve({})]])('takes no %s for its options', (given) => {
    expect(() => make(any(given))).toThrow(DataError);
    expect(() => make(any(given))).toThrow(`[${name}] the options are `);
  });

  test('refuses an option that it does not have', () => {
    expect(() => make(any({ lr: 0.1 }))).toThrow(`[${name}] there is no option "lr", the nearest is `);
  });
});

describe.each(Object.entries(makers))('%s', (name, make) => {
  test.each([
    [{ learningRate: '0.1' }, 'learningRate is the text "0.1" but must be a number or a function of the step'],
    [{ learningRate: null }, 'learningRate is null but must be'],
    [{ learningRate: { initial: 0.1 } }, 'learningRate is an object of "initial" but must be'],
    [{ weightDecay: '0.1' }, 'weightDecay is the text "0.1" but must be at least 0'],
    [{ groups: { match: 'bias' } }, 'groups is an object of "match" but must be an array'],
  ])('refuses %o', (given, words) => {
    expect(() => make(any(given))).toThrow(`[${name}] ${words}`);
  });

  test.each([
    ['bias', 'the options are the text "bias"'],
    [{ match: 'bias', freeze: true }, 'there is no option "freeze", the nearest is "frozen"'],
    [{ match: 'bias', frozen: 'yes' }, 'frozen is the text "yes" but must be true or false'],
    [{ frozen: true }, 'match is nothing but must be a name'],
  ])('refuses the group %o', (group, words) => {
    expect(() => make(any({ groups: [group] }))).toThrow(`[${name}, groups] ${words}`);
  });

  test.each([
    [5, `[${name}, clip] the options are 5`],
    [{ normGlobal: 1 }, `[${name}, clip] there is no option "normGlobal"`],
    [{}, `[${name}] clip is an empty object but must be one limit`],
    [{ norm: 1, value: 1 }, `[${name}] clip is an object of "norm", "value" but must be one limit`],
    [{ globalNorm: 0 }, `[${name}] clip.globalNorm is 0 but must be above 0`],
    [{ value: '1' }, `[${name}] clip.value is the text "1" but must be above 0`],
  ])('refuses to clip by %o', (clip, words) => {
    expect(() => make(any({ clip }))).toThrow(words);
  });
});

test.each([
  ['a momentum of 1', () => sgd({ momentum: 1 }), '[sgd] momentum is 1 but must be at least 0 and below 1'],
  ['a momentum of 1.5', () => sgd({ momentum: 1.5 }), '[sgd] momentum is 1.5 but must be at least 0 and below 1'],
  ['a momentum of 1', () => rmsprop({ momentum: 1 }), '[rmsprop] momentum is 1 but must be at least 0 and below 1'],
  ['Nesterov without momentum', () => sgd({ nesterov: true }), '[sgd] nesterov needs a momentum above 0'],
  ['a flag as a text', () => rmsprop({ centered: any('false') }), '[rmsprop] centered is the text "false"'],
  [
    'a function for an optimizer',
    () => muon({ others: any(adam) }),
    '[muon] others is the function adam but must be an optimizer, as adam() gives one',
  ],
  ['a number for a name', () => muon({ match: any(['a', 1]) }), '[muon] match is 1 but must be'],
  ['steps as a text', () => muon({ steps: any('5') }), '[muon] steps is the text "5" but must be'],
  ['another adjustment', () => muon({ adjust: any(2) }), '[muon] adjust is 2 but must be original or'],
  ['a rate as a text', () => schedules.constant(any('0.1')), '[constant] rate is the text "0.1"'],
  ['no options', () => schedules.step(0.1, any(undefined)), '[step] every is nothing but must be above 0'],
  ['a step alone', () => schedules.multiStep(0.1, any({ at: 9 })), '[multiStep] at is 9 but must be an array'],
  ['no options', () => schedules.exponential(0.1, any(undefined)), '[exponential] factor is nothing'],
  ['no options', () => schedules.polynomial(0.1, any(undefined)), '[polynomial] steps is nothing'],
  ['no options', () => schedules.warmUp(0.1, any(undefined)), '[warmUp] steps is nothing'],
  ['no options', () => schedules.cosine(0.1, any(undefined)), '[cosine] steps is nothing'],
  ['no options', () => schedules.cosineRestarts(0.1, any(undefined)), '[cosineRestarts] steps is nothing'],
  ['no options', () => schedules.oneCycle(0.1, any(undefined)), '[oneCycle] steps is nothing'],
  ['steps alone', () => schedules.cosine(0.1, any(100)), '[cosine] the options are 100 but must be an object of steps'],
  [
    'an unknown option',
    () => schedules.cosine(0.1, any({ step: 9 })),
    '[cosine] there is no option "step", the nearest is "steps"',
  ],
  [
    'options of its schedule',
    () => schedules.warmUp(any({ steps: 1 }), { steps: 2 }),
    '[warmUp] the first argument is an object of "steps"',
  ],
  [
    'an unknown shape',
    () => schedules.oneCycle(0.1, { steps: 9, shape: any('cos') }),
    '[oneCycle] shape is the text "cos" but must be "cosine" or "line"',
  ],
  [
    'patience as a text',
    () => earlyStop({ patience: any('3') }),
    '[earlyStop] patience is the text "3" but must be a whole number',
  ],
  [
    'an unknown mode',
    () => keepBest({ mode: any('maximum') }),
    '[keepBest] mode is the text "maximum" but must be "min" or "max"',
  ],
  ['two metrics', () => reduceOnPlateau({ metric: any(['a', 'b']) }), '[reduceOnPlateau] metric is an array of 2'],
])('%s is refused', (_, make, words) => {
  expect(make).toThrow(DataError);
  expect(make).toThrow(words);
});

test.each([
  [schedules.cosine, 'is DataError: [cosine] steps is nothing but must be'],
  [() => schedules.constant(0.1), 'is a function but must be'],
])('a rate that is given by %s is told when its step is to be taken', (learningRate, words) => {
  expect(() => scheduleRows(sgd({ learningRate: any(learningRate) }), 0, 1, 1)).toThrow(
    `[sgd] the learning rate at step 0 ${words}`,
  );
});
