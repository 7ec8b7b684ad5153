// ONNX' own node tests, on the CPU, in WebAssembly and on WebGPU: each gives ONNX' numbers to ONNX' tolerances, or is refused
// for a reason that the golden file has. They come with the onnx wheel, in code: `python test/interop/live/onnx_node_tests.py
// FOLDER` writes them, and MILLRACE_ONNX_NODES=FOLDER has them run here, as test/interop/live/onnxNodes.mjs does; -u writes
// the golden file.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { GpuBackend } from '../../src/scheduler/gpuBackend.ts';
import { sharedDevice, wasmBackend } from '../support/device.ts';
import { casesIn, onCpu, outcomeOf, runOn, type Run } from './nodeTests.ts';
import { schemaOf } from './schema.ts';

const folder = process.env['MILLRACE_ONNX_NODES'];
if (!folder) console.warn('MILLRACE_ONNX_NODES names no folder: THE NODE TESTS OF ONNX DID NOT RUN.');
const MINUTES = 10;

/** What gives other numbers, as it should. */
const otherwise: Readonly<Record<string, RegExp>> = {
  'draws what it drops anew at each step, and drops in training alone':
    /^test_training_dropout(?:_default)?(?:_mask)?$/,
};

/** The reasons of what is not read, and the tests that it keeps from passing. */
async function reasons(run: Run): Promise<Record<string, string>> {
  const found: Record<string, string[]> = {};
  let passed = 0;
  for (const name of casesIn(folder!)) {
    const { result, why = '' } = await outcomeOf(folder!, name, run);
    const reason = Object.keys(otherwise).find((one) => otherwise[one].test(name));
    if (result === 'passed') passed++;
    else if (result === 'refused') (found[reasonOf(why)] ??= []).push(name);
    else if (reason) (found[reason] ??= []).push(name);
    else expect.soft(why, name).toBe('');
  }
  const sorted = Object.entries(found).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return { passed: String(passed), ...Object.fromEntries(sorted.map(([why, names]) => [why, names.join(' ')])) };
}

/** What is said of a node, without its name, its extents, and the way out. */
const reasonOf = (why: string): string =>
  why
    .replace(/^\[onnx\] (\w+) "[^"]*" cannot be read, as it (.*?): .*$/s, '$1 $2')
    .replace(/^\[onnx\] /, '')
    .replace(/"[^"]*"/g, '…')
    .replace(/\[[-\d, ]*\]/g, '[…]');

const places: readonly (readonly [string, () => Promise<Run>])[] = [
  ['on the CPU', async () => onCpu],
  ['in WebAssembly', async () => runOn(await wasmBackend())],
  ['on WebGPU', async () => runOn(new GpuBackend(await sharedDevice()))],
];

describe.runIf(folder)('node tests of ONNX', () => {
  test.each(places)('pass, or are refused for a known reason, %s', { timeout: MINUTES * 60_000 }, async (_, open) => {
    const told = JSON.stringify(await reasons(await open()), null, 2);
    await expect(`${told}\n`).toMatchFileSnapshot('../goldens/interop/onnxNodes.json');
  });

  test('have the messages that our schema has', () => {
    const theirs = JSON.parse(readFileSync(join(folder!, 'schema.json'), 'utf8')) as Record<string, object>;
    expect(theirs).toMatchObject(schemaOf());
  });
});
