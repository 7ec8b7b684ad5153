// Messages, records and arrays as objects: what goes out comes back, and what was damaged is refused.

import { expect, test } from 'vitest';
import { Random } from '../../src/index.ts';
import { MetricRecordSchema } from '../../src/flower/fleet_pb.ts';
import {
  incoming,
  innermostFirst,
  outgoing,
  type IncomingObject,
  type OutgoingObject,
} from '../../src/flower/objects.ts';
import { CHUNK_BYTES, readRecords, writeRecords } from '../../src/flower/records.ts';
import { readMessage } from '../../src/flower/wire.ts';

async function arrived(object: OutgoingObject): Promise<Map<string, IncomingObject>> {
  const all = new Map<string, IncomingObject>();
  for (const each of innermostFirst(object)) all.set(each.id, await incoming(each.id, each.content()));
  return all;
}

const random = new Random(7, 'records');
const below = (end: number): number => Math.floor(random.uniform(0, end));
const floats = (length: number) => Float32Array.from({ length }, () => random.uniform(-2, 2));

test('arrays and metrics come back as they were, whatever their names, kinds and shapes', async () => {
  const arrays = new Map<string, { shape: number[]; data: Float32Array | Int32Array | Uint32Array | Uint8Array }>([
    ['layer0.weight', { shape: [3, 5], data: floats(15) }],
    ['"quoted", \\ and ü', { shape: [2], data: Int32Array.of(-1, 2) }],
    ['0', { shape: [], data: floats(1) }],
    ['none', { shape: [0, 3], data: new Float32Array(0) }],
    ['zeros', { shape: [4], data: new Float32Array(4) }],
    ['zeros again', { shape: [4], data: new Float32Array(4) }],
    ['bytes', { shape: [1, 2], data: Uint8Array.of(7, 255) }],
    ['words', { shape: [1], data: Uint32Array.of(2 ** 32 - 1) }],
    ['not numbers', { shape: [3], data: Float32Array.of(NaN, -Infinity, -0) }],
  ]);
  const metrics = { 'num-examples': 20_000, train_loss: 0.25, eval_acc: 1, perClass: [0.5, 1] };
  const object = await writeRecords(arrays, metrics);
  const back = readRecords(await arrived(object), object.id);
  expect([...back.arrays.keys()].toSorted()).toEqual([...arrays.keys()].toSorted());
  for (const [name, array] of arrays) expect(back.arrays.get(name)).toEqual(array);
  expect(back.metrics).toEqual(metrics);
  expect(back.config).toEqual({});
});

test('a large array travels in chunks of five megabytes, and those that are alike once', async () => {
  const data = new Float32Array((3 * CHUNK_BYTES) / 4);
  data.set(floats(100), data.length - 100);
  const object = await writeRecords(new Map([['weight', { shape: [data.length], data }]]), { 'num-examples': 1 });
  const all = await arrived(object);
  const chunks = [...all.values()].filter(({ kind }) => kind === 'ArrayChunk');
  expect(chunks.map(({ body }) => body.length)).toEqual([CHUNK_BYTES, CHUNK_BYTES, CHUNK_BYTES, 128]);
  expect(readRecords(all, object.id).arrays.get('weight')!.data).toEqual(data);
  const zeros = { shape: [data.length], data: new Float32Array(data.length) };
  const alike = await arrived(await writeRecords(new Map([['weight', zeros]]), { 'num-examples': 1 }));
  // The first has the header of the array in front, and the last is what that pushed behind.
  expect([...alike.values()].filter(({ kind }) => kind === 'ArrayChunk')).toHaveLength(3);
});

test('an object that was changed in one byte anywhere, or cut, is refused', async () => {
  const object = await outgoing('Array', Uint8Array.of(1, 2, 3, 4));
  const bytes = object.content();
  for (let at = 0; at < bytes.length; at++) {
    const changed = bytes.with(at, bytes[at] ^ (1 + below(255)));
    await expect(incoming(object.id, changed)).rejects.toThrow(/^\[flower\] the object /);
    await expect(incoming(object.id, bytes.subarray(0, at))).rejects.toThrow(/^\[flower\] the object /);
  }
  expect(await incoming(object.id, bytes)).toEqual({ kind: 'Array', children: [], body: Uint8Array.of(1, 2, 3, 4) });
});

test('records that somebody made up are refused by name, or read, and nothing else', async () => {
  const names = ['RecordDict', 'ArrayRecord', 'Array', 'ArrayChunk', 'MetricRecord', 'ConfigRecord'];
  const texts = [
    '{}',
    '[]',
    'null',
    '{"a": "1"}',
    '{"a": 1}',
    '{"stype": "numpy.ndarray", "arraychunk_ids": [0, -1, 9]}',
  ];
  let refused = 0;
  for (let round = 0; round < 3000; round++) {
    const objects = new Map<string, IncomingObject>();
    for (let id = 0; id < 4; id++) {
      const text = new TextEncoder().encode(texts[below(texts.length)]);
      const body = below(3) === 0 ? Uint8Array.from({ length: below(40) }, () => below(256)) : text;
      const children = Array.from({ length: below(3) }, () => String(below(4)));
      objects.set(String(id), { kind: id === 0 ? 'RecordDict' : names[below(names.length)], children, body });
    }
    try {
      readRecords(objects, '0');
    } catch (error) {
      refused++;
      expect(String(error)).toMatch(/^(?:FormatError|DataError): \[(?:flower|npy)\] /);
    }
  }
  expect(refused).toBeGreaterThan(300);
});

test('bytes that are no message are refused by name', () => {
  let refused = 0;
  for (let round = 0; round < 2000; round++) {
    const bytes = Uint8Array.from({ length: below(60) }, () => below(256));
    try {
      readMessage(MetricRecordSchema, bytes);
    } catch (error) {
      refused++;
      expect(String(error)).toMatch(/^FormatError: \[flower\] \d+ bytes that came are no flwr\.proto\.MetricRecord/);
    }
  }
  expect(refused).toBeGreaterThan(1000);
});
