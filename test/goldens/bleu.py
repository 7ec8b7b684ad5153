"""Corpus BLEU by sacreBLEU with its defaults, for test/nn/bleu.test.ts.

Made with sacrebleu 2.6.0 under Python 3.11:

    python3 -m venv venv && venv/bin/pip install sacrebleu==2.6.0
    venv/bin/python test/goldens/bleu.py > test/goldens/bleu.json
"""

import json

from sacrebleu.metrics import BLEU

SENTENCES = [
    "Two young, White males are outside near many bushes.",
    'He paid $3,500.50 (not 1-2 cents!) for "art" & <fun>.',
    "A man in a blue shirt stands on a ladder, cleaning a window.",
    "It's 10,000m away: 50% of the well-known e-mail addresses end in .com/de.",
    "Eine Gruppe von Männern lädt Baumwolle auf einen Lastwagen \U0001f642.",
    "the the the the cat sat on the mat",
    "x.y,z ... 3.14,15 -- 7- 8-bit [sic] `quoted` {braces} ~tilde^ a\\b @home #1 *star*",
    "&quot;Quoted&quot; &amp;lt; &lt;tag&gt; <skipped>gone\u00a0there\u3000now\x85end\x1cend",
]


def changed(text, at):
    words = text.split(" ")
    if at % 4 == 0:
        return text
    if at % 4 == 1:
        return " ".join(words[: len(words) // 2 + 1])
    if at % 4 == 2:
        return " ".join([*words[1:], words[0]])
    return " ".join(word if i % 3 else "thing" for i, word in enumerate(words))


def case(predicted, *expected):
    score = BLEU().corpus_score(predicted, list(expected))
    by = [list(of) for of in zip(*expected)]
    return {"predicted": predicted, "expected": by, "bleu": score.score}


cases = [case([changed(text, at + shift) for at, text in enumerate(SENTENCES)], SENTENCES) for shift in range(4)]
cases += [case([changed(text, at)], [text]) for at, text in enumerate(SENTENCES)]
turned = SENTENCES[1:] + SENTENCES[:1]
cases += [
    case([changed(text, at + 1) for at, text in enumerate(SENTENCES)], SENTENCES, turned),
    # Smoothed: no three words in a row are right.
    case(["the cat is here now"], ["a cat is there today"]),
    case(["cat the on sat mat the"], ["the cat sat on the mat"]),
    # Fewer than four words, nothing right, nothing said.
    case(["the cat"], ["the cat"]),
    case(["dog"], ["the cat sat on the mat"]),
    case(["", "the cat sat on the mat"], ["the dog", "the cat sat on the mat"]),
    case([""], ["the dog"]),
    case(["a-\nb the cat sat \n"], ["ab the cat sat"]),
]
print(json.dumps(cases, indent=2))
