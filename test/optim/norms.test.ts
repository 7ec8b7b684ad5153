import { describe, expect, test } from 'vitest';
import {
  adadelta,
  adagrad,
  adam,
  adamax,
  createTrainer,
  dataset,
  mul,
  muon,
  nadam,
  radam,
  reshape,
  rmsprop,
  sgd,
  sum,
  type Layer,
  type Optimizer,
  type LossOptions,
  type Value,
} from '../../src/index.ts';
import { Random } from '../../src/core/random.ts';
import { zeros } from '../../src/nn/initializers.ts';
import { blockNorms, wholeNorm } from '../../src/optim/norms.ts';
import { checkOp } from '../support/checkOp.ts';
import { sharedDevice } from '../support/device.ts';
import { SEED, SIZE } from '../support/points.ts';

/** Numbers of all sizes that f32 has, most of whose squares it has not. */
const anySize = (random: Random): number => random.normal() * 2 ** random.uniform(-125, 118);
const large = (random: Random): number => random.normal() * 1e25;
const small = (random: Random): number => random.normal() * 1e-25;

const lengths = [[[64]], [[64 * 3]], [[64 * 200]]];
for (const make of [undefined, anySize, large, small]) {
  const options = { differentiable: false, ...(make && { make: () => make }) };
  checkOp(`the norm of ${make?.name ?? 'usual'} numbers`, ([x]) => wholeNorm([x]), lengths, options);
}
checkOp('norms of blocks', ([x]) => blockNorms(x), lengths, { differentiable: false, make: () => anySize });

/** A matrix whose gradient is what the batch holds, so that a step of rate 1 from 0 is what an optimizer makes of it. */
const slope: Layer = {
  name: 'slope',
  parameters: { p: { shape: [7, SIZE / 7], initial: zeros } },
  apply: (t, { p }) => sum(mul(p, reshape(t, [7, SIZE / 7]))),
};

async function stepBy(
  backend: 'webgpu' | 'cpu',
  optimizer: Optimizer,
  gradient: Float32Array,
  more: Partial<LossOptions> = {},
): Promise<{ p: Float32Array; gradientNorm: number }> {
  const trainer = await createTrainer({
    model: slope,
    loss: (y: Value) => y,
    optimizer,
    batchSize: 1,
    backend,
    ...(backend === 'webgpu' && { device: await sharedDevice() }),
    data: dataset({ t: { data: gradient, shape: [SIZE] } }),
    ...more,
  });
  const { metrics } = await trainer.step({ t: gradient });
  const { p } = await trainer.readParameters();
  trainer.destroy();
  return { p, gradientNorm: metrics['gradientNorm'] };
}

const random = new Random(SEED, 'directions');
const direction = Float64Array.from({ length: SIZE }, () => random.normal());
const length = Math.hypot(...direction);

const expectUnit = (p: Float32Array): void =>
  p.forEach((x, i) => expect(Math.abs(x + direction[i] / length), `[${i}]`).toBeLessThan(1e-6));

describe.each(['webgpu', 'cpu'] as const)('on %s a gradient of', (backend) => {
  test.each([10, 1e19, 1e25, 1e33])('%s clipped to norm 1 keeps its direction', async (size) => {
    const gradient = Float32Array.from(direction, (x) => x * size);
    for (const clip of [{ globalNorm: 1 }, { norm: 1 }]) {
      expectUnit((await stepBy(backend, sgd({ learningRate: 1, clip }), gradient)).p);
    }
  });

  test.each([1e-30, 1, 1e30])('%s is reported with its norm', async (size) => {
    const gradient = Float32Array.from(direction, (x) => x * size);
    const { gradientNorm } = await stepBy(backend, sgd({ learningRate: 0 }), gradient, { gradientNorm: true });
    expect(Math.abs(gradientNorm / (length * size) - 1)).toBeLessThan(1e-5);
  });

  test('1e25 gives Muon the step that a gradient of 1 does', async () => {
    const make = (): Optimizer => muon({ learningRate: 1, weightDecay: 0, momentum: 0 });
    const [usual, huge] = await Promise.all(
      [1, 1e25].map((size) =>
        stepBy(
          backend,
          make(),
          Float32Array.from(direction, (x) => x * size),
        ),
      ),
    );
    huge.p.forEach((x, i) => expect(Math.abs(x - usual.p[i])).toBeLessThan(1e-5));
    expect(Math.hypot(...usual.p)).toBeGreaterThan(1);
  });
});

const rules = { adadelta, adagrad, adam, adamax, nadam, radam, rmsprop };
describe.each(['webgpu', 'cpu'] as const)('on %s an epsilon of 0 leaves in place what has no gradient:', (backend) => {
  test.each(Object.entries(rules))('%s', async (_, rule) => {
    const gradient = Float32Array.from(direction, (x, i) => (i % 3 ? x : 0));
    const { p } = await stepBy(backend, rule({ learningRate: 0.1, epsilon: 0 }), gradient);
    p.forEach((x, i) => expect(i % 3 ? Number.isFinite(x) : x, `[${i}]`).toBe(i % 3 ? true : 0));
  });
});

describe.each(['webgpu', 'cpu'] as const)('on %s', (backend) => {
  test.each([0.9999999, 1 - 1e-9, 0])('betas of %s correct their moments: the first step is the rate', async (beta) => {
    const gradient = Float32Array.from(direction);
    const { p } = await stepBy(backend, adam({ learningRate: 0.1, beta1: beta, beta2: beta, epsilon: 0 }), gradient);
    p.forEach((x, i) => expect(Math.abs(Math.abs(x) - 0.1), `[${i}] ${x}`).toBeLessThan(1e-6));
  });
});
