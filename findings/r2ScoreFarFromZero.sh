#!/usr/bin/env bash
# The R² of Keras and of torchmetrics is off in its first digits where the targets lie far from 0: both take the spread of
# the targets as Σt² − (Σt)² / n, from sums that are kept in f32. Of 4,096 targets around 20,000 with a deviation of 10, as
# of a sensor's readings, 0.75 becomes 0.61, and around 2,000 the third digit is wrong: early stopping and the choice of the
# best model then go by rounding. Around 0 both agree with scikit-learn, which works in f64, to eight digits.
# Seen on 2026-11-28: keras 3.15.1 (jax 0.10.2), torchmetrics 1.9.0 (torch 2.15.0), scikit-learn 1.9.1:
#   around 0       keras 0.7468  torchmetrics 0.7468  right 0.7468
#   around 2000    keras 0.7455  torchmetrics 0.7455  right 0.7468
#   around 20000   keras 0.6063  torchmetrics 0.6063  right 0.7468
# Count, mean and spread of each batch, merged as Chan, Golub and LeVeque do, keep all digits though the batches are f32.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q keras==3.15.1 jax==0.10.2 torch==2.15.0 torchmetrics==1.9.0 scikit-learn==1.9.1 numpy==2.4.6
KERAS_BACKEND=jax "$folder/venv/bin/python" - <<'PYTHON'
import keras, numpy as np, torch
from sklearn.metrics import r2_score
from torchmetrics.regression import R2Score

BATCH, N = 64, 4096
off = {}
for centre in (0, 2000, 20000):
    random = np.random.default_rng(0)
    target = (centre + 10 * random.standard_normal(N)).astype(np.float32)
    guess = (target + 5 * random.standard_normal(N)).astype(np.float32)
    ours, theirs = keras.metrics.R2Score(), R2Score()
    for at in range(0, N, BATCH):
        t, p = target[at : at + BATCH], guess[at : at + BATCH]
        ours.update_state(t[:, None], p[:, None])
        theirs.update(torch.tensor(p), torch.tensor(t))
    right = r2_score(target.astype(np.float64), guess.astype(np.float64))
    values = float(ours.result()), float(theirs.compute())
    off[centre] = [abs(value - right) for value in values]
    print(f"around {centre:<7} keras {values[0]:.4f}  torchmetrics {values[1]:.4f}  right {right:.4f}")
assert max(off[0]) < 1e-6, "no longer right around 0"
assert min(off[2000]) > 1e-3, "right around 2000 now"
assert min(off[20000]) > 0.05, "right around 20000 now"
PYTHON
