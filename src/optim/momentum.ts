import { flatGrid } from '../core/launch.ts';
import { BLOCK } from '../core/parameterLayout.ts';
import type { Op } from '../graph/graph.ts';
import { elementsOf } from '../graph/work.ts';
import { isSpoilt } from '../ops/training/badStepLedger.ts';
import { clipFunctions, clipOf, limitOf, type Clip } from './clip.ts';
import { bytesOfUpdate, groupAt, rowAt } from './optimizer.ts';
import momentumKernel from '../../shaders/optim/momentum.wgsl?raw';

interface Attrs {
  /** How much of the momentum stays, and 1 less that. */
  readonly mu: number;
  readonly rest: number;
}

/** An op of momentum, gradients, groups, schedule and control: the momentum in place, and the direction that it gives. */
export function momentumOp(nesterov: boolean, clip: Clip | undefined): Op<Attrs> {
  return {
    name: 'momentum',
    effect: true,
    inPlace: [0, null],
    infer: ([momentum]) => [momentum, momentum],
    cpu([momentum, gradients, groups, schedule, control], [next, direction], { attrs: { mu, rest } }) {
      next.set(momentum);
      direction.fill(0);
      if (isSpoilt(control)) return;
      const clipped = clipOf(clip);
      const ofAll = rowAt(schedule, control)[3];
      for (let block = 0; block < momentum.length / BLOCK; block++) {
        const [, , trains, ofOne] = groupAt(groups, block);
        if (!trains) continue;
        for (let i = block * BLOCK; i < (block + 1) * BLOCK; i++) {
          const g = clipped(gradients[i], ofAll, ofOne);
          const m = mu * momentum[i] + rest * g;
          next[i] = m;
          direction[i] = nesterov ? rest * g + mu * m : m;
        }
      }
    },
    gpu({ inputs: [momentum, , , schedule], attrs: { mu, rest } }) {
      const [count] = momentum.spec.shape;
      return [
        {
          kernel: {
            name: 'momentum',
            source: momentumKernel,
            constants: { NESTEROV: String(nesterov) },
            functions: clipFunctions(clip),
          },
          uniform: [count, schedule.spec.shape[0], { f32: limitOf(clip) }, { f32: mu }, { f32: rest }],
          grid: flatGrid(count),
        },
      ];
    },
    // Two products and a sum, and with Nesterov's look ahead as many again.
    flops: ({ inputs: [momentum] }) => (nesterov ? 6 : 3) * elementsOf([momentum]),
    bytes: bytesOfUpdate,
    accuracy: () => ({ ulps: 16, magnitude: 'terms', absolute: 1e-37 }),
  };
}
