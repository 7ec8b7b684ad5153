#!/usr/bin/env bash
# sacreBLEU 2.6.0: a translation that equals its reference word for word may have BLEU 0.
#
# BLEU is the geometric mean of the precisions of runs of one to four words. In a corpus none of whose sentences has four
# words there are no runs of four, and sacreBLEU takes the precision of nothing for 0, without a warning, so that the mean is
# 0: a model that is right in everything is told to be as bad as can be. One sentence of four words anywhere in the corpus,
# and the same output has 100. Smoothing (on by default) does not apply, since it is for orders of which there are runs and
# none is right. `effective_order=True`, which the documentation has for single sentences, gives 100.
# Who judges a task of short answers, or the first batches of a validation set, by corpus BLEU sees it.
#
# Seen with sacrebleu 2.6.0 under Python 3.11:
#   three words each: 0.0
#   the same, effective_order: 100.00000000000004
#   and one sentence of four: 100.00000000000004
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet sacrebleu==2.6.0
"$folder/venv/bin/python" - <<'PYTHON'
from sacrebleu.metrics import BLEU

short = ["the dog runs", "a red car", "two men talk"]
longer = [*short, "a man rides home"]
three, effective, four = (
    metric.corpus_score(texts, [texts]).score
    for metric, texts in [(BLEU(), short), (BLEU(effective_order=True), short), (BLEU(), longer)]
)
print(f"three words each: {three}")
print(f"the same, effective_order: {effective}")
print(f"and one sentence of four: {four}")
assert three == 0 and round(effective, 6) == 100 and round(four, 6) == 100
PYTHON
