"""Tokenizers that Hugging Face's library trains, and what it makes of texts, for test/data/huggingFaceTokenizer.test.ts.

Made with tokenizers 0.23.3 under Python 3.11:

    python3 -m venv venv && venv/bin/pip install tokenizers==0.23.3
    venv/bin/python test/goldens/huggingFace.py > test/goldens/huggingFace.json
"""

import json

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

TRAINED_ON = [
    "The channel carries water round and round over the wheel, and nothing leaves the channel.",
    "A batch flows forward, its error flows back, the weights turn, and the wheel turns the channel's water.",
    "Nothing that flows forward leaves without turning what it flowed over; the weights carry it round.",
] * 3
TEXTS = [
    "The water leaves the wheel, and the weights turn!",
    "",
    "  two  blanks ",
    "Zürich 東京 \U0001f642",
    "nai\u0308ve\n\tflows",
]


def byte_pairs():
    own = Tokenizer(models.BPE())
    own.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    own.decoder = decoders.ByteLevel()
    special = ["<pad>", "<s>", "</s>"]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=300, special_tokens=special, initial_alphabet=alphabet, show_progress=False)
    return own, trainer, {"pad_token": "<pad>", "bos_token": "<s>", "eos_token": {"content": "</s>"}}


def word_pieces():
    own = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    own.normalizer = normalizers.BertNormalizer(lowercase=True)
    own.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    own.decoder = decoders.WordPiece()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    trainer = trainers.WordPieceTrainer(vocab_size=120, special_tokens=special, show_progress=False)
    return own, trainer, dict(pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]")


def unigrams():
    own = Tokenizer(models.Unigram())
    own.normalizer = normalizers.NFKC()
    own.pre_tokenizer = pre_tokenizers.Metaspace()
    own.decoder = decoders.Metaspace()
    special = ["<pad>", "<unk>", "<s>", "</s>"]
    trainer = trainers.UnigramTrainer(vocab_size=80, special_tokens=special, unk_token="<unk>", show_progress=False)
    return own, trainer, dict(pad_token="<pad>", unk_token="<unk>", bos_token="<s>", eos_token="</s>")


def golden(name, made):
    own, trainer, config = made
    own.train_from_iterator(TRAINED_ON, trainer)
    tokens = [own.encode(text, add_special_tokens=False).ids for text in TEXTS]
    texts = [{"text": text, "tokens": ids, "decoded": own.decode(ids)} for text, ids in zip(TEXTS, tokens)]
    return {"name": name, "json": json.loads(own.to_str()), "config": config, "size": own.get_vocab_size(), "texts": texts}


CASES = [golden("byte pairs", byte_pairs()), golden("word pieces", word_pieces()), golden("unigrams", unigrams())]
print(json.dumps({"cases": CASES}, ensure_ascii=True))
