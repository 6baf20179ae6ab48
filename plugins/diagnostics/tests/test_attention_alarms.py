from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from voxstack import Frames, StackError, StreamableBlock, Utterance
from voxstack.streaming.timeline import Timeline
from voxstack.testing import Case, parametrize_with_checks
from voxstack_diagnostics.attention_alarms import AttentionAlarms

TOKENS = 30


@dataclass
class Attending(StreamableBlock):
    """Yields frames whose attention the utterance has in ``rows``: 3 frames per step, 4 steps per chunk."""

    head = True
    makes = "frames"
    needs = frozenset({"rows"})

    def stream(self, source: Frames, utterance: Utterance) -> Frames:
        rows, watch = utterance["rows"], utterance.get("attention_watch")
        for start in range(0, len(rows), 4):
            part = rows[start : start + 4]
            if watch is not None:
                watch(part, 3)
                if start + 4 >= len(rows):
                    watch(None, 3, stopped=utterance.get("stopped", True))
            yield np.repeat(np.arange(start, start + len(part), dtype=np.float32), 3)[:, None]


def path(*tokens: int, share: float = 0.8) -> np.ndarray:
    """Return attention, (steps, tokens), mostly of one token per step, the rest on its neighbours."""
    rows = np.zeros((len(tokens), TOKENS), np.float32)
    for step, token in enumerate(tokens):
        rows[step, token] = share
        rows[step, [max(token - 1, 0), min(token + 1, TOKENS - 1)]] += (1 - share) / 2
    return rows


def steady(first: int = 0, stop: int = TOKENS, steps: int = 3) -> list[int]:
    return [token for token in range(first, stop) for _ in range(steps)]


def alarms(rows: np.ndarray, stopped: bool = True, **fields: Any) -> list[tuple[str, float]]:
    """Return the kinds of alarms, each with its step."""
    timeline = Timeline(3.0)  # a step is a second
    utterance = {"rows": rows, "stopped": stopped, "timeline": timeline, "phones": [f"p{i}" for i in range(TOKENS)]}
    list(AttentionAlarms(Attending(), **fields).stream(iter(()), utterance))
    return [(event.text.split(":")[0], event.start) for event in timeline.take(float("inf")) if event.kind == "alarm"]


@parametrize_with_checks([Case(AttentionAlarms(Attending()), {"rows": path(*steady())})])
def test_contract(case: Case, check: Any):
    check(case)


def test_what_goes_well_gives_no_alarm():
    assert alarms(path(*steady())) == []
    assert alarms(path(*steady(steps=1))) == []
    quick = [0, 0, 1, 3, 4, 4, 6, *steady(7)]  # phones that are shorter than a step get what their neighbours leave
    assert alarms(path(*quick, share=0.6)) == []
    assert alarms(path(*steady(0, 9), *[9] * 12, *steady(10))) == []  # a pause
    assert alarms(path(*steady(0, 9), 8, *steady(9))) == []  # a step back to a neighbour


@pytest.mark.parametrize(
    "rows, expected",
    [
        (path(*steady(0, 10), *steady(15)), [("skipped", 30)]),
        (path(*steady(0, 20), *steady(12)), [("repeated", 60)]),
        (path(*steady(0, 10), *[10] * 25, *steady(11)), [("stuck", 50)]),
        (path(*steady(0, 20)), [("cut off", 60)]),
        (
            np.concatenate([path(*steady(0, 8)), np.full((12, TOKENS), 1 / TOKENS, np.float32), path(*steady(9))]),
            [("unfocused", 29)],
        ),
    ],
    ids=["skipped", "repeated", "stuck", "cut off", "unfocused"],
)
def test_what_goes_wrong_is_told_where_it_does(rows: np.ndarray, expected: list[tuple[str, float]]):
    raised = alarms(rows)
    assert [kind for kind, _ in raised if kind == expected[0][0]] == [expected[0][0]]
    assert dict(raised)[expected[0][0]] == pytest.approx(expected[0][1], abs=4)


def test_never_stopping_is_told():
    assert alarms(path(*steady()), stopped=False) == [("no stop", 90)]


def test_alarms_come_with_the_chunk_in_which_they_are_seen(caplog: pytest.LogCaptureFixture):
    timeline = Timeline(3.0)
    utterance = {
        "rows": path(*steady(0, 10), *steady(15)),
        "timeline": timeline,
        "phones": [f"p{i}" for i in range(TOKENS)],
    }
    stream = AttentionAlarms(Attending()).stream(iter(()), utterance)
    with caplog.at_level(logging.INFO, "voxstack.attention"):
        for _ in range(7):  # 28 steps
            next(stream)
        assert not caplog.records
        next(stream)
        assert [record.getMessage() for record in caplog.records] == [
            "skipped at step 30: tokens 11 to 13 (p11 p12 p13)"
        ]
        assert [event.text for event in timeline.take(float("inf"))] == ["skipped: tokens 11 to 13 (p11 p12 p13)"]
        list(stream)
    assert caplog.records[-1].getMessage().startswith("ended: steps 75, tokens 30, focus_rate 0.80")
    assert caplog.records[-1].getMessage().endswith("coverage 0.9; alarms: 1 skipped")


def test_limits_are_fields():
    rows = path(*steady(0, 10), *[10] * 25, *steady(11))
    assert alarms(rows, stuck=40) == []
    few = path(*steady(0, 10), *steady(11))  # one token is skipped
    assert alarms(few) == []
    assert [kind for kind, _ in alarms(few, skipped=1, least=0.7)] == ["skipped"]


def test_a_report_to_a_file(tmp_path: Path):
    file = tmp_path / "attention.jsonl"
    block = AttentionAlarms(Attending(), path=str(file))
    block.load(None)
    list(block.stream(iter(()), {"rows": path(*steady(0, 20), *steady(12))}))
    stream = block.stream(iter(()), {"rows": path(*steady())})
    next(stream)
    stream.close()
    first, second = (json.loads(line) for line in file.read_text().splitlines())
    assert (first["end"], first["coverage"], first["alarms"]) == ("ended", 1.0, {"repeated": 1})
    assert (second["end"], second["steps"], second["alarms"]) == ("closed early", 4, {})
    with pytest.raises(StackError, match="there is no folder"):
        AttentionAlarms(Attending(), path=str(tmp_path / "none" / "x.jsonl")).load(None)


def test_attention_of_nan_is_reported_and_does_not_end_the_stream(tmp_path: Path):
    file = tmp_path / "attention.jsonl"
    rows = np.full((8, TOKENS), np.nan, np.float32)
    assert len(list(AttentionAlarms(Attending(), path=str(file)).stream(iter(()), {"rows": rows}))) == 2
    row = json.loads(file.read_text())
    assert (row["end"], row["steps"], row["focus_rate"]) == ("ended", 8, None)


def test_frames_pass_untouched():
    rows = path(*steady())
    plain, watched = (
        list(block.stream(iter(()), {"rows": rows})) for block in (Attending(), AttentionAlarms(Attending()))
    )
    assert all(np.array_equal(plain_chunk, chunk) for plain_chunk, chunk in zip(plain, watched, strict=True))
