# ruff: noqa: RUF001 -- phonetic characters are meant
"""Readings of voices of every kind: words, phonemes and pauses, without any acoustic network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny import network, plugin, tensor

import voxstack
from voxstack import Registry, RequestError, StreamableBlock, Voices
from voxstack_cli.main import main

TEXT = "Dr. Smith paid $5, on May 3rd. Didn't he? Yes!"
SYMBOLS = {symbol: [number] for number, symbol in enumerate("abcdefghijklmnopqrstuvwxyzɪəʊɹʌʒʃθðŋɑɔæɛˈˌː ,.?!", 1)}


@dataclass
class Silence(StreamableBlock):
    """Starts a stream from tokens, and has never to do so."""

    needs = frozenset({"encoded"})
    head = True
    makes = "samples"

    def stream(self, source: Any, utterance: Any) -> Any:
        raise AssertionError("a reading runs no block that makes frames")
        yield


def refuse(**inputs: np.ndarray) -> dict[str, np.ndarray]:
    raise AssertionError("a reading runs no acoustic network")


ENCODER = network(
    "encoder",
    {"tokens": tensor("batch", "tokens", dtype="int64")},
    {"encoded": tensor("batch", "tokens", 1)},
)


@pytest.fixture
def voice(write_addon: Callable[..., Path]) -> Callable[..., voxstack.Voice]:
    """Return a function that loads a voice with these reading blocks and an encoder that must not run."""

    def load(*blocks: dict[str, Any]) -> voxstack.Voice:
        sequence = {"type": "SequenceBlockContainer", "blocks": [{"type": "Encoders"}, *blocks]}
        pipeline = {"type": "StreamablePipeline", "sequence_block": sequence, "streamable_block": {"type": "Silence"}}
        stack = [{"type": "Sentences", "block": pipeline}]
        folder = write_addon("reader", stack=stack, networks={"encoder": ENCODER})
        own = plugin([Silence], {"encoder": refuse})
        return voxstack.load(folder, registry=Registry.installed().with_plugins({"own": own}))

    return load


@pytest.fixture(scope="module")
def amber() -> voxstack.Voice:
    return voxstack.load("amber", scheduler=voxstack.Scheduler(load=None, patience=None))


def test_a_reading_has_the_words_and_phonemes_that_the_speech_reports(amber: voxstack.Voice) -> None:
    readings, events = list(amber.read(TEXT)), amber.synthesize(TEXT).events
    sentences = [(event.text, event.span) for event in events if event.kind == "sentence"]
    assert [(reading.text, (reading.start, reading.end)) for reading in readings] == sentences
    words = [(word.text, (word.start, word.end)) for reading in readings for word in reading.words]
    assert words == [(event.text, event.span) for event in events if event.kind == "word"]
    phonemes = [phoneme.rstrip("01") for reading in readings for phoneme in reading.phonemes]
    assert phonemes == [event.text for event in events if event.kind == "phoneme" and event.text != "pau"]


def test_spoken_words_and_pauses_are_where_they_are_written(amber: voxstack.Voice) -> None:
    first, second, third = amber.read(TEXT)
    assert first.spoken == "doctor smith paid five dollars, on may third"
    assert [(word.text, word.spoken) for word in first.words][3:5] == [("$5", "five dollars"), ("on", "on")]
    (pause,) = first.pauses
    assert (pause.text, TEXT[pause.start : pause.end], pause.seconds) == (",", ",", None)
    assert second.spoken == "didn't he"
    assert second.words[0].phonemes == ("d", "ih1", "d", "n", "t")
    assert third.words[0].phonemes == ("y", "eh1", "s")


def test_requested_pauses_and_phones_are_read(amber: voxstack.Voice) -> None:
    source = "<speak>One <break time='2s'/> two <sub alias='three four'>34</sub>.</speak>"
    (reading,) = amber.read(source, markup="ssml")
    assert [(pause.text, pause.seconds) for pause in reading.pauses] == [("", 2.0)]
    assert [(source[word.start : word.end], word.spoken) for word in reading.words][2] == ("34", "three four")
    (reading,) = amber.read("Mr. [[w ih1 n]].")
    assert [(word.text, word.spoken, word.phonemes) for word in reading.words][1] == (
        "[[w ih1 n]]",
        "",
        ("w", "ih1", "n"),
    )


def test_a_text_is_read_as_it_arrives(amber: voxstack.Voice) -> None:
    arrived: list[str] = []

    def parts() -> Any:
        for part in ("This is one. ", "This is two. ", "And three."):
            arrived.append(part)
            yield part

    readings = amber.read(parts())
    assert next(readings).text == "This is one."
    assert len(arrived) == 2
    assert [reading.start for reading in readings] == [13, 26]


def test_bad_arguments_are_refused_at_the_call(amber: voxstack.Voice) -> None:
    with pytest.raises(RequestError, match="amber finds nothing to pronounce in this text"):
        amber.read(" ")
    with pytest.raises(RequestError, match="no control 'speed'"):
        amber.read("Yes.", speed=2)


def test_what_the_source_of_a_text_raises_comes_after_what_is_complete(amber: voxstack.Voice) -> None:
    def parts() -> Any:
        yield "This is one. This is"
        raise OSError("gone")

    readings = amber.read(parts())
    assert next(readings).text == "This is one."
    with pytest.raises(OSError, match="gone"):
        list(readings)
    with pytest.raises(RequestError, match="finds nothing to pronounce"):
        list(amber.read(iter(["...", " "])))


def test_espeak_phonemes_are_read_with_marks_as_pauses(voice: Callable[..., voxstack.Voice]) -> None:
    reader = voice({"type": "EspeakPhonemes"}, {"type": "Characters", "symbols": SYMBOLS, "source": "phonemes"})
    first, second = reader.read("It costs 5, yes. No?")
    assert [(word.text, "".join(word.phonemes)) for word in first.words] == [
        ("It", "ɪt"), ("costs", "kˈɔsts"), ("5", "fˈaɪv"), ("yes", "jˈɛs"),
    ]  # fmt: skip
    assert [(pause.text, pause.start, pause.end) for pause in first.pauses] == [(",", 10, 11)]
    assert "".join(first.phonemes) == "ɪt kˈɔsts fˈaɪv, jˈɛs."
    assert [(word.text, word.start, word.end) for word in second.words] == [("No", 17, 19)]


def test_letters_are_read_as_words(voice: Callable[..., voxstack.Voice]) -> None:
    (reading,) = voice({"type": "Characters", "symbols": SYMBOLS}).read("is it so")
    assert [(word.text, word.phonemes) for word in reading.words] == [
        ("is", ("i", "s")), ("it", ("i", "t")), ("so", ("s", "o")),
    ]  # fmt: skip


def test_arpabet_is_read_by_its_own_names(voice: Callable[..., voxstack.Voice]) -> None:
    names = "HH AH0 L OW1 W ER1 D . ,".split()
    reader = voice({"type": "Arpabet", "symbols": {name: n for n, name in enumerate(names, 1)}}, {"type": "Text"})
    (reading,) = reader.read("Hello, world.")
    assert [(word.spoken, " ".join(word.phonemes)) for word in reading.words] == [
        ("hello", "HH AH0 L OW1"), ("world", "W ER1 L D"),
    ]  # fmt: skip
    assert [pause.text for pause in reading.pauses] == [","]


def test_a_synthesizer_that_reads_by_itself_is_read_from_its_events() -> None:
    readings = list(voxstack.load("espeak").read("It costs 5, yes. No?"))
    assert [(word.text, "".join(word.phonemes)) for reading in readings for word in reading.words][:3] == [
        ("It", "ɪt"), ("costs", "kˈɔsts"), ("5", "fˈaɪv"),
    ]  # fmt: skip
    assert [(reading.text, reading.start) for reading in readings] == [("It costs 5, yes.", 0), ("No?", 17)]


LEXICON = {"Nguyen": "/nwɪn/", "GIF": "/dʒɪf/", "SQL": {"alias": "sequel"}}


def test_a_lexicon_is_read_by_every_reader_of_words(
    amber: voxstack.Voice, voice: Callable[..., voxstack.Voice]
) -> None:
    imported = voice({"type": "EspeakPhonemes"}, {"type": "Characters", "symbols": SYMBOLS, "source": "phonemes"})
    expected = [("w ih1 n z", "jh ih1 f", "s iy1 k w ax0 l"), ("n w ˈ ɪ n z", "d ʒ ˈ ɪ f", "s ˈ i ː k w ə l")]
    text = "Nguyen's GIF, SQL."
    for reader, phonemes in zip((amber, imported), expected, strict=True):
        (reading,) = reader.read(text, lexicon=LEXICON if reader is imported else {**LEXICON, "Nguyen": "w ih1 n"})
        assert tuple(" ".join(word.phonemes) for word in reading.words) == phonemes
        assert [word.text for word in reading.words] == ["Nguyen's", "GIF", "SQL"]


def test_a_request_comes_before_the_application() -> None:
    reader = voxstack.load("amber", lexicon={"Bob": "b ow1 b", "Ann": "ey1 n"})
    (own,) = reader.read("Bob, Ann.")
    (request,) = reader.read("Bob, Ann.", lexicon=reader.read_lexicon({"bob": "b aw1 b", "Bob": "b iy1 b"}))
    assert [" ".join(word.phonemes) for word in own.words] == ["b ow1 b", "ey1 n"]
    assert [" ".join(word.phonemes) for word in request.words] == ["b iy1 b", "ey1 n"]
    spoken = reader.synthesize("Bob.", lexicon={"Bob": "ey1 n"})
    assert [event.text for event in spoken.events if event.kind == "phoneme"] == ["pau", "ey", "n", "pau"]


def test_a_lexicon_is_refused_at_the_call(amber: voxstack.Voice, voice: Callable[..., voxstack.Voice]) -> None:
    with pytest.raises(RequestError, match="lexicon, 'Bob': there is no phone 'q'"):
        amber.stream("Bob.", lexicon={"Bob": "q"})
    letters = voice({"type": "Characters", "symbols": SYMBOLS})
    with pytest.raises(RequestError, match="this voice's reader takes no lexicon"):
        letters.stream("bob", lexicon={"bob": "b"})
    registry = Registry({})
    reader = voxstack.load("amber", registry=Registry.installed())
    reader.addon.registry = registry
    with pytest.raises(voxstack.PluginError, match="no installed plugin reads lexicons"):
        reader.read_lexicon({})


def test_files_are_read_by_the_command_and_for_all_voices_of_an_application(tmp_path: Path, capsys: Any) -> None:
    (tmp_path / "names.tsv").write_text("Nguyen\tw ih1 n\nSQL\tsequel\talias\n", encoding="utf-8")
    (tmp_path / "more.tsv").write_text("SQL\tstructured\talias\n", encoding="utf-8")
    files = [str(tmp_path / name) for name in ("names.tsv", "more.tsv")]
    assert main(["read", "--lexicon", files[0], "--lexicon", files[1], "Nguyen's SQL."]) == 0
    assert [line.split() for line in capsys.readouterr().out.splitlines()[1:]] == [
        "Nguyen's w ih1 n z".split(), "SQL structured s t r ah1 k ch er0 d".split(),
    ]  # fmt: skip
    with Voices(lexicon=files[0]) as voices, voices.use("amber") as reader:
        (reading,) = reader.read("Nguyen")
    assert reading.words[0].phonemes == ("w", "ih1", "n")
