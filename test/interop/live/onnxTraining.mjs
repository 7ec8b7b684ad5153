// ONNX' training operators, by its node tests and its reference, and our optimizers.

import assert from 'node:assert/strict';
import { join } from 'node:path';

/** ONNX' own tolerance is 1e-3. */
const TOLERANCE = 1e-5;

/** @param {import('../live.mjs').Live} live */
export async function run({ python, root, load }) {
  const { cases } = JSON.parse(await python(join(root, 'test/interop/python/onnx_training.py')));
  const { apartFrom } = await load('/test/interop/onnxTraining.ts');
  let worst = 0;
  for (const [name, node] of Object.entries(cases)) {
    const difference = apartFrom(node);
    assert.ok(difference < TOLERANCE, `${name} differs by ${difference}`);
    worst = Math.max(worst, difference);
  }
  const own = Object.keys(cases).filter((name) => name.startsWith('test_'));
  return `${own.length} node tests of ONNX' training, and ${Object.keys(cases).length - own.length} steps of its reference, agree to ${worst.toExponential(1)}`;
}
