// Ten steps of PyTorch's optimizers and of Keras', there and here, from the same weights, on the same batches.

import assert from 'node:assert/strict';
import { join } from 'node:path';

const SCALE = 6;
const TOLERANCE = 1e-4;
/** Of an epsilon that stands in another place. */
const NEAR = 1e-3;

/** @param {import('../live.mjs').Live} live */
export async function run({ python, root, load }) {
  const training = JSON.parse(await python(join(root, 'test/interop/python/training.py'), String(SCALE)));
  const { apart, isNear, ofKeras, ofTorch, trainedHere } = await load('/test/interop/trainedHere.ts');
  const worst = { torch: 0, keras: 0 };
  for (const [from, optimizers] of Object.entries({ torch: ofTorch, keras: ofKeras })) {
    const key = /** @type {'torch' | 'keras'} */ (from);
    assert.deepEqual(Object.keys(training[from]).toSorted(), Object.keys(optimizers).toSorted());
    for (const [name, optimizer] of Object.entries(optimizers)) {
      const difference = apart(training[from][name], await trainedHere(training, optimizer));
      assert.ok(difference < (isNear(name) ? NEAR : TOLERANCE), `${name} of ${from} differs by ${difference}`);
      if (!isNear(name)) worst[key] = Math.max(worst[key], difference);
    }
  }
  const normed = apart(training.normed.torch, await trainedHere(training, ofTorch.adam, true));
  assert.ok(normed < TOLERANCE, `batch norm of torch differs by ${normed}`);
  const { torch, keras } = worst;
  return `ten steps end as PyTorch's, to ${torch.toExponential(1)} (with batch norm ${normed.toExponential(1)}), and as Keras', to ${keras.toExponential(1)}`;
}
