"""Imports ``.morse`` files, such as ``[key]`` with ``wpm = 25`` and ``tone = 700``."""

from __future__ import annotations

import configparser
from collections.abc import Callable
from pathlib import Path

from voxstack_packager import PackagingError, package


def recognizes(path: Path) -> bool:
    """Return whether a file is a Morse voice by its name."""
    return path.suffix == ".morse"


def convert(path: Path, out: Path, progress: Callable[[str], None], **options: str) -> Path:
    """Write the addon of a Morse voice.

    :raises PackagingError: if the file is not a Morse voice.
    """
    settings = configparser.ConfigParser()
    try:
        settings.read(path, "utf-8")
        speed, tone = settings.getfloat("key", "wpm"), settings.getfloat("key", "tone")
    except (configparser.Error, ValueError) as error:
        raise PackagingError(str(path), f"is no Morse voice: {error}; write [key] with wpm and tone") from error
    rate = {"type": "number", "minimum": 0.25, "maximum": 4, "default": 1.0, "description": "Speed, as a factor."}
    return package(
        out,
        name=options.get("name", path.stem),
        version=options.get("version", "1.0.0"),
        license=options.get("license", "CC0-1.0"),
        languages=[options.get("language", "en-US")],
        sample_rate=8000,
        hop_length=80,
        networks=[],
        stack=[{"type": "Morse", "words_per_minute": speed, "frequency": tone}, {"type": "Gain", "db": -3}],
        controls={"rate": rate},
        golden_text=options.get("text", "Paris 73"),
        progress=progress,
    )
