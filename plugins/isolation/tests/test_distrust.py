"""Whatever the process sends, this one raises an error, neither hangs nor allocates, and goes on."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from voxstack import AddonError, NetworkError, VoxstackError
from voxstack.networks import NetworkSpec
from voxstack_isolation.network import IsolatedNetwork
from voxstack_isolation.reports import MAX_ENTRIES, checked_effective, checked_stats

Open = Callable[..., IsolatedNetwork]
X = np.ones((1, 3, 2), np.float32)

WORKER = """
import socket, sys
control = socket.socket(fileno=int(sys.argv[1]))
connection = socket.socket(fileno=socket.recv_fds(control, 1, 1)[1][0])
answers = {answers!r}
for answer in answers:
    connection.recv(1 << 16)
    connection.sendall(answer)
"""
"""A process that answers as it likes."""


def message(header: Any, contents: bytes = b"") -> bytes:
    text = json.dumps(header).encode() if not isinstance(header, bytes) else header
    return struct.pack("<I", len(text)) + text + contents


OPENED = message({"opened": True, "effective": {"device": "cpu"}})
MEL = ["mel", "<f4", [1, 3, 2]]


@pytest.fixture
def answering(
    tmp_path: Path, spec_of: Callable[[str], NetworkSpec], open_isolated: Open, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Any]:
    """Open a network whose process sends these answers."""

    def open_it(*answers: bytes) -> Any:
        worker = tmp_path / "worker.py"
        worker.write_text(WORKER.format(answers=answers))
        monkeypatch.setattr("voxstack_isolation.process.WORKER", worker)
        return open_isolated("neg", replace(spec_of("neg"), path=tmp_path.joinpath))

    return open_it


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (struct.pack("<I", 2**32 - 1), "its process sent a header of 4294967295 bytes, and was ended"),
        (message(b"{"), "sent a header that is not valid JSON"),
        (message(b"[" * 100_000), "sent a header that is not valid JSON"),
        (message(b'{"arrays": ' + b"9" * 5000 + b"}"), "sent a header that is not valid JSON"),
        (message(b"\xff\xfe"), "sent a header that is not valid JSON"),
        (message([1]), "sent a header that is no object"),
        (message({}), "sent other outputs than the addon declares"),
        (message({"arrays": [MEL, MEL]}), "sent other outputs than the addon declares"),
        (message({"arrays": [["mal", *MEL[1:]]]}), "sent something else than the output 'mel'"),
        (message({"arrays": [["mel", "<f8", [1, 3, 2]]]}), "sent something else than the output 'mel'"),
        (message({"arrays": [["mel", "|O", [1, 3, 2]]]}), "sent something else than the output 'mel'"),
        (message({"arrays": [["mel", "<f4", "132"]]}), "sent something else than the output 'mel'"),
        (message({"arrays": [["mel", "<f4", [1, -3, 2]]]}), "sent something else than the output 'mel'"),
        (message({"arrays": [["mel", "<f4", [1, True, 2]]]}), "sent something else than the output 'mel'"),
        (message({"arrays": [["mel", "<f4", [1, 1.5, 2]]]}), "sent something else than the output 'mel'"),
        (message({"arrays": [["mel", "<f4", [1, 3]]]}), r"sent an output 'mel' of axes \[1, 3\], declared as"),
        (message({"arrays": [["mel", "<f4", [1, 3, 3]]]}), r"sent an output 'mel' of axes \[1, 3, 3\], declared as"),
        (message({"arrays": [["mel", "<f4", [2**31, 2**31, 2]]]}), r"sent 36893488147419103232 bytes of outputs"),
        (message({"arrays": ["mel"]}), "sent something else than the output 'mel'"),
        (message({"file": "neg.onnx"}), "sent other outputs than the addon declares"),
        (message({"arrays": [MEL]}, bytes(23)), r"its process ended \(status 0\) before it was done"),
        (b"", r"its process ended \(status 0\) before it was done"),
        (message({"error": ["KeyboardInterrupt", "x"]}), "failed, and its process gave no valid reason"),
        (message({"error": "x"}), "failed, and its process gave no valid reason"),
        (message({"error": [["NetworkError"], "x"]}), "failed, and its process gave no valid reason"),
        (message({"error": ["NetworkError", {}]}), "failed, and its process gave no valid reason"),
        (message({"error": []}), "failed, and its process gave no valid reason"),
    ],
)
def test_answers_that_are_none(answering: Callable[..., Any], answer: bytes, problem: str) -> None:
    with pytest.raises(NetworkError, match=problem):
        answering(OPENED, answer)(frames=X)


def test_an_honest_answer_is_taken(answering: Callable[..., Any]) -> None:
    opened = answering(OPENED, message({"arrays": [MEL], "stats": {"calls": 1}}, X.tobytes()))
    np.testing.assert_array_equal(opened(frames=X)["mel"], X)
    assert opened.effective == {"device": "cpu", "provider": "isolated"}
    assert opened.stats == {"calls": 1, "process_starts": 1}


@pytest.mark.parametrize(
    ("answers", "problem"),
    [
        ([message({"file": ["neg.onnx"]})], "sent a request for no file"),
        ([message({"file": f"{number}.onnx"}) for number in range(257)], "sent requests for more than 256 files"),
        ([message({"error": ["ContextError", "x" * 10_000]})], "^x{4000}$"),
    ],
)
def test_what_it_asks_for_is_limited(answering: Callable[..., Any], answers: list[bytes], problem: str) -> None:
    with pytest.raises(VoxstackError, match=problem):
        answering(*answers)


def test_only_files_of_the_addon_are_located(
    answering: Callable[..., Any], spec_of: Callable[[str], NetworkSpec], open_isolated: Open
) -> None:
    requested: list[str] = []

    def path(name: str) -> Path:
        requested.append(name)
        raise AddonError(f"addon/{name}", "is not listed")

    with pytest.raises(NetworkError, match="its process ended"):
        answering(message({"file": "/etc/passwd"}))
    with pytest.raises(NetworkError, match="its process ended"):
        open_isolated("neg", replace(spec_of("neg"), path=path))
    assert requested == ["/etc/passwd"]


def test_reports_are_cut_to_what_is_plain_and_small() -> None:
    deep: Any = 1
    for _ in range(50):
        deep = [deep]
    assert checked_effective([1]) == {"provider": "isolated"}
    assert checked_effective({"device": 1, "provider": "CPU", "threads": "2", "shapes": {"x": [1, 2], "y": 3}}) == {
        "provider": "CPU, isolated",
        "shapes": {"x": (1, 2)},
    }
    assert checked_stats("x") == {}
    found = checked_stats({"deep": deep, "long": "x" * 1000, "wide": list(range(1000)), "large": 10**30})
    assert found == {"deep": [[[None]]], "long": "x" * 200, "wide": list(range(MAX_ENTRIES)), "large": None}
