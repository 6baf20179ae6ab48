"""The block ``Subwords`` against the libraries of its tokenizers."""

from __future__ import annotations

import functools
import io
import shutil
import sys
import tempfile
import unicodedata
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import numpy as np
import pytest

from voxstack import AddonError, RequestError, StackError
from voxstack.testing import Case, parametrize_with_checks
from voxstack_subwords.prepared_text import PreparedText
from voxstack_subwords.subwords import Subwords

sentencepiece = pytest.importorskip("sentencepiece")
tokenizers = pytest.importorskip("tokenizers")

LEARNT = ("Nobody knows which of the seven boats came home before the storm.", "Why would anyone walk that far?")
TEXTS = [
    "Nobody knows, does he?",
    "  two   spaces and\na line ",
    "Ünknown 7 letters — “quoted” 😀 ﬁsh",
    "x",
]


@functools.cache
def subword_folder() -> Path:
    """Return a folder with the same subwords as ``spm.model`` and ``tokenizer.json``."""
    folder, content = Path(tempfile.mkdtemp()), io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(LEARNT * 9), model_writer=content, vocab_size=60, hard_vocab_limit=False, minloglevel=2
    )
    (folder / "spm.model").write_bytes(content.getvalue())
    pieces = sentencepiece.SentencePieceProcessor(model_proto=content.getvalue())
    table = [(pieces.id_to_piece(number), pieces.get_score(number)) for number in range(pieces.get_piece_size())]
    tokenizer = tokenizers.Tokenizer(tokenizers.models.Unigram(table, unk_id=0))
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Metaspace(prepend_scheme="first")
    tokenizer.add_special_tokens([tokenizers.AddedToken(name, normalized=False) for name in ("<voice>", "<audio>")])
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


@pytest.fixture(scope="module")
def folder():
    yield subword_folder()
    shutil.rmtree(subword_folder())


def loaded(folder, block):
    block.load(SimpleNamespace(name="test", file=lambda name: folder / name))
    return block


@parametrize_with_checks(
    [Case(loaded(subword_folder(), Subwords(file)), {"text": TEXTS[0]}) for file in ("spm.model", "tokenizer.json")]
)
def test_contract(case, check):
    check(case)


@pytest.mark.parametrize("text", TEXTS)
def test_sentencepiece_models(folder, text):
    expected = sentencepiece.SentencePieceProcessor(model_file=str(folder / "spm.model")).encode(text)
    found = loaded(folder, Subwords("spm.model", start=[1], end=[2]))({"text": text})
    np.testing.assert_array_equal(found["tokens"], [1, *expected, 2])
    assert found["tokens"].dtype == np.int64


@pytest.mark.parametrize("text", TEXTS)
def test_json_files(folder, text):
    expected = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json")).encode(text).ids
    found = loaded(folder, Subwords())({"text": text})
    np.testing.assert_array_equal(found["tokens"], expected)


@pytest.mark.parametrize("text", TEXTS)
def test_what_stands_around_a_text_changes_its_tokens_and_has_none(folder, text):
    tokenizer = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
    expected = tokenizer.encode(f"<voice>{text}<audio>").ids[1:-1]
    found = loaded(folder, Subwords(before="<voice>", after="<audio>"))({"text": text})
    np.testing.assert_array_equal(found["tokens"], expected)
    assert len(expected) != len(tokenizer.encode(text).ids) or text != "x", "the first word loses its blank"


@pytest.mark.parametrize("file", ["spm.model", "tokenizer.json"])
@pytest.mark.parametrize("text", TEXTS)
def test_words_have_the_tokens_of_their_letters(folder, file, text):
    block = loaded(folder, Subwords(file, start=[1, 1]))
    found = block({"text": text})
    pieces = sentencepiece.SentencePieceProcessor(model_file=str(folder / "spm.model"))
    assert [word.text for word in found["words"]] == [w for w in text.split() if any(c.isalnum() for c in w)]
    assert int(found["word_count"]) == len(found["words"])
    for word in found["words"]:
        assert text[word.start : word.end] == word.text
        tokens = found["tokens"][word.first_token : word.first_token + word.tokens].tolist()
        spoken = "".join(pieces.id_to_piece(token) for token in tokens if token).replace("▁", "")
        if unicodedata.normalize("NFKC", word.text) != word.text:
            continue  # SentencePiece counts the first letter of a ligature as the blank before it
        known = [character for character in word.text if pieces.piece_to_id(character)]
        assert spoken.startswith("".join(known[:1])), (spoken, word)
        assert word.tokens


def test_a_text_without_tokens_is_refused(folder):
    with pytest.raises(RequestError, match="'' has no tokens, so there is nothing to synthesize"):
        loaded(folder, Subwords("spm.model"))({"text": ""})


@pytest.mark.parametrize(
    ("text", "prepared"),
    [
        ("well, yes", "Well, yes."),
        ("  a  b\n", "A b."),
        ("“Is it?” ", "“Is it?”"),
        ("and then —", "And then."),
        ("he said 'no'", "He said 'no.'"),
        ("ﬁne", "ﬁne."),
        ("“so”, he", '"so", he.'),
        ("", ""),
    ],
)
def test_preparation(text, prepared):
    replace = {"“": '"', "”": '"'} if prepared.startswith('"') else {}
    found = PreparedText.of(text, replace, squeeze=True, capitalize=True, final=".")
    assert found.text == prepared
    assert len(found.origins) == len(found.text)
    assert found.origins == sorted(found.origins)


def test_spans_are_those_of_the_text_as_written(folder):
    text = "  nobody …  knows"
    words = loaded(folder, Subwords("spm.model", squeeze=True, capitalize=True, final=".", replace={"…": "..."}))(
        {"text": text}
    )["words"]
    assert [(word.text, word.start, word.end) for word in words] == [("nobody", 2, 8), ("knows", 12, 17)]


def test_refusals(folder, tmp_path):
    with pytest.raises(StackError, match="replace: 'ab' is not one character"):
        loaded(folder, Subwords(replace={"ab": "c"}))
    (tmp_path / "words.txt").write_text("x")
    with pytest.raises(AddonError, match=r"words.txt: is neither a SentencePiece .model nor a tokenizer.json"):
        loaded(tmp_path, Subwords("words.txt"))
    for name, library in (("a.model", "sentencepiece"), ("a.json", "tokenizers")):
        (tmp_path / name).write_text("{}")
        with pytest.raises(AddonError, match=rf"{name}: {library} cannot read it \(.*\); give the file of a trained"):
            loaded(tmp_path, Subwords(name))
        with (
            mock.patch.dict(sys.modules, {library: None}),
            pytest.raises(AddonError, match=rf"not installed: pip install 'voxstack-subwords\[{library}\]'"),
        ):
            loaded(tmp_path, Subwords(name))


def test_the_plugin_imports_no_library():
    import subprocess

    code = "import sys, voxstack_subwords.subwords; print({'sentencepiece', 'tokenizers'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"
    assert Path(__file__).exists()
