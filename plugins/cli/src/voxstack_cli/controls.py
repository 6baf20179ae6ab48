"""The controls of a voice, as options."""

from __future__ import annotations

import argparse
import json
import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from voxstack import Voice

SHORT = {"rate": "speed as a factor", "pause": "length of pauses"}
"""Controls that have an option of their own."""


def control_options(parser: argparse.ArgumentParser) -> None:
    """Add ``--set``, ``--rate`` and ``--pause``."""
    told = "set a control of the voice, such as rate=1.2; VALUE is JSON or, if it is not, text"
    parser.add_argument("--set", action="append", default=[], type=_setting, metavar="NAME=VALUE", help=told)
    for name, meaning in SHORT.items():
        short = parser.add_argument(
            f"--{name}", dest="set", action="append", metavar="X", help=f"{meaning}; short for --set {name}=X"
        )
        short.type = lambda value, name=name: (name, _json_or_text(value))


def controls_of(options: argparse.Namespace, voice: Voice) -> dict[str, Any]:
    """Return the controls that were set.

    :raises RequestError: for one that the voice has not, or that is set twice.
    """
    from voxstack import RequestError

    controls: dict[str, Any] = {}
    for name, value in options.set:
        if name not in voice.controls:
            raise RequestError(f"{voice.name} has no control {name!r}; it has {', '.join(voice.controls) or 'none'}")
        if name in controls:
            raise RequestError(f"the control {name!r} is set twice; keep one of them")
        controls[name] = value
    return controls


def _setting(text: str) -> tuple[str, Any]:
    """Parse ``NAME=VALUE``."""
    name, sign, value = text.partition("=")
    if not sign or not name:
        raise argparse.ArgumentTypeError(f"expected NAME=VALUE, such as rate=1.2, and got {text!r}")
    return name, _json_or_text(value)


def _json_or_text(text: str) -> Any:
    """Return the value of a text that is JSON, with finite numbers, or else the text."""
    try:
        return json.loads(text, parse_constant=_finite, parse_float=_finite)
    except (ValueError, RecursionError):
        return text


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text} is not a finite number")
    return value
