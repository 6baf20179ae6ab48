# ruff: noqa: RUF001 -- phonetic characters are meant
from __future__ import annotations

import itertools
import json
import time
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny import addon, loaded

import voxstack
import voxstack_espeak
import voxstack_text
from voxstack import BlockError, Registry, RequestError, Schedule, StackError
from voxstack.testing import Case, parametrize_with_checks
from voxstack_espeak.espeak import Espeak
from voxstack_espeak.spoken_text import _TAG, without_trailing_tags

TEXT = "Hello there, my friend. I have 23 apples & 4 pears!"
ADDON = addon(sample_rate=22050, hop_length=220)


@pytest.fixture(scope="module")
def voice() -> voxstack.Voice:
    return voxstack.load("espeak", registry=Registry({"espeak": voxstack_espeak, "text": voxstack_text}))


@parametrize_with_checks(
    [
        Case(loaded(Espeak(), ADDON), {"text": TEXT}),
        Case(loaded(Espeak("de"), ADDON), {"text": "Guten Tag.", "rate": 1.5, "voice": "fr"}),
        Case(loaded(Espeak(sample_rate=22050), addon(sample_rate=16000)), {"text": " "}),
    ]
)
def test_contract(case: Case, check: Any) -> None:
    check(case)


def synthesized(block: Espeak, **utterance: Any) -> np.ndarray:
    chunks = list(block.stream(iter(()), utterance))
    return np.concatenate(chunks) if chunks else np.zeros(0, np.float32)


def test_it_speaks(voice: voxstack.Voice) -> None:
    speech = voice.synthesize(TEXT)
    assert speech.samples.dtype == np.float32
    assert speech.sample_rate == 22050
    assert 2 < speech.duration < 6
    assert 0.2 < np.abs(speech.samples).max() <= 1


def test_what_was_said_before_does_not_matter_nor_the_time_of_day() -> None:
    block = loaded(Espeak(), ADDON)
    before = synthesized(block, text=TEXT)
    time.sleep(1.1)  # espeak-ng seeds its noise with the second
    for voice in ("en-us+whisper", "fr", "en-us+f2"):
        assert len(synthesized(block, text="Something else, with much noise.", voice=voice))
    np.testing.assert_array_equal(synthesized(block, text=TEXT), before)


def test_nothing_to_say_is_silence_of_no_samples() -> None:
    block = loaded(Espeak(), ADDON)
    for text in ("", " \n\t", "\0"):
        assert not len(synthesized(block, text=text))
    np.testing.assert_array_equal(synthesized(block, text="yes\0no"), synthesized(block, text="yes no"))


def test_pieces_are_joined() -> None:
    block = loaded(Espeak(), ADDON)
    np.testing.assert_array_equal(
        synthesized(block, text=iter(["Hel", "lo the", "re."])), synthesized(block, text="Hello there.")
    )


@pytest.mark.parametrize(
    ("control", "value", "longer"),
    [("rate", 2.0, 0.55), ("rate", 0.5, 1.9), ("pitch", 6.0, 1.0), ("pitch_range", 0.0, 1.0), ("volume", -20.0, 1.0)],
)
def test_controls_are_followed(voice: voxstack.Voice, control: str, value: float, longer: float) -> None:
    plain, other = voice.synthesize(TEXT).samples, voice.synthesize(TEXT, **{control: value}).samples
    assert len(other) / len(plain) == pytest.approx(longer, rel=0.15)
    assert not np.array_equal(plain, other[: len(plain)])


def heights(samples: np.ndarray) -> np.ndarray:
    """Return the fundamental frequency every 400 samples, Hz, by autocorrelation; NaN where it is quiet."""
    frequencies = []
    for start in range(1500, len(samples) - 3500, 400):
        frame = samples[start : start + 1600]
        correlation = np.fft.irfft(np.abs(np.fft.rfft(frame, 4096)) ** 2)[:1000] / np.arange(1600, 600, -1)
        frequencies.append(22050 / (100 + correlation[100:500].argmax()) if frame.std() > 0.03 else np.nan)
    return np.array(frequencies)


@pytest.mark.parametrize("pitch", [-7.0, -4.0, 4.0, 8.0])
def test_pitch_is_in_semitones(pitch: float) -> None:
    block = loaded(Espeak(), ADDON)
    plain, other = (
        heights(synthesized(block, text="Oh, are you all away now? I am ill.", pitch=value)) for value in (0.0, pitch)
    )
    count = min(len(plain), len(other))
    assert np.nanmedian(12 * np.log2(other[:count] / plain[:count])) == pytest.approx(pitch, abs=0.4)


def test_volume_is_in_decibels() -> None:
    block = loaded(Espeak(), ADDON)
    plain, soft = (np.sqrt(np.mean(synthesized(block, text=TEXT, volume=volume) ** 2)) for volume in (0.0, -12.0))
    assert 20 * np.log10(soft / plain) == pytest.approx(-12, abs=1)


@pytest.mark.parametrize(
    ("control", "value", "problem"),
    [("rate", 9.0, "rate 9 is 1575 .* 80 to 450; choose a value closer to 1"), ("pitch", -20.0, "pitch -20")],
)
def test_what_espeak_cannot_do_is_refused(control: str, value: float, problem: str) -> None:
    with pytest.raises(RequestError, match=problem):
        synthesized(loaded(Espeak(), ADDON), text=TEXT, **{control: value})


def test_a_voice_that_is_not_there_is_told_with_those_that_are_close() -> None:
    with pytest.raises(StackError, match=r"no voice 'en-uss'; did you mean 'en-us'\?; it has af, .*yue"):
        loaded(Espeak("en-uss"), ADDON)
    with pytest.raises(RequestError, match=r"no voice 'Germann'; did you mean 'German'"):
        synthesized(loaded(Espeak(), ADDON), text=TEXT, voice="Germann")
    with pytest.raises(RequestError, match=r"no variant '\+f22'; did you mean '\+f2'\?; .*\+Alex"):
        synthesized(loaded(Espeak(), ADDON), text=TEXT, voice="en-gb+f22")
    with pytest.raises(StackError, match="no voice"):
        loaded(Espeak("../../phontab"), ADDON)


def test_another_sample_rate_is_told_what_to_do() -> None:
    with pytest.raises(
        StackError, match=r'synthesizes at 22050 Hz, but sample_rate is 16000; .* 22050, or .*"type": "Resample"'
    ):
        loaded(Espeak(), addon(sample_rate=16000))
    with pytest.raises(StackError, match="sample_rate is 8000"):
        loaded(Espeak(sample_rate=8000), ADDON)


def test_words_and_sentences_come_with_their_characters_and_the_audio_that_holds_them(voice: voxstack.Voice) -> None:
    events = []
    for chunk in voice.stream(TEXT, schedule=Schedule(first=10, growth=1.0)):
        for event in chunk.events:
            assert chunk.start <= event.start * 22050 + 1e-6
            assert event.start * 22050 < chunk.start + len(chunk.samples)
        events += chunk.events
    words = [event for event in events if event.kind == "word"]
    assert [word.text for word in words] == "Hello there my friend I have 23 apples & 4 pears".split()
    assert [event.text for event in events if event.kind == "sentence"] == [
        "Hello there, my friend.",
        "I have 23 apples & 4 pears!",
    ]
    for event in events:
        if event.kind in ("word", "sentence"):
            assert TEXT[slice(*event.span)] == event.text
    for word, following in itertools.pairwise(words):
        assert word.start + word.duration <= following.start + 1e-9
    phonemes = [event for event in events if event.kind == "phoneme"]
    assert "".join(event.text for event in phonemes).startswith("həlˈoʊðˈɛɹ")
    assert all(0 < event.duration < 0.5 for event in phonemes)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("I am out of the house.", ["I am", "out of", "the", "house"]),
        ("It was 1,000,000, or 3.14!", ["It", "was", "1,000,000", "or", "3.14"]),
        ("The U.S.A. is well-known.", ["The", "U.S.A", "is", "well-known"]),
        ("Don't, it's $5.", ["Don't", "it's", "$5"]),
        ("See https://example.com/a?b=1 now.", ["See", "https://example.com/a?b=1", "now"]),
        ("Cats, dogs, etc. and more — 50%!", ["Cats", "dogs", "etc", "and", "more", "50%"]),
        ("one - two -- three ... four", ["one", "two", "three", "four"]),
        ('"Go!" (Yes?) & C++', ["Go", "Yes", "&", "C++"]),
    ],
)
def test_a_word_is_all_that_is_said_at_once(voice: voxstack.Voice, text: str, words: list[str]) -> None:
    """espeak-ng pronounces some words as one, and reports parts of numbers one by one."""
    reported = voice.synthesize(text).words
    assert [word.text for word in reported] == words
    assert all(text[slice(*word.span)] == word.text for word in reported)


@pytest.mark.parametrize(
    "sentences",
    [
        ["Dr. Smith came.", "He left."],
        ["We saw Mt. Fuji.", "It was e.g. this one."],
        ["See p. 12, or 3.5 miles.", "U.S. law, etc. and more."],
        ["We met in the U.S. at 5 p.m.", "It rained."],
        ['"Hello," he said.', '"Go!"', "(Yes.) Wait... what?"],
    ],
)
def test_sentences_are_those_of_the_text(voice: voxstack.Voice, sentences: list[str]) -> None:
    text = " ".join(sentences)
    speech = voice.synthesize(iter([text[:7], text[7:]]))
    events = [event for event in speech.events if event.kind == "sentence"]
    assert [event.text for event in events] == sentences
    for kind in ("sentence", "word"):
        found = [event for event in speech.events if event.kind == kind]
        assert all(text[slice(*event.span)] == event.text and event.duration >= 0 for event in found)
        for event, following in itertools.pairwise(found):
            assert event.start + event.duration <= following.start + 1e-9


def test_an_abbreviation_is_no_pause(voice: voxstack.Voice) -> None:
    plain, other = voice.synthesize("We saw Mt Fuji.").duration, voice.synthesize("We saw Mt. Fuji.").duration
    assert other == pytest.approx(plain, abs=0.05)


def test_without_ends_sentences_are_those_of_espeak_and_inside_sentences_each_text_is_one(tmp_path: Any) -> None:
    text = '"Dr. Smith came." He left.'
    registry = Registry({"espeak": voxstack_espeak, "text": voxstack_text})
    config = json.loads((Path(voxstack_espeak.__file__).parent / "espeak" / "addon.json").read_text())
    found = []
    for block in ({"type": "Espeak"}, {"type": "Sentences", "block": {"type": "Espeak"}}):
        (tmp_path / "addon.json").write_text(json.dumps(config | {"name": tmp_path.name, "stack": [block]}))
        events = voxstack.load(tmp_path, registry=registry).synthesize(text).events
        found.append([event.text for event in events if event.kind == "sentence"])
    assert found == [['"Dr.', 'Smith came."', "He left."], ['"Dr. Smith came."', "He left."]]


def test_words_are_where_they_sound(voice: voxstack.Voice) -> None:
    """It is quiet before the first word after a pause, and not during it."""
    speech = voice.synthesize("Stop. Go.")
    word = next(word for word in speech.words if word.text == "Go")
    start = round(word.start * speech.sample_rate)
    before, within = (
        speech.samples[start - 2000 : start],
        speech.samples[start : start + round(word.duration * speech.sample_rate)],
    )
    assert np.abs(before).max() < 0.02 < 0.1 < np.abs(within).max()


def test_characters_are_counted_and_not_bytes(voice: voxstack.Voice) -> None:
    text = "Ça va très bien, l'été 😀 est là."
    words = voice.synthesize(text, voice="fr").words
    assert all(text[slice(*word.span)] == word.text for word in words)
    assert {"bien", "été"} & {word.text for word in words}


def test_a_sentence_without_end_is_reported_in_phrases(voice: voxstack.Voice) -> None:
    text = "and so it goes on " * 60 + "for ever."
    events = voice.synthesize(text).events
    phrases = [event for event in events if event.kind == "phrase"]
    assert len(phrases) > 2
    assert all(event.duration <= 21 for event in phrases)
    assert "".join(text[slice(*event.span)].replace(" ", "") for event in phrases) == text.replace(" ", "")


def test_ssml_is_read_with_its_marks_and_without_files(voice: voxstack.Voice) -> None:
    document = '<speak>One <mark name="here"/> two. <audio src="/etc/passwd">three</audio></speak>'
    speech = voice.synthesize(document, markup="ssml")
    (mark,) = [event for event in speech.events if event.kind == "mark"]
    one, two, three = speech.words
    assert (one.text, mark.text, two.text, three.text) == ("One", "here", "two", "three")
    assert one.start < mark.start <= two.start


def test_other_markup_is_refused(voice: voxstack.Voice) -> None:
    with pytest.raises(voxstack.RequestError, match="reads plain text and SSML, not 'markdown'; put Sentences"):
        voice.synthesize("# Hello", markup="markdown")


def test_what_is_said_in_ssml_is_reported_without_its_markup(voice: voxstack.Voice) -> None:
    document = "<speak><s>Hi <emphasis>there</emphasis> you.</s> <s>One &lt;two&gt; &amp; it's three.</s></speak>"
    events = voice.synthesize(document, markup="ssml").events
    assert [event.text for event in events if event.kind == "sentence"] == ["Hi there you.", "One <two> & it's three."]
    words = [(event.text, document[slice(*event.span)]) for event in events if event.kind == "word"]
    assert words == [(word, {"&": "&amp;"}.get(word, word)) for word in "Hi there you One two & it's three".split()]


def test_ssml_has_every_word_once(voice: voxstack.Voice) -> None:
    document = (
        "<speak>Dr. <emphasis>Smith</emphasis> came. He read <sub alias='World Wide Web'>WWW</sub> "
        "&quot;for&quot; $5 &amp; left. <s>See p. 12.</s></speak>"
    )
    events = voice.synthesize(document, markup="ssml").events
    assert [event.text for event in events if event.kind == "sentence"] == [
        "Dr. Smith came.",
        'He read WWW "for" $5 & left.',
        "See p. 12.",
    ]
    words = [event for event in events if event.kind == "word"]
    assert " ".join(word.text for word in words) == "Dr Smith came He read WWW for $5 & left See p 12"
    spans = [document[slice(*word.span)] for word in words]
    assert {"Smith", "for", "$5", "&amp;", "12"} <= set(spans)


def test_a_long_text_begins_early_and_in_bounded_memory(voice: voxstack.Voice) -> None:
    text = "This is a sentence of a long text, which goes on and on. " * 300
    list(voice.stream("Warm up."))
    tracemalloc.start()
    try:
        began = time.perf_counter()
        chunks = voice.stream(text)
        samples = len(next(chunks).samples)
        first = time.perf_counter() - began
        samples += sum(len(chunk.samples) for chunk in chunks)
        whole = time.perf_counter() - began
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert samples > 600 * 22050
    assert first < whole / 10
    assert peak < 16 * 2**20, "the whole is 30 MB in 16 bit"


def test_an_error_of_the_process_tells_the_block(voice: voxstack.Voice) -> None:
    chunks = voice.stream("A long text. " * 900)
    next(chunks)
    (process,) = voice.block.stack[0]._pool._lent
    process._process.kill()
    with pytest.raises(BlockError, match=r"stack\[0\]: Espeak: .*signal 9.*the next one gets a new process"):
        list(chunks)
    assert len(voice.synthesize("Again.").samples)


@pytest.mark.parametrize("control", ["rate", "pitch", "pitch_range", "volume"])
@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e300])
def test_controls_that_are_no_numbers_are_refused(control: str, value: float) -> None:
    with pytest.raises(RequestError, match=f"Espeak: {control} "):
        synthesized(loaded(Espeak(), ADDON), text="Yes.", **{control: value})


def test_spaces_and_tags_at_the_end_of_a_sentence_are_removed_in_linear_time() -> None:
    for text, expected in (("One. </s> <b/>\n", "One."), ("a < b >", "a"), ("a > b>", "a > b>"), (" <s>", "")):
        assert without_trailing_tags(text) == expected
    for part in (" ", "<s> ", "<", ">"):
        assert without_trailing_tags("a" + part * 200_000 + "b").endswith("b")
        without_trailing_tags("a" + part * 200_000)
        _TAG.sub("", part * 200_000)
