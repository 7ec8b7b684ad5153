#!/usr/bin/env bash
# TensorFlow.js' WebAssembly backend runs most models, and trains dense ones; but some gradients end in a kernel that this
# backend has not: those of a convolution's filters, plain or depthwise, and of a gather, and so of every embedding. Nothing
# says so before the first step: the forward pass of the same ops answers, and so does the gradient of a convolution by its
# images. The CPU backend, plain JavaScript, has all of them. Whoever picks a backend by whether a model predicts there finds
# out later that it cannot learn there.
# Seen on 2026-11-29: @tensorflow/tfjs and @tensorflow/tfjs-backend-wasm 4.22.0 on Node 20:
#   wasm, matMul: forward answers, gradient answers
#   wasm, conv2d, by its images: forward answers, gradient answers
#   wasm, conv2d, by its filters: forward answers, gradient lacks Conv2DBackpropFilter
#   wasm, depthwiseConv2d, by its filters: forward answers, gradient lacks DepthwiseConv2dNativeBackpropFilter
#   wasm, maxPool: forward answers, gradient answers
#   wasm, gather: forward answers, gradient lacks UnsortedSegmentSum
#   wasm, softmax: forward answers, gradient answers
#   and on the CPU backend all answer.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{}' > package.json
npm install --silent --no-audit --no-fund @tensorflow/tfjs@4.22.0 @tensorflow/tfjs-backend-wasm@4.22.0
cat > gradients.cjs <<'NODE'
const tf = require('@tensorflow/tfjs');
require('@tensorflow/tfjs-backend-wasm');

const image = () => tf.ones([1, 4, 4, 2]);
const cases = {
  'matMul': [() => tf.ones([2, 3]), (x) => tf.matMul(x, tf.ones([3, 2]))],
  'conv2d, by its images': [image, (x) => tf.conv2d(x, tf.ones([3, 3, 2, 2]), 1, 'same')],
  'conv2d, by its filters': [() => tf.ones([3, 3, 2, 2]), (w) => tf.conv2d(image(), w, 1, 'same')],
  'depthwiseConv2d, by its filters': [() => tf.ones([3, 3, 2, 1]), (w) => tf.depthwiseConv2d(image(), w, 1, 'same')],
  'maxPool': [image, (x) => tf.maxPool(x, 2, 2, 'valid')],
  'gather': [() => tf.ones([5, 3]), (table) => tf.gather(table, tf.tensor1d([0, 2, 2], 'int32'))],
  'softmax': [() => tf.ones([2, 3]), (x) => tf.softmax(x)],
};

const outcome = (run) => {
  try {
    run().dataSync();
    return 'answers';
  } catch (error) {
    const kernel = /Kernel '(\w+)' not registered/.exec(error.message)?.[1];
    return kernel ? `lacks ${kernel}` : error.message;
  }
};

(async () => {
  for (const backend of ['wasm', 'cpu']) {
    await tf.setBackend(backend);
    for (const [name, [make, f]] of Object.entries(cases)) {
      const forward = outcome(() => f(make()));
      const back = outcome(() => tf.grad((x) => tf.sum(f(x)))(make()));
      console.log(`${backend}, ${name}: forward ${forward}, gradient ${back}`);
    }
  }
})();
NODE
node gradients.cjs 2> errors.txt | tee seen.txt
cat > expected.txt <<'TEXT'
wasm, matMul: forward answers, gradient answers
wasm, conv2d, by its images: forward answers, gradient answers
wasm, conv2d, by its filters: forward answers, gradient lacks Conv2DBackpropFilter
wasm, depthwiseConv2d, by its filters: forward answers, gradient lacks DepthwiseConv2dNativeBackpropFilter
wasm, maxPool: forward answers, gradient answers
wasm, gather: forward answers, gradient lacks UnsortedSegmentSum
wasm, softmax: forward answers, gradient answers
cpu, matMul: forward answers, gradient answers
cpu, conv2d, by its images: forward answers, gradient answers
cpu, conv2d, by its filters: forward answers, gradient answers
cpu, depthwiseConv2d, by its filters: forward answers, gradient answers
cpu, maxPool: forward answers, gradient answers
cpu, gather: forward answers, gradient answers
cpu, softmax: forward answers, gradient answers
TEXT
diff expected.txt seen.txt
