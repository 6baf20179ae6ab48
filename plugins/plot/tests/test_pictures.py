"""Pictures of speech and traces: what they show, their files, and clear errors."""

from __future__ import annotations

import io
import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import voxstack
from voxstack import Event, EventTrace, RequestError, Speech
from voxstack_plot import plot
from voxstack_plot.fundamental import fundamental_frequency
from voxstack_plot.picture import Picture
from voxstack_plot.spectrogram import HOP, mel_bank, mel_of, power_spectrogram
from voxstack_plot.trace_file import trace_content
from voxstack_voice.event_trace import Attention
from voxstack_voice.trace_events import TraceEvent

RATE = 8000


def tone(hertz: float, seconds: float = 0.5) -> np.ndarray:
    return np.sin(2 * np.pi * hertz * np.arange(round(seconds * RATE)) / RATE).astype(np.float32)


def speech(seconds: float = 1.0, trace: Any = None, **more: Any) -> Speech:
    events = [Event("word", "One", 0.0, 0.5), Event("word", "$two_3$", 0.5, 0.5)]
    events += [Event("phoneme", "ɔ̃", 0.1 * i, 0.1) for i in range(10)]
    events.append(Event("sentence", "One two.", 0.0, 1.0))
    return Speech(tone(200, seconds), RATE, more.get("events", tuple(events)), trace)


def texts(picture: Picture) -> list[str]:
    """Return all texts of a figure."""
    from matplotlib.text import Text

    picture.figure.draw_without_rendering()
    return [text.get_text() for text in picture.figure.findobj(Text) if text.get_text()]


def one_trace() -> EventTrace:
    trace = EventTrace()
    row = {"name": "Gain", "category": "block", "start": 0.001, "seconds": 0.002, "thread": 7}
    trace._threads_seen[7] = "MainThread"
    trace.events += [
        TraceEvent(**row, args={"path": "stack[0].stack[1]"}),
        TraceEvent(**{**row, "name": "turn", "category": "scheduler", "start": 0.0, "seconds": 0.004}, args={}),
        TraceEvent(**{**row, "name": "net", "category": "network"}, args={"x": [1, 2]}),
        TraceEvent(**{**row, "name": "waits for a worker", "category": "wait", "start": 0.0}, args={}),
        TraceEvent(**{**row, "name": "first audio", "category": "audio", "start": 0.003, "seconds": 0}, args={}),
    ]
    return trace


@pytest.mark.parametrize("scale", ["mel", "linear"])
def test_a_spectrogram_has_labels_units_words_and_phonemes(scale: str) -> None:
    shown = texts(plot(speech(), "spectrogram", scale=scale))
    assert {"time (s)", "level (dB of full scale)", "words", "phonemes", "One", "$two_3$", "ɔ̃"} <= set(shown)
    assert any(text.startswith("frequency (Hz") for text in shown)
    assert shown.count("ɔ̃") == 10
    assert "words" not in texts(plot(speech(events=()), scale=scale))


def test_a_sine_of_full_scale_has_0_decibels_at_its_frequency() -> None:
    power, frequencies = power_spectrogram(tone(1000, 1.0), RATE)
    frame = power[len(power) // 2]
    assert abs(frequencies[frame.argmax()] - 1000) <= frequencies[1]
    assert 10 * np.log10(frame.max()) == pytest.approx(0, abs=0.1)
    assert len(power) == RATE // round(HOP * RATE) + 1
    bank, edges = mel_bank(frequencies, 40)
    np.testing.assert_allclose(bank.sum(1), 1)
    band = (bank @ frame).argmax()
    assert edges[band] <= mel_of(np.array(1000.0)) <= edges[band + 1]


@pytest.mark.parametrize("hertz", [70.0, 123.4, 220.0, 480.0])
def test_the_pitch_of_harmonics_is_their_fundamental(hertz: float) -> None:
    samples = sum(tone(hertz * k) / k for k in range(1, 7))
    times, found = fundamental_frequency(samples, RATE)
    voiced = found[np.isfinite(found)]
    assert len(voiced) > 0.8 * len(times)
    np.testing.assert_allclose(np.median(voiced), hertz, rtol=0.005)


def test_a_glide_is_followed_and_noise_and_silence_have_no_pitch() -> None:
    time = np.arange(RATE) / RATE
    phase = 2 * np.pi * np.cumsum(100 * 2**time) / RATE  # an octave in a second
    times, found = fundamental_frequency(np.sin(phase) + 0.3 * np.sin(2 * phase), RATE)
    inner = (times > 0.1) & (times < 0.9)
    np.testing.assert_allclose(found[inner], 100 * 2 ** times[inner], rtol=0.02)
    noise = np.random.default_rng(0).standard_normal(RATE)
    assert np.isfinite(fundamental_frequency(noise, RATE)[1]).mean() < 0.05
    assert not np.isfinite(fundamental_frequency(np.zeros(RATE), RATE)[1]).any()
    assert not np.isfinite(fundamental_frequency(np.zeros(3), RATE)[1]).any()


def test_pitch_has_units_and_its_limits() -> None:
    picture = plot(speech(), "pitch")
    assert "fundamental frequency\n(Hz, log scale)" in texts(picture)
    (line,) = (line for line in picture.figure.axes[0].lines if len(line.get_xdata()) > 2)
    assert np.nanmedian(line.get_ydata()) == pytest.approx(200, rel=0.01)
    assert any("no voice between 300 and 400 Hz" in text for text in texts(plot(speech(), "pitch", low=300, high=400)))
    with pytest.raises(RequestError, match="low 90 and high 80 Hz: low is below high, and both are within 20 to 2000"):
        plot(speech(), "pitch", low=90, high=80)


def test_an_alignment_draws_attention_if_the_trace_has_some() -> None:
    trace = EventTrace()
    weights = np.eye(4, dtype=np.float32)
    trace.attention += [
        Attention(("a", "", "c", "d"), 0.0, 0.1, [weights[:2], weights[2:]]),
        Attention((), 0.5, 0.1, [weights]),
    ]
    picture = plot(speech(trace=trace), "alignment")
    assert {"attention weight", "token", "time (s)", "One"} <= set(texts(picture))
    labels = [label.get_text() for label in picture.figure.axes[0].get_yticklabels()]
    assert labels == ["a", "", "c", "d", "0", "1", "2", "3"]
    durations = plot(speech(), "alignment")
    assert "phoneme" in texts(durations)
    assert [bar.get_width() for bar in durations.figure.axes[0].patches] == pytest.approx([0.1] * 10)
    assert len(plot(speech(trace=trace), "alignment", start=0.6).figure.axes[0].get_yticklabels()) == 4
    with pytest.raises(RequestError, match="reported no phonemes and no attention"):
        plot(speech(events=()), "alignment")


def test_a_trace_has_a_row_for_each_block_network_and_thread(tmp_path: Path) -> None:
    trace = one_trace()
    trace.save(tmp_path / "trace.json")
    shown = {"waits for a worker", "turn, calling thread", "  Gain [1]", "net", "first audio, 3 ms"}
    subjects = (trace, trace.as_json(), tmp_path / "trace.json", speech(trace=trace), trace.as_json()["traceEvents"])
    for subject in subjects:
        axes = plot(subject, "trace").figure.axes[0]
        labels = {label.get_text() for label in axes.get_yticklabels()} | {text.get_text() for text in axes.texts}
        assert shown <= labels
        assert axes.get_xlabel() == "time since the stream began (ms)"
    with pytest.raises(RequestError, match=r"this Speech has no trace of events; synthesize with .*trace=voxstack"):
        plot(speech(), "trace")
    with pytest.raises(RequestError, match="cannot read"):
        plot(tmp_path / "none.json", "trace")


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"traceEvents": [{"ph": "X", "name": "a", "ts": 0, "pid": 1, "tid": 1}]},
        {"traceEvents": [{"ph": "X", "name": "a", "ts": 0, "pid": 1, "tid": 1, "dur": -1}]},
        {"traceEvents": [{"ph": "b", "name": "a", "ts": 0, "pid": 1, "tid": 1, "cat": "x"}]},
        {"traceEvents": [{"ph": "i", "name": "a", "ts": "0", "pid": 1, "tid": 1}]},
        {"traceEvents": [{"ph": "i", "name": "a", "ts": 0, "pid": 1, "tid": 1, "s": "x"}]},
        {"traceEvents": [{"ph": "M", "name": "thread_name", "pid": 1, "tid": 1, "args": {}}]},
        {"traceEvents": [{"ph": "?", "name": "a", "ts": 0, "pid": 1}]},
        {"traceEvents": [{"name": "a"}]},
        {"traceEvents": [], "displayTimeUnit": "s"},
        [3],
    ],
    ids=json.dumps,
)
def test_what_is_not_in_the_format_is_refused(wrong: Any) -> None:
    with pytest.raises(RequestError, match=r"this is no trace: \$"):
        trace_content(wrong)


@pytest.mark.parametrize(
    ("kind", "form"), [("spectrogram", "png"), ("alignment", "svg"), ("pitch", "svg"), ("trace", "png")]
)
def test_files_are_the_same_each_time(kind: str, form: str, tmp_path: Path) -> None:
    import matplotlib

    subject = speech(trace=one_trace())
    first, again = tmp_path / f"first.{form}", tmp_path / f"again.{form.upper()}"
    plot(subject, kind, first)
    with matplotlib.rc_context({"figure.facecolor": "black", "font.size": 30, "savefig.dpi": 20}):
        plot(subject, kind, again)
    assert first.read_bytes() == again.read_bytes()
    if form == "png":
        Image.open(first).verify()
    else:
        assert ElementTree.parse(first).getroot().tag.endswith("svg")
    assert sorted(path.name for path in tmp_path.iterdir()) == [again.name, first.name]


def test_pictures_are_dark_on_white_and_show_themselves() -> None:
    picture = plot(speech(events=()), "pitch")
    pixels = np.asarray(Image.open(io.BytesIO(picture._repr_png_())).convert("L"))
    assert pixels[0, 0] == 255
    assert pixels.min() < 40
    assert repr(picture) == "<picture: pitch of 1.00 s>"


def test_a_part_is_drawn_and_a_long_speech_needs_one() -> None:
    picture = plot(speech(), start=0.5)
    assert picture.figure.axes[0].get_xlim() == (0.5, 1.0)
    assert "One" not in texts(picture)
    with pytest.raises(RequestError, match=r"61.0 s are too long .*at most 60 s; choose a part: start=0, stop=60"):
        plot(speech(61, events=()))
    with pytest.raises(RequestError, match=r"the part from 2 to 1 s is not in a speech of 1.00 s"):
        plot(speech(), start=2)
    with pytest.raises(RequestError, match="has no samples"):
        plot(Speech(np.zeros(0, np.float32), RATE))


def test_errors_name_what_exists(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"no kind of picture is named 'spectogram'; did you mean 'spectrogram'\?"):
        plot(speech(), "spectogram")
    with pytest.raises(RequestError, match=r"a picture of the pitch has no option 'hihg'; did you mean 'high'\?"):
        plot(speech(), "pitch", hihg=3)
    with pytest.raises(RequestError, match=r"scale is 'mel' or 'linear', not 'log'"):
        plot(speech(), scale="log")
    with pytest.raises(
        RequestError, match=r"this picture shows a speech, as voice.synthesize\(...\) returns, not a str"
    ):
        plot("hello")
    with pytest.raises(RequestError, match=r"a picture is a \.png or \.svg file"):
        plot(speech(), "pitch", tmp_path / "pitch.jpg")
    with pytest.raises(RequestError, match="there is no folder"):
        plot(speech(), "pitch", tmp_path / "none" / "pitch.png")
    assert not list(tmp_path.iterdir())


def test_a_speech_plots_itself(tmp_path: Path) -> None:
    assert isinstance(speech().plot("pitch", tmp_path / "pitch.svg", high=300.0), Picture)
    assert (tmp_path / "pitch.svg").exists()


def test_without_the_plugin_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("voxstack.entry_points.installed_entry_points", lambda: ())
    monkeypatch.delitem(vars(voxstack), "plot", raising=False)
    with pytest.raises(
        voxstack.PluginError, match=r'voxstack-plot, which is not installed; try: pip install "\.\[plot\]"'
    ):
        speech().plot()


def test_very_short_and_silent_speech_is_drawn() -> None:
    for samples in (np.zeros(RATE, np.float32), np.ones(3, np.float32)):
        for kind in ("spectrogram", "pitch"):
            assert plot(Speech(samples, RATE), kind).content("png")
