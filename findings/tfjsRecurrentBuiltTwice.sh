#!/usr/bin/env bash
# In TensorFlow.js a recurrent layer that is built by hand, layer.build(shape), cannot be used any more: build makes the
# cell's weights but leaves `built` false, so that the first call builds once more, and its weights' names are taken. Dense
# and convolutional layers built the same way answer, and so does an LSTM inside of bidirectional. Whoever builds a layer to
# set its weights before the first call, as to take over those of another library, calls it on zeros instead.
# Seen on 2026-11-29: @tensorflow/tfjs 4.22.0 on Node 20:
#   dense: built true, answers
#   conv1d: built true, answers
#   simpleRNN: built false, Duplicate weight name kernel
#   lstm: built false, Duplicate weight name kernel
#   gru: built false, Duplicate weight name kernel
#   lstm in bidirectional: built true, answers
#   lstm that is called, not built: built true, answers
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{}' > package.json
npm install --silent --no-audit --no-fund @tensorflow/tfjs@4.22.0
cat > built.cjs <<'NODE'
const tf = require('@tensorflow/tfjs');

const { layers } = tf;
const steps = [1, 5, 3];
const cases = [
  ['dense', layers.dense({ units: 2 }), [1, 3]],
  ['conv1d', layers.conv1d({ filters: 2, kernelSize: 2 }), steps],
  ['simpleRNN', layers.simpleRNN({ units: 2 }), steps],
  ['lstm', layers.lstm({ units: 2 }), steps],
  ['gru', layers.gru({ units: 2 }), steps],
  ['lstm in bidirectional', layers.bidirectional({ layer: layers.lstm({ units: 2 }), mergeMode: 'concat' }), steps],
  ['lstm that is called, not built', layers.lstm({ units: 2 }), steps, 'called'],
];

function outcome(layer, shape) {
  try {
    layer.apply(tf.ones(shape));
    return 'answers';
  } catch (error) {
    return error.message.split(' for ')[0];
  }
}

tf.setBackend('cpu').then(() => {
  for (const [name, layer, shape, called] of cases) {
    if (!called) layer.build(shape);
    const { built } = layer;
    const said = outcome(layer, shape);
    console.log(`${name}: built ${called ? layer.built : built}, ${said}`);
  }
});
NODE
node built.cjs 2> errors.txt | tee seen.txt
cat > expected.txt <<'TEXT'
dense: built true, answers
conv1d: built true, answers
simpleRNN: built false, Duplicate weight name kernel
lstm: built false, Duplicate weight name kernel
gru: built false, Duplicate weight name kernel
lstm in bidirectional: built true, answers
lstm that is called, not built: built true, answers
TEXT
diff expected.txt seen.txt
