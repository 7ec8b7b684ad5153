#!/usr/bin/env bash
# TensorFlow.js' unsortedSegmentSum on the CPU backend, which is the gradient of its gather and so of an embedding, costs
# what the vocabulary costs, not what the tokens cost: it goes over the segments one after the other, and for each it
# compares all indices anew, casts, multiplies all rows by the outcome, and sums. A scatter-add over 256 rows of 8 is 2,048
# additions, whatever there is to add them to.
# Seen on 2026-11-28: @tensorflow/tfjs-core and tfjs-backend-cpu 4.22.0 on Node 20, two busy cores, 256 rows of 8 each time:
#   10 segments: 21 ms, 10,000 segments: 6775 ms
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{}' > package.json
npm install --silent --no-audit --no-fund @tensorflow/tfjs-core@4.22.0 @tensorflow/tfjs-backend-cpu@4.22.0
cat > segments.cjs <<'NODE'
const tf = require('@tensorflow/tfjs-core');
require('@tensorflow/tfjs-backend-cpu');

const ROWS = 256;
const WIDTH = 8;

async function median(work) {
  await work();
  const times = [];
  for (let i = 0; i < 3; i++) {
    const began = performance.now();
    await work();
    times.push(performance.now() - began);
  }
  return times.sort((a, b) => a - b)[1];
}

(async () => {
  await tf.setBackend('cpu');
  const values = tf.ones([ROWS, WIDTH]);
  const chosen = Array.from({ length: ROWS }, (_, i) => i % 7);
  const ids = tf.tensor1d(chosen, 'int32');
  const sums = (segments) => () => tf.unsortedSegmentSum(values, ids, segments).data();
  const [few, many] = [await median(sums(10)), await median(sums(10_000))];
  console.log(`10 segments: ${few.toFixed(0)} ms, 10,000 segments: ${many.toFixed(0)} ms`);

  const out = await sums(10_000)();
  const right = out.slice(0, 7 * WIDTH).every((sum, at) => sum === chosen.filter((id) => id === Math.floor(at / WIDTH)).length);
  if (!right) throw new Error('the sums are wrong');
  if (many / few < 50) throw new Error('it no longer costs what the segments cost');
})();
NODE
node segments.cjs
