"""Golden vectors, valid and invalid: nothing that is wrong with them ever passes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from voxstack import Registry
from voxstack_bench.golden import vectors as golden_vectors
from voxstack_bench.golden.golden_checks import Comparison, judge, overall_state
from voxstack_bench.golden.vectors import relative_error
from voxstack_bench.process.session import Session

Toy = Callable[..., Path]


def checked(folder: Path, registry: Registry, context: Any = None, limit: float = 1e-3) -> dict[str, Comparison]:
    session = Session(registry)
    session.open(str(folder), context, trust=False)
    return {row.subject: row for row in judge(session.check()["outcomes"], limit, explicit=True)}


def test_what_is_right_passes(toy: Toy, registry: Registry) -> None:
    rows = checked(toy(), registry)
    assert {subject: row.state for subject, row in rows.items()} == dict.fromkeys(
        ["wave", "tone", "speech", "speech, streamed"], "pass"
    )
    assert all(row.error is not None and row.error < 1e-6 for row in rows.values())
    assert overall_state(rows.values()) == "pass"


def change(**arrays: Any) -> Callable[[dict[str, np.ndarray]], dict[str, np.ndarray]]:
    def changed(vectors: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        merged = {**vectors, **{key.replace("__", "."): value for key, value in arrays.items()}}
        return {key: value for key, value in merged.items() if value is not None}

    return changed


def edited(key: str, edit: Callable[[np.ndarray], Any]) -> Callable[[dict[str, np.ndarray]], dict[str, np.ndarray]]:
    return lambda vectors: {**vectors, key: edit(vectors[key])}


def put(array: np.ndarray, value: float) -> np.ndarray:
    changed = array.copy()
    changed.flat[-1] = value
    return changed


SPOILED = {
    "other values": (edited("outputs.mel", lambda x: x + np.float32(0.01)), "", True),
    "a NaN in the output": (edited("outputs.mel", lambda x: put(x, np.nan)), "not finite", False),
    "a NaN in the input": (edited("inputs.frames", lambda x: put(x, np.nan)), "not finite", False),
    "infinity": (edited("outputs.mel", lambda x: put(x, np.inf)), "not finite", False),
    "no frames": (lambda vectors: {key: array[:, :0] for key, array in vectors.items()}, "is empty", False),
    "fewer frames in the output": (
        edited("outputs.mel", lambda x: x[:, :3]),
        "outputs.mel is float32 [1, 3, 2]",
        False,
    ),
    "other features": (edited("outputs.mel", lambda x: x[:, :, :1]), "outputs.mel is float32 [1, 4, 1]", False),
    "no batch": (edited("outputs.mel", lambda x: x[0]), "outputs.mel is float32 [4, 2]", False),
    "another type": (edited("outputs.mel", lambda x: x.astype("f8")), "outputs.mel is float64", False),
    "no output": (change(outputs__mel=None), "lacks ['outputs.mel']", False),
    "no input": (change(inputs__frames=None), "lacks ['inputs.frames']", False),
    "an output that is not there": (
        change(outputs__other=np.ones(1, "f4")),
        "has ['outputs.other'], which the network does not have",
        False,
    ),
    "an input that is not there": (
        change(inputs__other=np.ones(1, "f4")),
        "has ['inputs.other'], which the network does not have",
        False,
    ),
    "something else": (change(other=np.ones(1, "f4")), "['other'], which are neither", False),
    "nothing": (lambda vectors: {}, "lacks", False),
    "objects": (
        edited("outputs.mel", lambda x: np.array([{}, None], object)),
        "is not an .npz file of plain arrays",
        False,
    ),
}


@pytest.mark.parametrize("name", SPOILED)
def test_spoiled_vectors_of_a_network_fail(name: str, toy: Toy, registry: Registry, vectors: Any) -> None:
    spoil, problem, compared = SPOILED[name]
    vectors["wave"] = spoil(vectors["wave"])
    rows = checked(toy(vectors), registry)
    assert rows["wave"].state == "fail"
    assert problem in rows["wave"].note
    assert (rows["wave"].error is not None) == compared
    assert rows["tone"].state == "pass"
    assert overall_state(rows.values()) == "fail"


SPOILED_SPEECH = {
    "other samples": edited("outputs.samples", lambda x: -x),
    "fewer": edited("outputs.samples", lambda x: x[:-1]),
    "none": edited("outputs.samples", lambda x: x[:0]),
    "not finite": edited("outputs.samples", lambda x: put(x, np.nan)),
    "another type": edited("outputs.samples", lambda x: x.astype("f8")),
    "channels": edited("outputs.samples", lambda x: x[None]),
    "another text": change(request__text=np.array("Good night.")),
    "an empty text": change(request__text=np.array("")),
    "a text that is a number": change(request__text=np.array([1.0])),
    "no text": change(request__text=None),
    "controls that the voice has not": change(request__controls=np.array('{"pitch": 2}')),
    "controls that are no JSON": change(request__controls=np.array("{")),
    "controls that are no object": change(request__controls=np.array("[]")),
    "more": change(outputs__words=np.array("x")),
}


@pytest.mark.parametrize("name", SPOILED_SPEECH)
def test_spoiled_speech_fails(name: str, toy: Toy, registry: Registry, vectors: Any) -> None:
    vectors["speech"] = SPOILED_SPEECH[name](vectors["speech"])
    rows = checked(toy(vectors), registry)
    assert rows["speech"].state == "fail"
    assert rows["speech"].note or rows["speech"].error > 1e-3
    assert overall_state(rows.values()) == "fail"


def test_controls_go_into_the_request(toy: Toy, registry: Registry, vectors: Any) -> None:
    controls = {"volume": {"type": "number", "default": 1}}
    vectors["speech"] |= {
        "request.controls": np.array('{"volume": 0.5}'),
        "outputs.samples": vectors["speech"]["outputs.samples"] / 2,
    }
    assert checked(toy(vectors, controls=controls), registry)["speech"].state == "pass"


def test_what_has_no_vectors_fails_and_a_stack_without_them_is_not_checked(
    toy: Toy, registry: Registry, vectors: Any
) -> None:
    rows = checked(toy({"wave": vectors["wave"]}), registry)
    assert rows["tone"].state == "fail"
    assert "golden/tone.npz: there is no such file, so nothing can be checked" in rows["tone"].note
    assert rows["speech"] == Comparison("speech", "not checked", None, "it has no golden/speech.npz")


def test_vectors_of_nothing_fail(toy: Toy, registry: Registry, vectors: Any) -> None:
    rows = checked(toy({**vectors, "wafe": vectors["wave"]}), registry)
    assert rows["golden/wafe.npz"].state == "fail"
    assert "belongs to no network" in rows["golden/wafe.npz"].note


def test_a_file_that_unpacks_to_too_much_fails(
    toy: Toy, registry: Registry, vectors: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(golden_vectors, "MAX_SIZE", 200)
    row = checked(toy(vectors), registry)["wave"]
    assert row.state == "fail"
    assert "bytes, and at most 200 are read" in row.note


def test_a_damaged_file_fails(toy: Toy, registry: Registry, update_files: Any) -> None:
    folder = toy()
    file = folder / "golden" / "wave.npz"
    data = file.read_bytes()
    file.write_bytes(bytes(len(data) // 2) + data[len(data) // 2 :])
    assert "sha256" in checked(folder, registry)["wave"].note
    update_files(folder)
    row = checked(folder, registry)["wave"]
    assert row.state == "fail"
    assert "is not an .npz file of plain arrays" in row.note
    file.write_bytes(b"")
    update_files(folder)
    assert checked(folder, registry)["wave"].state == "fail"


def test_the_limit_is_a_part_of_the_peak(toy: Toy, registry: Registry, vectors: Any) -> None:
    peak = np.abs(vectors["wave"]["outputs.mel"]).max()
    vectors["wave"]["outputs.mel"] = put(vectors["wave"]["outputs.mel"], peak * 1.002)
    folder = toy(vectors)
    row = checked(folder, registry)["wave"]
    assert row.error == pytest.approx(0.002 / 1.002, rel=1e-3)
    assert row.state == "fail"
    assert checked(folder, registry, limit=3e-3)["wave"].state == "pass"


@pytest.mark.parametrize(
    ("device", "problem"),
    [
        ("off", ""),
        ("nan", "values that are not finite"),
        ("raise", "ZeroDivisionError: a bug"),
        ("double", "float64"),
    ],
)
def test_runtimes_that_give_what_is_wrong_fail(device: str, problem: str, toy: Toy, registry: Registry) -> None:
    rows = checked(toy(), registry, f"toy:{device}")
    assert {
        row.state for subject, row in rows.items() if not (subject.startswith("speech") and device == "double")
    } == {"fail"}
    assert problem in rows["wave"].note


def test_a_golden_file_of_a_network_that_cannot_be_had() -> None:
    row = {"subject": "tone", "error": None, "problem": "there is no device", "note": "", "unavailable": True}
    assert judge([row], 1e-3, explicit=True)[0].state == "fail"
    assert judge([row], 1e-3, explicit=False)[0].state == "not checked"


def test_differences() -> None:
    ones = np.ones(3, np.float32)
    assert relative_error(ones, ones * 2) == 0.5
    assert relative_error(0 * ones, 0 * ones) == 0
    assert relative_error(ones, 0 * ones) == np.inf
    assert relative_error(np.arange(3), np.arange(3)) == 0
    with pytest.raises(ValueError, match="1 of 3 integers differ"):
        relative_error(np.array([0, 1, 3000]), np.array([0, 1, 3001]))


def test_results_of_a_session_are_plain_json(toy: Toy, registry: Registry) -> None:
    session = Session(registry)
    assert session.open(str(toy()), "toy:a", trust=False)["load_s"] > 0
    facts = json.loads(json.dumps(session.facts()))
    assert facts["memory_mb"] > 10
    assert facts["stats"]["wave"]["toy"] == {"waste": 0.25, "sizes": {"frames=4": 3}}
    assert [row["device"] for row in facts["effective"]] == ["a", "a"]


def test_the_default_voice_is_right_in_both_forms() -> None:
    session = Session()
    session.open("amber", None, trust=False)
    rows = {row.subject: row for row in judge(session.check()["outcomes"], 1e-3, explicit=True)}
    assert {"encoder", "decoder", "decoder, stateful", "vocoder", "vocoder, stateful"} <= {
        w for w, row in rows.items() if row.state == "pass"
    }
    assert "fail" not in {row.state for row in rows.values()}
