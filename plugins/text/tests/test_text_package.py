from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import voxstack
import voxstack_text
from voxstack_text.tokens import PHONES, Phone, token_features


def test_the_plugin_brings_its_blocks() -> None:
    registry = voxstack.Registry({"text": voxstack_text})
    assert {registry.distributions_of(name) for name in ("Text", "Sentences")} == {"text"}


def test_importing_is_cheap() -> None:
    heavy = ("torch", "sentencex", "inflect", "onnxruntime")
    code = f"import sys, voxstack_text; print([name for name in {heavy!r} if name in sys.modules])"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONPATH": ":".join(sys.path)}
    )
    assert result.stdout.strip() == "[]"


def test_the_notice_of_the_pronunciations_comes_along() -> None:
    notice = Path(voxstack_text.__file__).with_name("data") / "NOTICE"
    assert "Carnegie Mellon University" in notice.read_text()


def test_token_features() -> None:
    phones = [
        Phone("pau"),
        Phone("dh", 0, "the"),
        Phone("ax", 0),
        Phone("pau"),
        Phone("g", 1, "go"),
        Phone("ow", 1),
        Phone("pau"),
    ]
    number = PHONES.index
    assert token_features(phones, "?").tolist() == [
        [number("pau"), 0, 0, 0, 4, 4],
        [number("dh"), 0, 1, 1, 0, 5],
        [number("ax"), 0, 0, 1, 0, 5],
        [number("pau"), 0, 0, 0, 5, 5],
        [number("g"), 1, 1, 0, 0, 2],
        [number("ow"), 1, 0, 0, 0, 2],
        [number("pau"), 0, 0, 0, 2, 2],
    ]
