#!/usr/bin/env bash
# Two attention layers of Keras on one masked value: only one of them heeds the mask, and the other looks at the padding too,
# in silence. MultiHeadAttention takes the mask off the tensors that it is given while it runs, so that whichever layer of the
# model runs later on the same value finds none. With the same weights, on the same embedding with mask_zero, one answers as
# with an explicit mask, and the other as with none, at real places, not only at padded ones; which is which goes by the order
# in which the model runs its layers. It is so on each backend, in predict and in training.
# Seen on 2026-11-30: keras 3.15.1 on jax 0.10.2, largest differences at the places of real words:
#   one attention    from masked 0       from unmasked 0.034
#   the other        from masked 0.034   from unmasked 0
# An attention_mask that is given to the call goes to both.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install -q keras==3.15.1 jax==0.10.2 numpy==2.4.6
KERAS_BACKEND=jax venv/bin/python - <<'PYTHON'
import keras, numpy as np
from keras import layers

words = np.array([[3, 5, 0, 0], [2, 4, 6, 0]])
real = words != 0
keras.utils.set_random_seed(1)
embedding = layers.Embedding(7, 4, mask_zero=True)
given = layers.Input((4,), dtype="int32")
value = embedding(given)
one, other = layers.MultiHeadAttention(1, 4), layers.MultiHeadAttention(1, 4)
model = keras.Model(given, [one(value, value), other(value, value)])
other.set_weights(one.get_weights())

plain = keras.ops.convert_to_numpy(embedding(words))
wanted = {
    "masked": one(plain, plain, attention_mask=np.repeat(real[:, None, :], 4, 1)),
    "unmasked": one(plain, plain),
}
off = []
for outputs in model.predict(words, verbose=0):
    away = {name: float(np.abs((outputs - np.asarray(right))[real]).max()) for name, right in wanted.items()}
    print("attention:", ", ".join(f"from {name} {by:.2g}" for name, by in away.items()))
    off.append(away)
masked, unmasked = sorted(off, key=lambda away: away["masked"])
assert masked["masked"] < 1e-5 and masked["unmasked"] > 1e-2
assert unmasked["masked"] > 1e-2 and unmasked["unmasked"] < 1e-5, "both heed the mask now"
PYTHON
