"""Options that set the controls of a voice."""

from __future__ import annotations

import argparse
import inspect
import json
import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from voxstack import Voice

SHORT_OPTIONS = {"rate": "speed as a factor", "pause": "length of pauses"}
"""Controls that have an option of their own, with its description."""


def add_control_options(parser: argparse.ArgumentParser) -> None:
    """Add ``--set``, ``--rate`` and ``--pause``."""
    description = "set a control of the voice, such as rate=1.2; VALUE is JSON, or text if it is not valid JSON"
    parser.add_argument("--set", action="append", default=[], type=_setting, metavar="NAME=VALUE", help=description)
    for name, meaning in SHORT_OPTIONS.items():
        option = parser.add_argument(
            f"--{name}", dest="set", action="append", metavar="X", help=f"{meaning}; short for --set {name}=X"
        )
        option.type = lambda value, name=name: (name, json_or_text(value))


def controls_of(options: argparse.Namespace, voice: Voice) -> dict[str, Any]:
    """Return the controls that the options set; the voice checks them, but for names that mean something else to it.

    :raises RequestError: for one that is set twice, or has the name of another argument of a request.
    """
    from voxstack import RequestError

    controls: dict[str, Any] = {}
    for name, value in options.set:
        if name not in voice.controls and name in inspect.signature(voice.stream).parameters:
            raise RequestError(f"{voice.name} has no control {name!r}; it has {', '.join(voice.controls) or 'none'}")
        if name in controls:
            raise RequestError(f"the control {name!r} is set twice; set it once")
        controls[name] = value
    return controls


def _setting(text: str) -> tuple[str, Any]:
    """Parse ``NAME=VALUE``."""
    name, sign, value = text.partition("=")
    if not sign or not name:
        raise argparse.ArgumentTypeError(f"expected NAME=VALUE, such as rate=1.2, and got {text!r}")
    return name, json_or_text(value)


def json_or_text(text: str) -> Any:
    """Return the value of JSON whose numbers are finite, or the text as it is."""
    try:
        return json.loads(text, parse_constant=_finite, parse_float=_finite)
    except (ValueError, RecursionError):
        return text


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text} is not a finite number")
    return value
