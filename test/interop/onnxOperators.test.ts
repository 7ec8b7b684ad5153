// Nodes of ONNX give what onnxruntime makes of them; test/interop/python/onnx_operators.py wrote them. ONNX' own tests of all
// operators are run where the onnx package is to be had: test/interop/onnxNodes.test.ts.

import { describe, expect, test } from 'vitest';
import { GpuBackend } from '../../src/scheduler/gpuBackend.ts';
import golden from '../goldens/interop/onnxOperators.json' with { type: 'json' };
import { sharedDevice, wasmBackend } from '../support/device.ts';
import { differenceOf, onCpu, runOn, slopeStray, type Case } from './nodeTests.ts';

interface Packed {
  readonly model: string;
  readonly inputs: Readonly<Record<string, string>>;
  readonly outputs: Readonly<Record<string, string>>;
}

const cases = golden.cases as Readonly<Record<string, Packed>>;
const bytesOf = (text: string): Uint8Array<ArrayBuffer> => Uint8Array.from(Buffer.from(text, 'base64'));

/** Numbers behind their type and their extents. */
const tensors = (packed: Readonly<Record<string, string>>): Case['inputs'] =>
  Object.entries(packed).map(([name, text]) => {
    const [dtype, extents, numbers] = text.split(' ');
    const { buffer } = bytesOf(numbers);
    return {
      name,
      dtype,
      shape: extents === '' ? [] : extents.split(',').map(Number),
      data: [...(dtype.startsWith('float') ? new Float32Array(buffer) : new Int32Array(buffer))],
    };
  });

/** onnxruntime adds up in f32 as well, in another order. */
const tolerances = { rtol: 1e-4, atol: 2e-5 };

function caseOf(name: string): readonly [bytes: Uint8Array, told: Case] {
  const { model, inputs, outputs } = cases[name];
  return [bytesOf(model), { ...tolerances, inputs: tensors(inputs), outputs: tensors(outputs) }];
}

const names = Object.keys(cases);

describe.each([
  ['the CPU', names, async () => onCpu],
  ['WebAssembly', names, async () => runOn(await wasmBackend())],
  // Each is a program to be compiled, of which the node tests of ONNX have far more.
  ['WebGPU', names.filter((_, at) => at % 4 === 3), async () => runOn(new GpuBackend(await sharedDevice()))],
])('on %s', (_, all, open) => {
  test.each(all)('%s gives what onnxruntime gives', async (name) => {
    expect(await differenceOf(...caseOf(name), await open())).toBeUndefined();
  });
});

test.each(names)('slopes of %s agree with difference quotients', async (name) => {
  expect(await slopeStray(...caseOf(name))).toBeLessThan(1e-6);
});
