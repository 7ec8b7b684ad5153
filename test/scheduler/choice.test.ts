import { afterEach, describe, expect, test } from 'vitest';
import { Random } from '../../src/core/random.ts';
import { spec } from '../../src/core/shape.ts';
import { summarize, traitsOf } from '../../src/gpu/device.ts';
import type { Graph, State } from '../../src/graph/graph.ts';
import { input } from '../../src/graph/leaf.ts';
import { linear, sequential } from '../../src/nn/layers.ts';
import { crossEntropy } from '../../src/nn/losses.ts';
import { relu } from '../../src/ops/activations.ts';
import { matmul } from '../../src/ops/matmul.ts';
import { assign } from '../../src/ops/window.ts';
import { adam } from '../../src/optim/index.ts';
import type { Kernels } from '../../src/scheduler/choice.ts';
import { GpuBackend } from '../../src/scheduler/gpuBackend.ts';
import { createTrainer } from '../../src/train/create.ts';
import { expectFaithful } from '../support/checkOp.ts';
import { counting } from '../support/counting.ts';
import { sharedDevice } from '../support/device.ts';
import { clusters } from '../support/toy.ts';

const [M, N, K] = [20, 24, 12];
const product = (): Graph => ({
  outputs: { c: matmul(input('a', spec([M, K])), input('b', spec([K, N]))) },
  writes: [],
});
const kind = 'matmul AB 32×32×16';
/** What is guessed for it: subgroups, where the adapter has them. */
const { subgroupSize } = traitsOf(await sharedDevice());
const guessed = subgroupSize > 0 && subgroupSize % 8 === 0 ? 'subgroups' : 'registers8';
const other = guessed === 'subgroups' ? 'registers8' : 'registers4';

const open: GpuBackend[] = [];
afterEach(() => {
  for (const backend of open.splice(0)) backend.destroy();
});

async function backendWith(kernels?: Kernels): Promise<GpuBackend> {
  const backend = new GpuBackend(await sharedDevice(), { fuse: false, kernels });
  open.push(backend);
  return backend;
}

const submitsOf = async (work: () => Promise<unknown>): Promise<number> => {
  const calls = await counting(await sharedDevice(), async () => void (await work()));
  return calls['submit'] ?? 0;
};

describe('the choice between forms of a kernel', () => {
  test('is a guess on a software adapter: nothing is run', async () => {
    const backend = await backendWith();
    expect(await submitsOf(() => backend.compile(product()))).toBe(0);
    expect(backend.kernels).toEqual({ adapter: backend.adapter, forms: { [kind]: guessed } });
  });

  test('is measured once for a kind, on a device', async () => {
    const backend = await backendWith('measure');
    expect(await submitsOf(() => backend.compile(product()))).toBeGreaterThan(0);
    expect(await submitsOf(() => backend.compile(product()))).toBe(0);
    const beside = await backendWith('measure');
    expect(await submitsOf(() => beside.compile(product()))).toBe(0);
    expect(beside.kernels.forms).toEqual(backend.kernels.forms);
  });

  test('leaves a program that is as right as any', async () => {
    const backend = await backendWith('measure');
    const program = await backend.compile(product());
    const random = new Random(1, 'choice');
    const numbers = (count: number) => Float32Array.from({ length: count }, () => random.normal());
    expectFaithful(program.order, await backend.observe(program, { a: numbers(M * K), b: numbers(K * N) }));
  });

  test('is what was given, on the adapter it was made for', async () => {
    const adapter = summarize(await sharedDevice()).name;
    const given = await backendWith({ adapter, forms: { [kind]: other } });
    await given.compile(product());
    expect(given.kernels.forms).toEqual({ [kind]: other });
    const elsewhere = await backendWith({ adapter: 'another', forms: { [kind]: other } });
    await elsewhere.compile(product());
    expect(elsewhere.kernels.forms).toEqual({ [kind]: guessed });
  });

  test('passes over a form that this device does not have', async () => {
    const backend = await backendWith({ adapter: summarize(await sharedDevice()).name, forms: { '*': 'tiles1024' } });
    await backend.compile(product());
    expect(backend.kernels.forms).toEqual({ [kind]: guessed });
  });

  test('runs nothing that a state would remember', async () => {
    const backend = await backendWith('measure');
    const held: State = { name: 'held', spec: spec([7, 9]), initial: () => new Float32Array(63).fill(5) };
    const value = matmul(input('a', spec([7, 3])), input('b', spec([3, 9])));
    const program = await backend.compile({ outputs: {}, writes: [[held, assign(held, value)]] });
    expect(program.launches).toContain('matmul');
    expect(await backend.readState(held)).toEqual(new Float32Array(63).fill(5));
  });
});

describe('a trainer’s kernels', () => {
  const train = async (kernels?: Kernels) => {
    const trainer = await createTrainer({
      model: sequential(linear(2, 40), relu, linear(40, 3)),
      loss: crossEntropy,
      optimizer: adam(),
      // More terms than one slice takes, in the weights' gradients.
      batchSize: 96,
      device: await sharedDevice(),
      ...(kernels && { kernels }),
    });
    const losses: number[] = [];
    for await (const { loss } of trainer.fit(clusters(100, 3), { steps: 12 })) losses.push(loss);
    const { kernels: taken } = trainer;
    trainer.destroy();
    return { losses, taken };
  };

  test('given again repeat the run to the bit, and another form does not', async () => {
    const adapter = summarize(await sharedDevice()).name;
    const first = await train({ adapter, forms: { '*': 'registers4' } });
    expect(Object.values(first.taken!.forms)).toContain('registers4');
    expect((await train(first.taken!)).losses).toEqual(first.losses);
    const sliced = await train({ adapter, forms: { '*': 'slices' } });
    expect(sliced.losses).not.toEqual(first.losses);
    sliced.losses.forEach((loss, at) => expect(loss).toBeCloseTo(first.losses[at], 5));
  });

  test('are none on the CPU', async () => {
    const trainer = await createTrainer({
      model: sequential(linear(2, 3)),
      loss: crossEntropy,
      optimizer: adam(),
      batchSize: 4,
      backend: 'cpu',
    });
    expect(trainer.kernels).toBeNull();
    trainer.destroy();
  });
});
