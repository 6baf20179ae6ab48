from __future__ import annotations

import ctypes.util
import itertools
import os
import signal
import subprocess
import sys
import threading
import time
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from tiny import addon, loaded

import voxstack
import voxstack_flite
import voxstack_text
from voxstack import Registry, RequestError, Schedule, StackError, VoxstackError
from voxstack.testing import Case, checks_for
from voxstack_flite.flite import VOICES, Flite
from voxstack_flite.process import FliteProcess
from voxstack_flite.worker import FliteLibrary

pytestmark = pytest.mark.skipif(
    ctypes.util.find_library("flite") is None, reason="Flite's library is not installed: apt install libflite1"
)

TEXT = "Hello there, my friend. I have 23 apples & 4 pears!"
ADDON = addon(sample_rate=16000, hop_length=160)


@pytest.fixture(scope="module")
def voice() -> voxstack.Voice:
    return voxstack.load("flite", registry=Registry({"flite": voxstack_flite, "text": voxstack_text}))


def synthesized(block: Flite, **utterance: Any) -> np.ndarray:
    chunks = list(block.stream(iter(()), utterance))
    return np.concatenate(chunks) if chunks else np.zeros(0, np.float32)


@pytest.mark.parametrize("check", list(checks_for(Flite())), ids=lambda check: check.__name__.removeprefix("check_"))
@pytest.mark.parametrize(
    ("block", "utterance"),
    [
        (Flite(), {"text": TEXT}),
        (Flite("kal16"), {"text": TEXT, "rate": 1.5, "pitch": 2.0}),
        (Flite("kal", sample_rate=8000), {"text": " "}),
    ],
    ids=["slt", "kal16", "nothing"],
)
def test_contract(block: Flite, utterance: dict[str, Any], check: Any) -> None:
    check(Case(loaded(block, ADDON), utterance))


@pytest.mark.parametrize("name", ["slt", "rms", "awb", "kal16"])
def test_every_voice_speaks(voice: voxstack.Voice, name: str) -> None:
    speech = voice.synthesize(TEXT, voice=name)
    assert 3 < speech.duration < 7
    assert 0.1 < np.abs(speech.samples).max() <= 1


@pytest.mark.parametrize("name", ["slt", "kal16"])
def test_what_streams_is_what_flite_makes_at_once(name: str) -> None:
    """Compare with Flite's own function for a text at once, where nothing else calls ``rand()``."""
    code = (
        "import ctypes, sys\n"
        "from voxstack_flite.worker import FliteLibrary\n"
        "library = FliteLibrary()\n"
        "address = library.voice(sys.argv[1])\n"
        "library.seed_noise(1)\n"
        "wave = library.text_to_wave(b'Hello there, my friend.', address).contents\n"
        "sys.stdout.buffer.write(ctypes.string_at(wave.samples, 2 * wave.num_samples))"
    )
    output = subprocess.run([sys.executable, "-c", code, name], capture_output=True, check=True).stdout
    expected = np.frombuffer(output, "<i2").astype(np.float32) / 32768
    np.testing.assert_array_equal(synthesized(loaded(Flite(name), ADDON), text="Hello there, my friend."), expected)


def test_thirty_two_threads_say_what_each_says_alone() -> None:
    block = loaded(Flite(), ADDON)
    names = "slt", "rms", "awb", "kal16"
    jobs = [(f"This is stream {number}. It says its own text.", names[number % 4]) for number in range(32)]
    alone = [synthesized(block, text=text, voice=name) for text, name in jobs]
    together = threading.Barrier(32)

    def run(job: tuple[str, str]) -> np.ndarray:
        together.wait()
        return synthesized(block, text=job[0], voice=job[1])

    with ThreadPoolExecutor(32) as threads:
        for expected, samples in zip(alone, threads.map(run, jobs), strict=True):
            np.testing.assert_array_equal(samples, expected)


def test_noise_that_others_in_this_process_draw_changes_nothing() -> None:
    block, libc = loaded(Flite(), ADDON), ctypes.CDLL(None)
    expected, done = synthesized(block, text=TEXT), threading.Event()

    def draw() -> None:
        while not done.wait(0.0001):
            libc.rand()

    drawing = threading.Thread(target=draw)
    drawing.start()
    try:
        np.testing.assert_array_equal(synthesized(block, text=TEXT), expected)
    finally:
        done.set()
        drawing.join()


def test_a_crash_is_told_and_the_next_stream_is_well(voice: voxstack.Voice) -> None:
    expected, process = voice.synthesize("Yes.").samples, FliteProcess.shared()
    request = {"voice": "slt", "tokens": [("", "word", "")] * 50, "factors": {}}
    with pytest.raises(
        VoxstackError, match=r"Flite: its process ended before it was done \(signal 9\).*gets a new process"
    ):
        process.run(request, lambda reply: os.kill(process.pid, signal.SIGKILL), lambda: False)
    np.testing.assert_array_equal(voice.synthesize("Yes.").samples, expected)


def test_a_process_that_died_idle_is_replaced(voice: voxstack.Voice) -> None:
    expected, process = voice.synthesize("Yes.").samples, FliteProcess.shared()
    process._process.kill()
    process._process.wait()
    np.testing.assert_array_equal(voice.synthesize("Yes.").samples, expected)


def test_a_slow_listener_holds_nobody_up_and_leaves_no_thread() -> None:
    block = loaded(Flite(), ADDON)
    slow = [block.stream(iter(()), {"text": "This is a sentence. " * 50}) for _ in range(8)]
    for stream in slow:
        next(stream)
    assert len(synthesized(block, text="Yes."))
    for stream in slow:
        stream.close()
    until = time.monotonic() + 20
    while (
        running := [thread for thread in threading.enumerate() if thread.name == "flite"]
    ) and time.monotonic() < until:
        time.sleep(0.01)
    assert not running


def test_closing_early_stops_flite_at_once() -> None:
    block = loaded(Flite(), ADDON)
    sentence = " ".join(["many words are said here and more of them"] * 6) + "."
    lengths: list[int] = []

    def whole() -> float:
        began = time.perf_counter()
        lengths.append(len(synthesized(block, text=sentence)))
        return time.perf_counter() - began

    def left() -> float:
        stream = block.stream(iter(()), {"text": sentence, "schedule": Schedule(first=1)})
        next(stream)
        began = time.perf_counter()
        stream.close()
        FliteProcess.shared().check("slt")
        return time.perf_counter() - began

    assert min(left() for _ in range(5)) < 0.3 * min(whole() for _ in range(3))
    assert lengths[0] > 10 * 16000


def test_nothing_to_say_is_no_samples() -> None:
    block = loaded(Flite(), ADDON)
    for text in ("", " \n", "...", "\u65e5\u672c"):
        assert not len(synthesized(block, text=text))
    np.testing.assert_array_equal(synthesized(block, text=iter(["Hel", "lo."])), synthesized(block, text="Hello."))


def test_rate_and_pitch_are_followed(voice: voxstack.Voice) -> None:
    for name in ("slt", "kal16"):
        plain, fast, slow = (voice.synthesize(TEXT, rate=rate, voice=name).duration for rate in (1.0, 2.0, 0.5))
        assert fast / plain == pytest.approx(0.5, rel=0.05)
        assert slow / plain == pytest.approx(2, rel=0.05)


def test_volume_is_in_decibels(voice: voxstack.Voice) -> None:
    plain, soft, loud = (voice.synthesize(TEXT, volume=volume).samples for volume in (0.0, -6.0, 6.0))
    np.testing.assert_allclose(soft, plain * 10 ** (-6 / 20), rtol=1e-6)
    np.testing.assert_allclose(loud, plain * 10 ** (6 / 20), rtol=1e-6)


def heights(samples: np.ndarray) -> np.ndarray:
    """Return the fundamental frequency every 240 samples, Hz, by autocorrelation; NaN where it is quiet."""
    frequencies = []
    for start in range(0, len(samples) - 960, 240):
        frame = samples[start : start + 960]
        correlation = np.fft.irfft(np.abs(np.fft.rfft(frame, 4096)) ** 2)[:266] / np.arange(960, 694, -1)
        frequencies.append(16000 / (40 + correlation[40:].argmax()) if frame.std() > 0.02 else np.nan)
    return np.array(frequencies)


@pytest.mark.parametrize("name", ["slt", "awb", "kal16"])
@pytest.mark.parametrize("pitch", [-4.0, 4.0])
def test_pitch_is_in_semitones(voice: voxstack.Voice, name: str, pitch: float) -> None:
    plain, other = (
        heights(voice.synthesize("Oh, are you all away now?", voice=name, pitch=value).samples)
        for value in (0.0, pitch)
    )
    count = min(len(plain), len(other))
    assert np.nanmedian(12 * np.log2(other[:count] / plain[:count])) == pytest.approx(pitch, abs=0.7)


def test_what_cannot_be_is_told(voice: voxstack.Voice) -> None:
    block = loaded(Flite(), ADDON)
    with pytest.raises(RequestError, match="the pitch of the voice 'rms' cannot be changed"):
        list(voice.stream(TEXT, voice="rms", pitch=1.0))
    with pytest.raises(
        RequestError, match=r"no voice 'kal61' here; did you mean 'kal16'\?; use one of slt, rms, awb, kal16"
    ):
        synthesized(block, text=TEXT, voice="kal61")
    with pytest.raises(RequestError, match="rate is 9"):
        synthesized(block, text=TEXT, rate=9.0)
    with pytest.raises(RequestError, match="reads plain text, not 'ssml'"):
        synthesized(block, text=TEXT, markup="ssml")
    with pytest.raises(StackError, match=r'synthesizes at 16000 Hz, but sample_rate is 22050; .*"type": "Resample"'):
        loaded(Flite(), addon(sample_rate=22050))
    with pytest.raises(StackError, match="kal17"):
        voxstack.build(
            {"type": "Flite", "voice": "kal17"}, registry=Registry({"flite": voxstack_flite, "text": voxstack_text})
        )


def test_words_and_sentences_come_with_the_audio_that_holds_them(voice: voxstack.Voice) -> None:
    events = []
    for chunk in voice.stream(TEXT, schedule=Schedule(first=10, growth=1.0)):
        for event in chunk.events:
            assert chunk.start <= event.start * 16000 + 1e-3
            assert event.start * 16000 < chunk.start + len(chunk.samples)
        events += chunk.events
    words = [event for event in events if event.kind == "word"]
    assert [word.text for word in words] == "Hello there my friend I have 23 apples & 4 pears".split()
    assert [event.text for event in events if event.kind == "sentence"] == [
        "Hello there, my friend.",
        "I have 23 apples & 4 pears!",
    ]
    assert all(TEXT[slice(*event.span)] == event.text for event in events if event.kind != "phoneme")
    for word, following in itertools.pairwise(words):
        assert word.start + word.duration <= following.start + 1e-6
    phones = [event.text for event in events if event.kind == "phoneme"]
    assert phones[:8] == ["pau", "hh", "ax", "l", "ow", "dh", "eh", "r"]


def test_words_are_where_they_sound(voice: voxstack.Voice) -> None:
    speech = voice.synthesize("Stop. Go.")
    start = round(speech.words[1].start * 16000)
    assert (
        np.abs(speech.samples[start - 1500 : start - 300]).max()
        < 0.02
        < np.abs(speech.samples[start : start + 3000]).max()
    )


def test_a_long_text_begins_early_and_in_bounded_memory(voice: voxstack.Voice) -> None:
    text = "This is a sentence of a long text, which goes on and on. " * 100
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
    assert samples > 250 * 16000
    assert first < whole / 10
    assert peak < 4 * 2**20, "the whole is 10 MB in 16 bit"


@pytest.mark.parametrize("name", ["slt", "kal16"])
def test_sentences_are_those_of_the_text_and_do_not_overlap(voice: voxstack.Voice, name: str) -> None:
    sentences = ["We saw Mt. Fuji.", "He lives in the U.S.", "She left at 5 p.m., etc. and p. 12."]
    speech = voice.synthesize(" ".join(sentences), voice=name)
    found = [event for event in speech.events if event.kind == "sentence"]
    assert [event.text for event in found] == sentences
    for kind in ("sentence", "word", "phoneme"):
        events = [event for event in speech.events if event.kind == kind]
        for event, following in itertools.pairwise(events):
            assert event.duration >= 0
            assert event.start + event.duration <= following.start + 1e-6
        assert events[-1].start + events[-1].duration <= speech.duration


def test_the_first_audio_comes_before_its_sentence_is_made() -> None:
    block = loaded(Flite(), ADDON)
    sentence = " ".join(["many words are said here and more of them"] * 6) + "."

    def times() -> tuple[float, float]:
        began = time.perf_counter()
        stream = block.stream(iter(()), {"text": sentence, "schedule": Schedule(first=1)})
        next(stream)
        first = time.perf_counter() - began
        list(stream)
        return first, time.perf_counter() - began

    assert min(first / whole for first, whole in (times() for _ in range(5))) < 0.7


def test_an_interpreter_ends_while_it_speaks() -> None:
    code = (
        "import voxstack; s = voxstack.load('flite').stream('A long text, and more of it. ' * 99); next(s); print('ok')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout, done.stderr) == (0, "ok\n", "")


def test_its_process_does_not_outlive_an_interpreter_however_that_ends() -> None:
    code = (
        "import os, sys, voxstack\n"
        "from voxstack_flite.process import FliteProcess\n"
        "stream = voxstack.load('flite').stream('A long text, and more of it. ' * 99)\n"
        "next(stream)\n"
        "print(FliteProcess.shared().pid, flush=True)\n"
        "os.kill(os.getpid(), 9) if sys.argv[1] == 'killed' else None"
    )
    for how in ("ended", "killed"):
        done = subprocess.run([sys.executable, "-c", code, how], capture_output=True, text=True, timeout=120)
        pid, until = int(done.stdout), time.monotonic() + 20
        while (alive := _is_alive(pid)) and time.monotonic() < until:
            time.sleep(0.01)
        assert not alive


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_fork_has_a_process_of_its_own() -> None:
    code = (
        "import os, voxstack\n"
        "voice = voxstack.load('flite')\n"
        "expected = voice.synthesize('Yes.').samples.tobytes()\n"
        "child = os.fork()\n"
        "if child == 0: os._exit(0 if voice.synthesize('Yes.').samples.tobytes() == expected else 1)\n"
        "assert os.waitpid(child, 0)[1] == 0\n"
        "assert voice.synthesize('Yes.').samples.tobytes() == expected\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_fork_refuses_the_streams_of_its_parent() -> None:
    code = (
        "import os, threading\n"
        "from voxstack import VoxstackError\n"
        "from voxstack_flite.sentences import split_sentences\n"
        "from voxstack_flite.synthesis import Synthesis\n"
        "class Waiting:\n"
        "    done = threading.Event()\n"
        "    def run(self, request, receive, cancelled): self.done.wait()\n"
        "results = Synthesis(Waiting(), 'slt', next(split_sentences('Hello.')), {}).results()\n"
        "child = os.fork()\n"
        "if child == 0:\n"
        "    try: next(results)\n"
        "    except VoxstackError as error: refused = 'belongs to the parent process' in str(error)\n"
        "    os._exit(0 if refused else 1)\n"
        "Waiting.done.set()\n"
        "assert os.waitpid(child, 0)[1] == 0\n"
        "assert list(results) == []\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")


def test_voices_have_the_sample_rates_that_are_said() -> None:
    library = FliteLibrary()
    assert {name: library.text_to_wave(b"a", library.voice(name)).contents.sample_rate for name in VOICES} == VOICES
