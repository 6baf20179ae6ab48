"""Rows, verdicts, limits, baselines and the command, on measures that are known."""

from __future__ import annotations

import argparse
import copy
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from voxstack import Registry, RequestError, Speech
from voxstack.streaming.timeline import Timeline
from voxstack_grade import pitch
from voxstack_grade.aligning import changed_phonemes, duration_error
from voxstack_grade.command import command
from voxstack_grade.comparison import compare
from voxstack_grade.grading import judged
from voxstack_grade.limits import Limit, default_limits, read_limits
from voxstack_grade.measurements import Measurements, read_measurements, written
from voxstack_grade.metrics import METRICS
from voxstack_grade.report import Row
from voxstack_grade.sentence_measures import measure
from voxstack_grade.sentences import BUILT_IN, read_sentences
from voxstack_grade.table import lines

BASELINE = Path(__file__).parents[1] / "baselines" / "amber.json"
RATE = 16000


def sentences(count: int = 12) -> list[dict[str, Any]]:
    random = np.random.default_rng(3)
    return [
        {
            "text": f"Sentence {index}.", "seconds": 2.0, "clipped": 0, "samples": 32000,
            "lufs": float(-20 + random.normal(0, 0.5)), "frames": 200, "spoken_frames": 180, "voiced": 120,
            "semitones": 1080.0 + random.normal(0, 20), "pitch_spread": 2.0,
            "harmonicity": 1800.0 + random.normal(0, 50),
            "longest_pause": 0.05, "edges": 0.3, "bands": [0.0] * 20, "phonemes": "a:100 b:50 c:80", "alarms": [],
            "errors": int(random.random() < 0.2), "words": 8, "synthesis_seconds": 0.1,
        }
        for index in range(count)
    ]  # fmt: skip


def rows_of(own: Any, base: Any, limits: Mapping[str, Limit] | None = None) -> dict[str, Row]:
    return {row.name: row for row in compare(own, base, limits or default_limits())}


def changed(**changes: Any) -> list[dict[str, Any]]:
    found = copy.deepcopy(sentences())
    for row in found:
        for key, change in changes.items():
            row[key] = change(row[key])
    return found


def test_the_same_measures_pass() -> None:
    rows = rows_of(sentences(), sentences())
    assert {row.verdict for row in rows.values()} == {"pass", "shown"}
    assert [name for name, row in rows.items() if row.verdict == "shown"] == ["rtf"]


@pytest.mark.parametrize(
    ("name", "changes", "others"),
    [
        ("wer", {"errors": lambda x: x + 1}, set()),
        ("alarms", {"alarms": lambda x: ["skipped"]}, set()),
        ("phonemes", {"phonemes": lambda x: "a:100 c:80"}, set()),
        ("duration", {"seconds": lambda x: 1.1 * x}, set()),
        ("phoneme_durations", {"phonemes": lambda x: "a:160 b:30 c:80"}, set()),
        ("loudness", {"lufs": lambda x: x - 2}, set()),
        ("loudness", {"lufs": lambda x: x + 2}, set()),
        ("clipping", {"clipped": lambda x: 20}, set()),
        ("voiced", {"voiced": lambda x: 100, "semitones": lambda x: x / 1.2, "harmonicity": lambda x: x / 1.2}, set()),
        ("pitch", {"semitones": lambda x: x + 120}, set()),
        ("pitch_spread", {"pitch_spread": lambda x: 1.0}, set()),
        ("harmonicity", {"harmonicity": lambda x: x - 240}, set()),
        ("harmonicity", {"harmonicity": lambda x: x + 240}, set()),
        ("spectrum", {"bands": lambda x: [4.0, -4.0] * 10}, set()),
        ("pauses", {"longest_pause": lambda x: 0.5}, set()),
        ("edges", {"edges": lambda x: 0.6}, set()),
        ("silence", {"spoken_frames": lambda x: 160, "voiced": lambda x: x}, {"voiced"}),
    ],
)
def test_one_change_regresses_one_row(name: str, changes: Any, others: set[str]) -> None:
    rows = rows_of(changed(**changes), sentences())
    assert {key for key, row in rows.items() if row.verdict == "fail"} == {name} | others


def test_the_spread_of_loudness() -> None:
    own = sentences()
    for index, row in enumerate(own):
        row["lufs"] += 3 if index % 2 else -3
    assert rows_of(own, sentences())["loudness_spread"].verdict == "fail"


def test_better_is_no_regression_where_only_more_is_worse() -> None:
    worse = changed(errors=lambda x: x + 2)
    assert rows_of(sentences(), worse)["wer"].verdict == "pass"


def test_what_may_be_chance_is_unsure() -> None:
    """One sentence in twelve has five more errors: beyond the limit, and a resample without it has no difference."""
    own = sentences()
    own[0]["errors"] += 5
    row = rows_of(own, sentences())["wer"]
    assert row.interval is not None
    assert (row.verdict, row.interval[0]) == ("unsure", 0.0)


def test_the_interval_is_that_of_a_paired_difference() -> None:
    """Each sentence has its own loudness, and each is 0.5 lower: the interval knows the difference exactly."""
    row = rows_of(changed(lufs=lambda x: x - 0.5), sentences())["loudness"]
    assert row.interval == pytest.approx((-0.5, -0.5), abs=1e-6)


def test_intervals_cover_the_truth_as_often_as_they_state() -> None:
    """200 voices of a word error rate of 10 %, on 40 sentences each."""
    random, covered = np.random.default_rng(5), 0
    for _ in range(200):
        own = sentences(40)
        for row in own:
            row["errors"] = int(random.binomial(row["words"], 0.1))
        low, high = rows_of(own, None)["wer"].interval or (0, 0)
        covered += low <= 0.1 <= high
    assert 0.88 <= covered / 200 <= 0.99


def test_limits_without_a_baseline() -> None:
    assert rows_of(sentences(), None)["wer"].verdict == "pass"
    assert rows_of(changed(errors=lambda x: 6), None)["wer"].verdict == "fail"
    assert rows_of(changed(alarms=lambda x: ["stuck"]), None)["alarms"].verdict == "fail"
    assert rows_of(sentences(), None)["duration"].note == "needs a baseline"
    assert rows_of(changed(alarms=lambda x: None), None)["alarms"].note == "no block of the stack raises any"


def test_sentences_that_are_not_spoken_fail() -> None:
    own = [{"text": row["text"], "error": "no"} if index == 3 else row for index, row in enumerate(sentences())]
    base = Measurements("a", "1", "", tuple(sentences()))
    report = judged(Measurements("a", "2", "", tuple(own)), base, [], default_limits())
    assert report.row("errors").note == "'Sentence 3.': no"
    assert not report.passed
    same = judged(Measurements("a", "2", "", tuple(own)), Measurements("a", "1", "", tuple(own)), [], default_limits())
    assert same.passed


def test_nothing_measured_does_not_pass() -> None:
    own = Measurements("a", "1", "", ({"text": "a", "error": "no"},))
    assert not judged(own, own, [], default_limits(), ["errors"]).passed


def test_a_report_is_a_baseline(tmp_path: Path) -> None:
    own = Measurements("a", "1", "default", tuple(sentences()))
    report = judged(own, None, [], default_limits())
    (tmp_path / "old.json").write_text(written(report.as_json()))
    assert read_measurements(tmp_path / "old.json") == own
    with pytest.raises(RequestError, match=r"has no measures of 1 of 1 texts, such as 'Other.'"):
        own.spoken(["Other."])
    (tmp_path / "bad.json").write_text('{"format": 1}')
    with pytest.raises(RequestError, match=r"is no baseline .*make one: voxstack grade ADDON --json FILE.json"):
        read_measurements(tmp_path / "bad.json")


def test_each_line_of_the_table_has_value_baseline_limit_and_verdict() -> None:
    base = Measurements("a", "1", "", tuple(sentences()))
    own = Measurements("a", "2", "", tuple(changed(lufs=lambda x: x - 2)))
    table = list(lines(judged(own, base, [], default_limits())))
    assert table[0] == "a 2, 12 sentences; baseline a 1"
    (line,) = [line for line in table if line.startswith("loudness ")]
    assert line.split()[3:] == ["-22.0", "-20.0", "-2.0", "to", "-2.0", "±1.0", "REGRESSED"]
    assert table[-1].startswith("FAILED: ")


@pytest.mark.parametrize("name", ["amber", "cobalt", "flite", "espeak"])
def test_stored_baselines_have_the_built_in_sentences(name: str) -> None:
    stored = read_measurements(BASELINE.with_name(f"{name}.json"))
    assert stored.voice == name
    assert not [row for row in stored.spoken([sentence.text for sentence in read_sentences()]) if "error" in row]


def test_the_sentences_are_varied() -> None:
    found = read_sentences()
    counts = [len(sentence.spoken.split()) for sentence in found]
    assert len(found) == 60
    assert min(counts) == 1
    assert max(counts) > 30
    assert sum(sentence.text.endswith("?") for sentence in found) >= 5
    assert sum(any(letter.isdigit() for letter in sentence.text) for sentence in found) >= 6
    assert not [sentence for sentence in found if any(letter.isdigit() for letter in sentence.spoken)]
    assert [sentence.text for sentence in read_sentences(count=3)] == [found[index].text for index in (0, 20, 40)]
    assert "voxstack" in BUILT_IN.read_text().splitlines()[0]


@pytest.mark.parametrize(
    ("content", "problem"), [("", "has no texts"), ("a\na\n", "has a text twice"), (None, "cannot read the texts")]
)
def test_texts_that_are_invalid(content: str | None, problem: str, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "texts.txt").write_text(content)
    with pytest.raises(RequestError, match=problem):
        read_sentences(tmp_path / "texts.txt")


def test_limits_come_from_files_and_options(tmp_path: Path) -> None:
    (tmp_path / "limits.toml").write_text(
        'loudness = 0.5\nharmonicity = "none"\n[wer]\ndifference = 0.01\nmost = 0.2\n'
    )
    limits = read_limits(tmp_path / "limits.toml", ["wer.most=0.1", "pitch=none"])
    assert limits["wer"] == Limit(0.01, 0.1)
    assert limits["loudness"] == Limit(0.5, None)
    assert limits["pitch"].difference is limits["harmonicity"].difference is None
    (tmp_path / "limits.json").write_text(json.dumps({"rtf": 0.5, "pitch": None}))
    assert read_limits(tmp_path / "limits.json")["rtf"].difference == 0.5
    assert set(default_limits()) == {metric.name for metric in METRICS}


@pytest.mark.parametrize(
    ("option", "problem"),
    [
        ("wr=1", "no limit is named 'wr'; did you mean 'wer'"),
        ("wer", "write NAME=NUMBER"),
        ("wer=-1", "'-1' is no limit of wer; write a number from 0 on, or none"),
        ("wer.least=1", "wer has no 'least'; write difference or most"),
        ("wer=nan", "'nan' is no limit"),
    ],
)
def test_limits_that_are_invalid(option: str, problem: str) -> None:
    with pytest.raises(RequestError, match=problem):
        read_limits(None, [option])


def run(*arguments: str) -> int:
    parser = argparse.ArgumentParser()
    command(parser)
    options = parser.parse_args(arguments, argparse.Namespace(registry=Registry.installed(), debug=False))
    status: int = options.run(options)
    return status


def test_the_command_writes_a_baseline_and_passes_against_it(tmp_path: Path, capsys: Any) -> None:
    (tmp_path / "texts.txt").write_text("Good morning.\nIt costs $5.\tit costs five dollars\n")
    first = ["amber", "--texts", str(tmp_path / "texts.txt"), "--without", "golden", "--quiet", "--jobs", "1"]
    assert run(*first, "--json", str(tmp_path / "old.json")) == 0
    assert run(*first, "--baseline", str(tmp_path / "old.json"), "--without", "rtf") == 0
    shown = capsys.readouterr()
    assert "amber 0." in shown.out.splitlines()[-1] or "passed: " in shown.out.splitlines()[-1]
    assert shown.err == ""
    assert run(*first, "--baseline", "cobalt", "--json", "-") == 1
    report = json.loads(capsys.readouterr().out)
    assert report["passed"] is False
    assert {row["name"] for row in report["rows"] if row["verdict"] == "fail"} >= {"pitch", "loudness"}


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["nowhere"], "nowhere"),
        (["amber", "--limit", "wr=1"], "no limit is named 'wr'"),
        (["amber", "--without", "werr"], "no row has this name; did you mean 'wer'"),
        (["amber", "--texts", "nowhere.txt"], "cannot read the texts"),
        (["amber", "--baseline", "nowhere.json"], "is no baseline"),
        (["amber", "--json", "/nowhere/a.json"], "there is no folder"),
    ],
)
def test_what_cannot_be_graded_is_a_usage_error(arguments: list[str], problem: str, capsys: Any) -> None:
    assert run(*arguments, "--quiet") == 2
    error = capsys.readouterr().err
    assert error.startswith("voxstack: error: ")
    assert problem in error


def test_golden_vectors_are_checked_by_the_command_check() -> None:
    from voxstack_grade.golden import golden_row

    row = golden_row("prism", "onnx:cpu", False, None)
    assert (row.verdict, row.name) == ("pass", "golden")
    assert row.value is not None
    assert row.value < 1e-3


def tone(f0: Any, noise: float = 0.0, seconds: float = 1.0) -> np.ndarray:
    times = np.arange(int(seconds * RATE)) / RATE
    phase = 2 * np.pi * np.cumsum(np.broadcast_to(f0, len(times))) / RATE
    sound = sum(np.sin(k * phase) / k for k in range(1, 9))
    return np.asarray(0.2 * sound + noise * np.random.default_rng(0).normal(size=len(times)), np.float32)


@pytest.mark.parametrize("f0", [70.0, 120.0, 200.0, 333.0, 450.0])
def test_the_pitch_of_a_tone(f0: float) -> None:
    tracked = pitch.track(tone(f0), RATE)
    assert (tracked.f0[5:-5] > 0).all()
    np.testing.assert_allclose(tracked.f0[5:-5], f0, rtol=0.005)


def test_harmonicity_is_the_ratio_of_tone_to_noise() -> None:
    clean, noisy = (float(pitch.track(tone(150.0, noise), RATE).harmonicity[5:-5].mean()) for noise in (0.0, 0.05))
    expected = 10 * np.log10(np.var(tone(150.0)) / 0.05**2)
    assert clean > 25
    assert noisy == pytest.approx(expected, abs=1.0)


def test_noise_and_silence_are_unvoiced() -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, RATE).astype(np.float32)
    assert (pitch.track(noise, RATE).f0 > 0).mean() < 0.02
    assert not (pitch.track(np.zeros(RATE, np.float32), RATE).f0 > 0).any()


def test_measures_of_a_sentence_with_a_pause() -> None:
    sound = np.concatenate([np.zeros(3200), tone(120.0), np.zeros(4800), tone(120.0), np.zeros(1600)]).astype(
        np.float32
    )
    timeline = Timeline(RATE)
    timeline.add_all("phoneme", ["a", "b"], [3200, 24000], [RATE, RATE])
    found = measure(Speech(sound, RATE, timeline.take(np.inf)), "", None)
    assert found["longest_pause"] == pytest.approx(0.3, abs=0.05)
    assert found["edges"] == pytest.approx(0.3, abs=0.06)
    assert found["phonemes"] == "a:1000 b:1000"
    assert found["semitones"] / found["voiced"] == pytest.approx(12 * np.log2(1.2), abs=0.1)
    assert found["clipped"] == 0
    assert measure(Speech(9 * sound, RATE), "", None)["clipped"] > 1000


def test_phonemes_against_a_baseline() -> None:
    assert changed_phonemes("a:1 c:1", "a:1 b:1 c:1 d:1") == (2.0, 4.0)
    assert changed_phonemes("", "a:1") == (1.0, 1.0)
    assert duration_error("a:99 x:5 b:199", "a:99 b:99") == (pytest.approx(np.log(2)), 2.0)
