import { fromHalves } from '../../src/core/halves.ts';
import { describe, expect, test } from 'vitest';
import { Permutation } from '../../src/core/permutation.ts';
import { Random, seedKey } from '../../src/core/random.ts';
import { allocate, sizeOf, spec, type Dtype, type Numbers, type Shape } from '../../src/core/shape.ts';
import { dataset } from '../../src/data/dataset.ts';
import type { Graph, State, Value } from '../../src/graph/graph.ts';
import { constant, read } from '../../src/graph/leaf.ts';
import { sampleOrder, takeSamples } from '../../src/ops/data/samples.ts';
import type { Backend } from '../../src/scheduler/backend.ts';
import { CpuBackend } from '../../src/scheduler/cpuBackend.ts';
import { residentSource } from '../../src/train/samples/sampleSource.ts';
import { expectFaithful } from '../support/checkOp.ts';
import { sharedBackend } from '../support/device.ts';

const backends: readonly (readonly [string, () => Promise<Backend>])[] = [
  ['CPU', async () => new CpuBackend()],
  ['GPU', sharedBackend],
];

/** The output `y` of a graph: with poisoned memory, twice the same bits, each launch as its reference has it. */
async function run(backend: Backend, y: Value): Promise<Numbers> {
  const graph: Graph = { outputs: { y }, writes: [] };
  const program = await backend.compile(graph);
  try {
    const observations = await backend.observe(program, {});
    expectFaithful(program.order, observations);
    const first = await backend.readOutput(program, 'y');
    backend.run([program]);
    expect(await backend.readOutput(program, 'y')).toEqual(first);
    return first;
  } finally {
    program.destroy();
    backend.destroy();
  }
}

const LAST_EPOCH = 2 ** 32 - 1;
const SEED = 2 ** 40 + 12_345;

interface Place {
  readonly epoch?: number;
  readonly position?: number;
  readonly part?: number;
  readonly partRows?: number;
  readonly count: number;
  readonly shuffle?: boolean;
}

function orderAt(length: number, place: Place): Value {
  const { epoch = 0, position = 0, part = 0, partRows = 0, count, shuffle = true } = place;
  const control: State = {
    name: 'control',
    spec: spec([6], 'u32'),
    // The order of samples does not depend on the step.
    initial: () => Uint32Array.of(77, part, ...seedKey(SEED), epoch, position),
  };
  return sampleOrder(read(control), { count, length, partRows, shuffle });
}

/** The same, one sample after the other. */
function walk(length: number, place: Place): number[] {
  const { part = 0, partRows = 0, count, shuffle = true } = place;
  let { epoch = 0, position = 0 } = place;
  let order = new Permutation(length, seedKey(SEED), epoch);
  const rows: number[] = [];
  for (let at = 0; at < part * partRows + count; at++) {
    if (at >= part * partRows) rows.push(shuffle ? order.at(position) : position);
    position++;
    if (position < length) continue;
    position = 0;
    epoch = (epoch + 1) % 2 ** 32;
    order = new Permutation(length, seedKey(SEED), epoch);
  }
  return rows;
}

const MILLION = 2 ** 20 + 7;

describe.each(backends)('on the %s the order', (_, backend) => {
  const expectWalked = async (length: number, place: Place): Promise<void> =>
    expect([...(await run(await backend(), orderAt(length, place)))]).toEqual(walk(length, place));

  describe.each([1, 2, 7, 64, 1003, 65_537, MILLION])('of %i samples is the permutation’s', (length) => {
    test('from the first one on', () => expectWalked(length, { count: Math.min(length, 150) }));
    test('up to the end of an epoch', () => {
      const count = Math.min(length, 70);
      return expectWalked(length, { epoch: 3, position: length - count, count });
    });
    test('across the end of an epoch', () =>
      expectWalked(length, { epoch: 8, position: length - Math.min(length, 40), count: 90 }));
    test('in the last epoch that 32 bits count, and beyond', () =>
      expectWalked(length, { epoch: LAST_EPOCH, position: length - 1, count: 67 }));
    test('in a part whose step began in the epoch before', () =>
      expectWalked(length, { epoch: 5, position: length - 1, part: 3, partRows: 33, count: 17 }));
    test('where it is not shuffled', () =>
      expectWalked(length, { epoch: 5, position: length - 1, part: 1, partRows: 33, count: 71, shuffle: false }));
  });

  test.each([1, 2, 7, 64, 1003])('of %i samples visits each of them in every epoch', async (length) => {
    const epochs = 3;
    const rows = [...(await run(await backend(), orderAt(length, { epoch: 1, count: epochs * length })))];
    for (let epoch = 0; epoch < epochs; epoch++) {
      const own = rows.slice(epoch * length, (epoch + 1) * length).sort((a, b) => a - b);
      expect(own).toEqual([...own.keys()]);
    }
  });

  test('of a step in parts of 33 is that of the whole step', async () => {
    const whole = await run(await backend(), orderAt(64, { position: 50, count: 3 * 33 }));
    const parts: number[] = [];
    for (const part of [0, 1, 2]) {
      parts.push(...(await run(await backend(), orderAt(64, { position: 50, part, partRows: 33, count: 33 }))));
    }
    expect(parts).toEqual([...whole]);
  });
});

test('the order on the GPU reaches the samples past one row of groups', async () => {
  const many = 65_535 * 64 + 1000;
  const backend = await sharedBackend();
  const program = await backend.compile({
    outputs: { y: orderAt(many, { count: many, shuffle: false }) },
    writes: [],
  });
  backend.run([program]);
  const rows = await backend.readOutput(program, 'y');
  expect([...rows.subarray(many - 2000)]).toEqual(Array.from({ length: 2000 }, (_, at) => many - 2000 + at));
  program.destroy();
  backend.destroy();
});

const SHAPES: Readonly<Record<number, Shape>> = { 1: [], 3: [3], 5: [5, 1], 784: [28, 28] };
const SAMPLES = 45;
/** Samples in each part but the last, by the number of parts: multiples of four, as packed bytes need them. */
const HELD = { 1: SAMPLES, 2: 24, 5: 11 } as const;
const HELD_PACKED = { 1: SAMPLES, 2: 24, 5: 12 } as const;

/** Numbers that use the whole range of their dtype. */
function numbersOf(dtype: Dtype, count: number): Numbers {
  const random = new Random(11, dtype);
  const numbers = allocate(spec([count], dtype));
  for (let i = 0; i < count; i++) numbers[i] = dtype === 'f32' ? random.normal() : random.word();
  return numbers;
}

function partsOf(numbers: Numbers, dtype: Dtype, shape: Shape, held: number): State[] {
  const size = sizeOf(shape);
  const samples = numbers.length / size;
  return Array.from({ length: Math.ceil(samples / held) }, (_, at): State => {
    const own = numbers.slice(at * held * size, Math.min(samples, (at + 1) * held) * size);
    return { name: 'data', spec: spec([own.length / size, ...shape], dtype), initial: () => own, fixed: true };
  });
}

/** First and last of every part, and one sample twice. */
function rowsOf(samples: number, held: number): Uint32Array {
  const rows = [samples - 1, 0, 0];
  for (let first = 0; first < samples; first += held) rows.unshift(first, Math.min(samples, first + held) - 1);
  return Uint32Array.from(rows);
}

const scale = { scale: 1 / 255, offset: -0.375 };

describe.each(backends)('on the %s samples', (_, backend) => {
  for (const dtype of ['f32', 'i32', 'u32', 'u8'] as const) {
    for (const size of [1, 3, 5, 784]) {
      for (const count of [1, 2, 5] as const) {
        const shape = SHAPES[size];
        const held = (dtype === 'u8' ? HELD_PACKED : HELD)[count];
        // Five parts of twelve packed samples are 48 and more.
        const samples = dtype === 'u8' && count === 5 ? SAMPLES + 4 : SAMPLES;
        const numbers = numbersOf(dtype, samples * size);
        const rows = rowsOf(samples, held);
        const title = `of ${size} ${dtype} from ${count} ${count === 1 ? 'part' : 'parts'}`;
        const taken = (scaling: typeof scale | null): Value => {
          const states = partsOf(numbers, dtype, shape, held);
          if (states.length !== count) throw new Error(`there are ${states.length} parts, not ${count}`);
          const kept = { label: 'x', held, dtype, scale: scaling };
          return takeSamples(constant(rows, spec([rows.length], 'u32')), states.map(read), kept);
        };
        const expected = [...rows].flatMap((row) => [...numbers.subarray(row * size, (row + 1) * size)]);

        test(`${title} come as they are`, async () => {
          const y = taken(null);
          expect(y.spec).toEqual(spec([rows.length, ...shape], dtype === 'u8' ? 'u32' : dtype));
          expect([...(await run(await backend(), y))]).toEqual(expected);
        });

        test(`${title} come scaled, within three roundings of factor, product and sum`, async () => {
          const y = await run(await backend(), taken(scale));
          expect(y).toBeInstanceOf(Float32Array);
          expected.forEach((x, i) => {
            const product = x * scale.scale;
            // The integer is rounded too, as it becomes f32.
            const bound = 2 ** -24 * (3 * Math.abs(product) + Math.abs(product + scale.offset));
            const error = Math.abs(y[i] - (product + scale.offset));
            if (!(error <= bound)) expect.fail(`element ${i} is ${y[i]}, not ${product + scale.offset}`);
          });
        });
      }
    }
  }

  test.each([
    ['f32', 3, 4 * 3 * 9],
    ['u8', 3, 3 * 9 + 2],
    ['u8', 5, 5 * 7],
  ] as const)('of a %s set of %i a sample are whole where a binding holds %i bytes', async (dtype, size, largest) => {
    const numbers = numbersOf(dtype, SAMPLES * size) as Float32Array | Uint8Array;
    const data = dataset({ x: { data: numbers, shape: [size] } });
    const { states, held } = residentSource(data, ['x'], largest).fields['x'];
    expect(states.length).toBeGreaterThan(4);
    const all = constant(
      Uint32Array.from({ length: SAMPLES }, (__, at) => at),
      spec([SAMPLES], 'u32'),
    );
    const y = takeSamples(all, states.map(read), { label: 'x', held, dtype, scale: null });
    expect([...(await run(await backend(), y))]).toEqual([...numbers]);
  });

  test.each([
    ['i32', [64], 1, MILLION],
    ['i32', [5], 2, 4 * 24],
    ['f32', [4, 2], 4, 4 * 40],
    ['f32', [3], 5, MILLION],
    ['u8', [6], 1, MILLION],
    ['u8', [4], 3, 35],
  ] as const)(
    'that overlap, %s%j each %i behind the one before, are whole where a binding holds %d bytes',
    async (dtype, shape, stride, largest) => {
      const size = sizeOf(shape);
      const numbers = numbersOf(dtype, (SAMPLES - 1) * stride + size) as Float32Array | Int32Array | Uint8Array;
      const data = dataset({ x: { data: numbers, shape, stride } });
      const { states, held, overlap } = residentSource(data, ['x'], largest).fields['x'];
      expect(states.length > 3).toBe(largest < MILLION);
      const order = Array.from({ length: SAMPLES }, (__, at) => (at * 7) % SAMPLES);
      const drawn = constant(Uint32Array.from(order), spec([SAMPLES], 'u32'));
      const y = takeSamples(drawn, states.map(read), { label: 'x', held, overlap, dtype, scale: null });
      expect(y.spec.shape).toEqual([SAMPLES, ...shape]);
      const expected = order.flatMap((at) => [...numbers.subarray(at * stride, at * stride + size)]);
      expect([...(await run(await backend(), y))]).toEqual(expected);
    },
  );

  test.each([
    [[3], 5, 7],
    [[4], 4, 4],
    [[2, 2], 8, 0],
    [[], 2, 1],
  ] as const)(
    'that are halves%j each %i behind the one before, behind %i others, are f32',
    async (shape, stride, first) => {
      const size = sizeOf(shape);
      // Every half that is a number, denormal ones and zeros too.
      const halves = Uint16Array.from({ length: 2 * Math.ceil((first + SAMPLES * stride) / 2) }, (__, at) => {
        const bits = (at * 7919) % 0x8000;
        return (bits & 0x7c00) === 0x7c00 ? 0x8001 : bits | ((at % 2) << 15);
      });
      const state: State = {
        name: 'halves',
        spec: spec([halves.length / 2], 'u32'),
        initial: () => new Uint32Array(halves.buffer),
      };
      const order = constant(
        Uint32Array.from({ length: SAMPLES }, (__, at) => SAMPLES - 1 - at),
        spec([SAMPLES], 'u32'),
      );
      const overlap = { shape, stride, first, stored: 'f16' } as const;
      const y = takeSamples(order, [read(state)], { label: 'x', held: SAMPLES, overlap, dtype: 'f32', scale: null });
      const numbers = fromHalves(halves);
      const expected = Array.from({ length: SAMPLES }, (__, at) => first + (SAMPLES - 1 - at) * stride).flatMap(
        (from) => [...numbers.subarray(from, from + size)],
      );
      expect([...(await run(await backend(), y))]).toEqual(expected);
    },
  );
});
