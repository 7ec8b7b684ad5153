// What PyTorch and scikit-learn export to ONNX gives the same numbers here; test/interop/python/onnx_models.py wrote it.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { fromOnnx } from '../../src/interop/index.ts';
import { namesIn, readCase, strayOf } from './importedCase.ts';

const folder = fileURLToPath(new URL('../goldens/interop/onnx', import.meta.url));

describe.each(namesIn(folder, '.onnx'))('%s', (name) => {
  test('gives what onnxruntime gives', async () => {
    const { model } = await fromOnnx(readFileSync(join(folder, `${name}.onnx`)));
    expect(await strayOf(model, readCase(folder, name), 'cpu')).toBeLessThan(1e-5);
  });
});
