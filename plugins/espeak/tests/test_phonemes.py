# ruff: noqa: RUF001 -- phonetic and typographic characters are meant
from __future__ import annotations

import itertools
import json
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from types import SimpleNamespace
from typing import Any

import pytest
from tiny import addon, loaded

from voxstack import RequestError, StackError
from voxstack.testing import Case, parametrize_with_checks
from voxstack_espeak.clauses import terminator
from voxstack_espeak.library_paths import LIBRARY_VARIABLE, LibraryPaths
from voxstack_espeak.phonemes import EspeakPhonemes
from voxstack_espeak.phonemization import Phonemizer
from voxstack_espeak.process import worker_command
from voxstack_espeak.process_pool import ProcessPool
from voxstack_espeak.sentence_ends import EspeakSentenceEnds

SENTENCES = [
    "Hello, world!",
    "The quick brown fox jumps over the lazy dog.",
    "What? Who (if anyone) said that: you, or I; we shall see.",
    'He said "yes." Then he left, "ok," she said.',
    "It costs $3.50, or 1,000 euros.",
    "Dr. Smith went to Washington, D.C., in 1999.",
    "Wait... what?! No!! Yes.",
    "An ellipsis… and a dash — and another – and - one",
    "A line\nand another.\n\nA paragraph, then",
    "no end",
    "a. b",
    "I'm, you're, they've; it's.",
    "Is it? (Yes.) Really.",
    "U.S.A., e.g. this",
    "“Quoted,” she said. ‘Again!’",
    "Numbers: 1, 2, 3.",
    "",
    "...",
    "tabs\tand  spaces , here .",
    "Naïve café, déjà vu.",
    "The end: of; all, things. And more? Yes!",
    "Go, a. A, é. 5, 6",
]
PICTURES = ["Great — 😀! So, 😀. Ok (😀), 😀?", "Yes: 😀; no. 😀,", "😀"]


@parametrize_with_checks(
    [
        Case(loaded(EspeakPhonemes(), addon()), {"text": "Hello, world!"}),
        Case(loaded(EspeakPhonemes("de"), addon()), {"text": "Ja."}),
        Case(loaded(EspeakPhonemes(glides=True), addon()), {"text": "The end."}),
        Case(loaded(EspeakSentenceEnds(), addon()), {"text": "Dr. Who. Yes."}),
    ]
)
def test_contract(case: Case, check: Any) -> None:
    check(case)


def phonemes(text: str, voice: str = "en-us") -> str:
    return "".join(loaded(EspeakPhonemes(voice), addon())({"text": text})["phonemes"])


def test_it_writes_ipa_with_the_marks_that_end_clauses() -> None:
    assert phonemes("Hello, world!") == "həlˈoʊ, wˈɜːld!"
    assert phonemes("Schön, ja?", "de") == "ʃˈøːn, jˈɑː?"


def test_each_is_one_code_point() -> None:
    produced = loaded(EspeakPhonemes("fr"), addon())({"text": "Bien, ça va."})["phonemes"]
    assert "\u0303" in produced, "the tilde of a nasal vowel stands by itself"
    assert all(len(phoneme) == 1 for phoneme in produced)


def test_other_languages_are_not_announced() -> None:
    assert phonemes("Das ist ein Software-Update, wow.", "de").isprintable()
    assert "(" not in phonemes("Ja, the weather is nice today.", "de") + phonemes("Le weekend avec computer.", "fr")


PIPER = """
import json, sys
from piper.config import PhonemeType, PiperConfig
from piper.phonemize_espeak import ESPEAK_DATA_DIR, EspeakPhonemizer
from piper.voice import PiperVoice

print(json.dumps(str(ESPEAK_DATA_DIR)), flush=True)
reader = PiperVoice(session=None, config=PiperConfig(0, 1, 22050, "en-us", {}, PhonemeType.ESPEAK))
for line in sys.stdin:
    voice, text = json.loads(line)
    phonemes = reader.phonemize(text) if voice is None else EspeakPhonemizer().phonemize(voice, text)
    print(json.dumps(phonemes), flush=True)
"""


class Piper:
    """Phonemes of piper-tts, whose library now and then ends a process that has other ones: it has one of its own."""

    def __init__(self) -> None:
        pipe = subprocess.PIPE
        self.process = subprocess.Popen([sys.executable, "-c", PIPER], stdin=pipe, stdout=pipe, text=True)
        self.data = self._answer()

    def phonemize(self, voice: str | None, text: str) -> list[list[str]]:
        """Return the phonemes of each sentence; with the voice None, as its voices read a text."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps([voice, text]) + "\n")
        self.process.stdin.flush()
        sentences: list[list[str]] = self._answer()
        return sentences

    def _answer(self) -> Any:
        assert self.process.stdout is not None
        return json.loads(self.process.stdout.readline())


@pytest.fixture(scope="module")
def piper() -> Iterator[Piper]:
    if find_spec("piper") is None:
        pytest.skip("piper-tts is not installed: pip install piper-tts")
    running = Piper()
    with running.process:
        yield running
        running.process.kill()


@pytest.fixture
def library_of_piper(piper: Piper) -> Iterator[ProcessPool]:
    """piper-tts carries a later version of espeak-ng than espeakng-loader."""
    paths = LibraryPaths.find({LIBRARY_VARIABLE: "piper"})
    assert paths.data == piper.data
    pool = ProcessPool(worker_command(paths))
    yield pool
    pool.close()


def of_piper(piper: Piper, voice: str, text: str) -> list[str]:
    return [phoneme for sentence in piper.phonemize(voice, text) for phoneme in sentence]


@pytest.mark.parametrize("voice", ["en-us", "de", "fr", "es"])
def test_they_are_those_of_piper_in_the_same_version(voice: str, piper: Piper, library_of_piper: ProcessPool) -> None:
    block = EspeakPhonemes(voice)
    block._phonemizer = Phonemizer(library_of_piper, voice, False, "EspeakPhonemes")
    for text in SENTENCES + PICTURES:
        assert block({"text": text})["phonemes"] == of_piper(piper, voice, text), text


def test_they_are_those_of_piper_but_for_a_glide_that_is_new(piper: Piper) -> None:
    block = loaded(EspeakPhonemes(), addon())
    for text in SENTENCES:
        expected = [phoneme for phoneme in of_piper(piper, "en-us", text) if phoneme != "ʲ"]
        assert block({"text": text})["phonemes"] == expected, text


@pytest.mark.parametrize(
    ("read", "more", "mark"),
    [
        ("Yes, n", True, ","),
        ('left, "', True, ","),
        ("What?! Y", True, "?"),
        ("so... w", True, ""),
        ("so… w", True, ""),
        ("world!", False, "!"),
        ("a. b", False, ""),
        ("one.\n\nT", True, ""),
        ("one.\nT", True, "."),
        ("oui ; m", True, ";"),
        ("no end", False, ""),
        ("well — 😀! S", True, "!"),
        (" 😀.", False, ""),
        ("a.", False, "."),
        ("", False, ""),
    ],
)
def test_what_ends_a_clause(read: str, more: bool, mark: str) -> None:
    assert terminator(read, more) == mark


def test_text_in_pieces_and_unknown_voices_are_refused() -> None:
    with pytest.raises(RequestError, match="put Sentences"):
        loaded(EspeakPhonemes(), addon())({"text": iter(["a"])})
    with pytest.raises(StackError, match="no voice 'englsh'"):
        loaded(EspeakPhonemes("englsh"), addon())


def test_glides_are_written_where_the_library_inserts_them() -> None:
    with_glides = loaded(EspeakPhonemes(glides=True), addon())
    assert "".join(with_glides({"text": "The end."})["phonemes"]) == "ðɪʲ ˈɛnd."
    assert phonemes("The end.") == "ðɪ ˈɛnd."
    plain = phonemes("A better ending.")
    assert "".join(with_glides({"text": "A better ending."})["phonemes"]) == plain, "an /r/ between vowels is none"


@pytest.mark.parametrize("voice", ["en-us", "en-gb-x-rp", "es"])
def test_with_glides_they_are_those_of_piper(voice: str, piper: Piper) -> None:
    block = loaded(EspeakPhonemes(voice, glides=True), addon())
    for text in SENTENCES:
        assert block({"text": text})["phonemes"] == of_piper(piper, voice, text), text


def words(text: str, **more: Any) -> list[tuple[str, str]]:
    given = loaded(EspeakPhonemes(), addon())({"text": text, "timeline": None, **more})
    spans = given["phoneme_words"]
    assert all(text[word.start : word.end] == word.text for word in spans)
    return [(word.text, "".join(given["phonemes"][word.first : word.first + word.phonemes])) for word in spans]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Out of the blue.", [("Out", "ˌaʊɾ"), ("of", "əv"), ("the", "ðə"), ("blue", "blˈuː")]),
        ("In 1985, yes", [("In", "ɪn"), ("1985", "nˈaɪntiːnhˈʌndɹɪd ˈeɪɾi fˈaɪv"), ("yes", "jˈɛs")]),
        ('"$5" — of the (1,000)!', [("$5", "dˈɑːlɚ fˈaɪv"), ("of", "ʌv"), ("the", "ðə"), ("1,000", "wˈʌn θˈaʊzənd")]),
        ("Go [[ wˈɜːld ]] there", [("Go", "ɡˈoʊ"), ("[[ wˈɜːld ]]", "wˈɜːld"), ("there", "ðˈɛɹ")]),
        ("...", []),
    ],
)
def test_each_written_word_has_its_phonemes(text: str, expected: list[tuple[str, str]]) -> None:
    assert words(text) == expected


def test_words_are_not_looked_for_where_nobody_listens() -> None:
    assert loaded(EspeakPhonemes(), addon())({"text": "One."})["phoneme_words"] == []


@pytest.mark.parametrize("text", [*SENTENCES, "Hello [[ wˈɜːld ]], you.", "[[ həlˈoʊ ]] there."])
def test_raw_phonemes_and_ends_of_sentences_are_those_of_piper(text: str, piper: Piper) -> None:
    ends = loaded(EspeakSentenceEnds(), addon())({"text": text})["sentence_ends"]
    block = loaded(EspeakPhonemes(glides=True), addon())
    parts = [text[start:end] for start, end in itertools.pairwise([0, *ends])]
    spoken = [block({"text": part})["phonemes"] for part in parts]
    assert [part for part in spoken if part] == [part for part in piper.phonemize(None, text) if part]


def test_phonemes_that_were_cut_stay_phonemes() -> None:
    cut = SimpleNamespace(phones_before=True, phones_after=False, span=lambda start, end: (start, end))
    given = loaded(EspeakPhonemes(), addon())({"text": "lˈoʊ ]] you", "timeline": None, "passage": cut})
    assert "".join(given["phonemes"]) == "lˈoʊ juː"
    assert [(word.start, word.end) for word in given["phoneme_words"]] == [(0, 7), (8, 11)]
