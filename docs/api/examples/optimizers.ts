// Examples of optimizers, schedules, and decisions.

import {
  adadelta,
  adagrad,
  adam,
  adamax,
  adamw,
  earlyStop,
  keepBest,
  lion,
  muon,
  nadam,
  radam,
  reduceOnPlateau,
  rmsprop,
  schedules,
  sgd,
} from '../../../src/index.ts';
import { learned, line, lineTrainer, type Examples } from './stage.ts';

export const optimizers: Examples = {
  async sgd() {
    const { loss } = await learned(sgd({ learningRate: 0.1, momentum: 0.9 }));
    console.log(loss < 0.05); // true
  },
  async adam() {
    const { loss } = await learned(adam({ learningRate: 0.1, clip: { norm: 1 } }));
    console.log(loss < 0.05); // true
  },
  async adamw() {
    const { loss } = await learned(adamw({ learningRate: 0.1, weightDecay: 0.01 }));
    console.log(loss < 0.05); // false
  },
  async adamax() {
    const { loss } = await learned(adamax({ learningRate: 0.1 }));
    console.log(loss < 0.1); // true
  },
  async nadam() {
    const { loss } = await learned(nadam({ learningRate: 0.1 }));
    console.log(loss < 0.1); // true
  },
  async radam() {
    const { loss } = await learned(radam({ learningRate: 0.1 }));
    console.log(loss < 1); // true
  },
  async rmsprop() {
    const { loss } = await learned(rmsprop({ learningRate: 0.05 }));
    console.log(loss < 0.1); // true
  },
  async adagrad() {
    const { loss } = await learned(adagrad({ learningRate: 0.5 }));
    console.log(loss < 0.1); // true
  },
  async adadelta() {
    const { loss } = await learned(adadelta({ learningRate: 10 }));
    console.log(loss < 1); // true
  },
  async lion() {
    const { loss } = await learned(lion({ learningRate: 0.03 }));
    console.log(loss < 0.5); // true
  },
  async muon() {
    const { loss } = await learned(muon({ learningRate: 0.05 }));
    console.log(loss < 1); // true
  },
  schedules() {
    const rate = schedules.warmUp(schedules.cosine(1, { steps: 10 }), { steps: 2, from: 0.5 });
    console.log([0, 1, 2, 7, 12].map(rate)); // [0.5, 0.75, 1, 0.5, 0]
  },
  'schedules.constant'() {
    console.log([0, 9].map(schedules.constant(0.1))); // [0.1, 0.1]
  },
  'schedules.step'() {
    console.log([0, 9, 10, 20].map(schedules.step(1, { every: 10 }))); // [1, 1, 0.1, 0.01]
  },
  'schedules.multiStep'() {
    console.log([0, 5, 20].map(schedules.multiStep(1, { at: [5, 20], factor: 0.5 }))); // [1, 0.5, 0.25]
  },
  'schedules.exponential'() {
    console.log([0, 1, 2].map(schedules.exponential(1, { factor: 0.9 }))); // [1, 0.9, 0.81]
  },
  'schedules.polynomial'() {
    console.log([0, 5, 10].map(schedules.polynomial(1, { steps: 10, power: 2 }))); // [1, 0.25, 0]
  },
  'schedules.warmUp'() {
    console.log([0, 1, 2].map(schedules.warmUp(1, { steps: 2, from: 0.5 }))); // [0.5, 0.75, 1]
  },
  'schedules.cosine'() {
    console.log([0, 5, 10].map(schedules.cosine(1, { steps: 10, minimum: 0.1 }))); // [1, 0.55, 0.1]
  },
  'schedules.cosineRestarts'() {
    console.log([0, 5, 10, 20].map(schedules.cosineRestarts(1, { steps: 10, growth: 2 }))); // [1, 0.5, 1, 0.5]
  },
  'schedules.oneCycle'() {
    console.log([0, 30, 99].map(schedules.oneCycle(1, { steps: 100 }))); // [0.04, 0.9995, 0.000004]
  },
  async earlyStop() {
    const trainer = await lineTrainer();
    const report = await trainer.fit(line, {
      epochs: 500,
      validation: line,
      decisions: [earlyStop({ patience: 3, minDelta: 0.01, restoreBest: true })],
    });
    console.log(report.epoch < 500, report.decided?.length); // true 1
    trainer.destroy();
  },
  async reduceOnPlateau() {
    const trainer = await lineTrainer();
    const report = await trainer.fit(line, {
      epochs: 60,
      decisions: [reduceOnPlateau({ factor: 0.5, patience: 1, threshold: 0.5 })],
    });
    console.log(report.learningRate < 0.1); // true
    trainer.destroy();
  },
  async keepBest() {
    const trainer = await lineTrainer();
    await trainer.fit(line, { epochs: 5, validation: line, decisions: [keepBest({ metric: 'loss' })] });
    trainer.destroy();
  },
};
