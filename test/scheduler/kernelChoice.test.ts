import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { Random } from '../../src/core/random.ts';
import { spec } from '../../src/core/shape.ts';
import { summarize, traitsOf } from '../../src/gpu/device.ts';
import type { Graph, State, Value } from '../../src/graph/graph.ts';
import { input } from '../../src/graph/leaf.ts';
import { linear, sequential } from '../../src/nn/layers.ts';
import { crossEntropy } from '../../src/nn/losses.ts';
import { relu } from '../../src/ops/pointwise/activations.ts';
import { matmul } from '../../src/ops/products/matmul.ts';
import { assign } from '../../src/ops/shaping/assign.ts';
import { adam } from '../../src/optim/index.ts';
import { kernelFiles } from '../../src/node/kernelFiles.ts';
import { Choice, type Kernels, type KernelStorage } from '../../src/scheduler/kernelChoice.ts';
import { GpuBackend } from '../../src/scheduler/gpuBackend.ts';
import { createTrainer } from '../../src/train/createTrainer.ts';
import { expectFaithful } from '../support/checkOp.ts';
import { counting, prototypes } from '../support/counting.ts';
import { sharedDevice } from '../support/device.ts';
import { asCard, limited } from '../support/otherDevice.ts';
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

  test('is one for a kind, also where its members are guessed differently', async () => {
    const square = (extent: number): Value => input(`${extent}`, spec([extent, extent]));
    const [few, many] = [square(520), square(1000)];
    const graphOf = (x: Value): Graph => ({ outputs: { c: matmul(x, x) }, writes: [] });
    const backend = new GpuBackend(await asCard(), { fuse: false, kernels: 'guess' });
    open.push(backend);
    await backend.compile(graphOf(few));
    const { forms } = backend.kernels;
    await backend.compile(graphOf(many));
    expect(Object.keys(forms)).toHaveLength(1);
    expect(backend.kernels.forms).toEqual(forms);
  });

  test('is the first that was measured, where two measure at once', async () => {
    const device = await sharedDevice();
    const [first, second] = [new Choice(device, 'measure'), new Choice(device, 'measure')];
    const { node } = matmul(input('a', spec([5, 700])), input('b', spec([700, 9])));
    /** Where there is something to compile, the last form wins; it is told when that is done. */
    const measured = (choice: Choice, best: string, until: Promise<void>): Promise<void> =>
      choice.measure([node], async (_, form) => {
        await until;
        if (form !== best) throw new Error('this driver cannot compile it');
        return { record: () => {}, destroy: () => {} };
      });
    let done = (): void => {};
    const slow = measured(second, 'naive', new Promise((resolve) => (done = resolve)));
    await measured(first, 'registers8', Promise.resolve());
    expect(first.formOf(node)).toBe('registers8');
    done();
    await slow;
    expect([first.formOf(node), second.formOf(node)]).toEqual(['registers8', 'registers8']);
  });

  describe('kept in a storage', () => {
    const { node } = matmul(input('a', spec([5, 700])), input('b', spec([700, 9])));
    /** A choice of a visit of its own to one card, of which one form compiles; and how often it was asked for one. */
    const visit = async (kernels: Kernels, best: string) => {
      let asked = 0;
      const choice = new Choice(await limited({}, await asCard()), kernels);
      await choice.measure([node], async (_, form) => {
        asked++;
        if (form !== best) throw new Error('this driver cannot compile it');
        return { record: () => {}, destroy: () => {} };
      });
      return { form: choice.formOf(node), asked };
    };
    const storageOf = (kept: Map<string, string>): KernelStorage => ({
      getItem: (key) => kept.get(key) ?? null,
      setItem: (key, text) => void kept.set(key, text),
    });

    test('is known to the next visit, which measures nothing', async () => {
      const kept = new Map<string, string>();
      const first = await visit(storageOf(kept), 'registers8');
      expect(first.asked).toBeGreaterThan(1);
      expect(await visit(storageOf(kept), 'naive')).toEqual({ form: 'registers8', asked: 0 });
      expect(first.form).toBe('registers8');
      // In another storage, or in none, nobody knows of it.
      expect((await visit(storageOf(new Map()), 'naive')).form).toBe('naive');
      expect((await visit('auto', 'naive')).form).toBe('naive');
    });

    test.each([
      '{',
      '[]',
      '{"adapter":"another card","forms":{"*":"registers4"}}',
      '{"adapter":"a card","forms":{"*":1}}',
    ])('is measured where the storage holds %s', async (text) => {
      const storage = { getItem: () => text, setItem: () => {} };
      expect((await visit(storage, 'naive')).form).toBe('naive');
    });

    test('is measured where the storage is closed', async () => {
      const closed = (): never => {
        throw new Error('closed');
      };
      expect((await visit({ getItem: closed, setItem: closed }, 'naive')).form).toBe('naive');
    });

    test('lies in files, one for each adapter, which others see', async () => {
      const folder = await mkdtemp(join(tmpdir(), 'millrace-kernels-'));
      const path = join(folder, 'kept');
      await visit(kernelFiles(path), 'registers8');
      expect(await visit(kernelFiles(path), 'naive')).toEqual({ form: 'registers8', asked: 0 });
      expect(await readdir(path)).toEqual(['millrace kernels a card.json']);
      // Where no folder can be, nothing is kept, and nothing fails.
      const nowhere = kernelFiles(join(path, 'millrace kernels a card.json'));
      expect((await visit(nowhere, 'naive')).form).toBe('naive');
      expect((await visit(kernelFiles(null), 'naive')).form).toBe('naive');
      await rm(folder, { recursive: true });
    });
  });

  test('uses no buffer once its owner was destroyed', async () => {
    const backend = await backendWith('measure');
    const device = await sharedDevice();
    const { GPUQueue: queue } = prototypes(device);
    const wait = queue['onSubmittedWorkDone'];
    const waited = vi.spyOn(queue, 'onSubmittedWorkDone').mockImplementationOnce(function (this: unknown) {
      backend.destroy();
      return wait.call(this);
    });
    device.pushErrorScope('validation');
    const value = matmul(input('a', spec([40, 300])), input('b', spec([300, 24])));
    await expect(backend.compile({ outputs: { value }, writes: [] })).rejects.toThrow('after it was destroyed');
    expect(await device.popErrorScope()).toBeNull();
    expect(waited).toHaveBeenCalledOnce();
    waited.mockRestore();
  });

  test('passes over a form that this device does not have', async () => {
    const backend = await backendWith({ adapter: summarize(await sharedDevice()).name, forms: { '*': 'tiles1024' } });
    await backend.compile(product());
    expect(backend.kernels.forms).toEqual({ [kind]: guessed });
  });

  test('runs nothing that a state would remember', async () => {
    const backend = await backendWith('measure');
    const held: State = { name: 'held', spec: spec([8, 12]), initial: () => new Float32Array(96).fill(5) };
    const value = matmul(input('a', spec([8, 4])), input('b', spec([4, 12])));
    const program = await backend.compile({ outputs: {}, writes: [[held, assign(held, value)]] });
    expect(program.launches).toContain('matmul');
    expect(await backend.readState(held)).toEqual(new Float32Array(96).fill(5));
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
    // A rounding shows in weights where losses of few digits hide it.
    const weights = await trainer.readParameters();
    const { kernels: taken } = trainer;
    trainer.destroy();
    return { losses, weights, taken };
  };

  test('given again repeat the run to the bit, and another form does not', async () => {
    const adapter = summarize(await sharedDevice()).name;
    const first = await train({ adapter, forms: { '*': 'registers4' } });
    expect(Object.values(first.taken!.forms)).toContain('registers4');
    const again = await train(first.taken!);
    expect(again.losses).toEqual(first.losses);
    expect(again.weights).toEqual(first.weights);
    const sliced = await train({ adapter, forms: { '*': 'slices' } });
    expect(sliced.weights).not.toEqual(first.weights);
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
