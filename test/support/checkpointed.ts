import type { Progress } from '../../src/train/checkpoints/progress.ts';

/** Where a training was, with all that a checkpoint can say of it. */
export const progress: Progress = {
  step: 7,
  rateFactor: 0.5,
  stream: { epoch: 1, position: 3, length: 9 },
  run: {
    over: { length: 9 },
    done: 6,
    unreported: [4],
    epochEnds: [3],
    heard: {
      asked: [{ metrics: { loss: NaN, 'validation.loss': -Infinity }, at: [{ step: 5, learningRate: 0.1 }] }],
      since: [{ samples: 8, numbers: [1.5] }],
    },
    stopped: false,
    keeps: true,
  },
  batchSize: 4,
  seed: 3,
  kernels: { adapter: 'a', forms: { 'matmul AB 8×8×8': 'tile' } },
  adapter: 'a',
  graph: '0123',
};
