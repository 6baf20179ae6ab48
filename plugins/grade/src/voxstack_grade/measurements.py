"""The measurements of a voice, which are a baseline when they are stored."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from voxstack import RequestError

FORMAT = 1
"""Version of the measures; those of another version are not comparable."""


@dataclass(frozen=True)
class Measurements:
    """The measures of each sentence of a voice.

    :param sentences: each with its ``text`` and measures, or with an ``error``.
    """

    voice: str
    version: str
    context: str
    sentences: tuple[Mapping[str, Any], ...]

    @property
    def label(self) -> str:
        """Name and version of the voice."""
        return f"{self.voice} {self.version}"

    def spoken(self, texts: Sequence[str]) -> list[Mapping[str, Any]]:
        """Return the measures of texts, in their order.

        :raises RequestError: if a text has none.
        """
        found = {row["text"]: row for row in self.sentences}
        if lacking := [text for text in texts if text not in found]:
            raise RequestError(
                f"the baseline of {self.label} has no measures of {len(lacking)} of {len(texts)} texts, such as "
                f"{lacking[0]!r}; make one with the same texts: voxstack grade {self.voice} --json FILE.json"
            )
        return [found[text] for text in texts]

    def as_json(self) -> dict[str, Any]:
        """Return the measurements as JSON."""
        return {
            "format": FORMAT,
            "voice": self.voice,
            "version": self.version,
            "context": self.context,
            "sentences": list(self.sentences),
        }


def read_measurements(path: Path) -> Measurements:
    """Read the measurements of a report.

    :raises RequestError: if the file cannot be read, or is no report of this version.
    """
    try:
        content = json.loads(path.read_text("utf-8"))
        if content["format"] != FORMAT:
            found = f"measures of version {content['format']}, and this is version {FORMAT}"
            raise RequestError(f"{str(path)!r} has {found}; make a new one")
        voice, version, context = (content[key] for key in ("voice", "version", "context"))
        return Measurements(voice, version, context, tuple(content["sentences"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RequestError(
            f"{str(path)!r} is no baseline ({error!r}); make one: voxstack grade ADDON --json FILE.json"
        ) from error


def written(report: Mapping[str, Any]) -> str:
    """Return a report as JSON text, a line for each sentence and row."""
    lists = {key: value for key, value in report.items() if isinstance(value, list)}
    lines = [f" {json.dumps(key)}: {_dumped(value)}" for key, value in report.items() if key not in lists]
    for key, items in lists.items():
        lines.append(f" {json.dumps(key)}: [\n" + ",\n".join(f"  {_dumped(item)}" for item in items) + "\n ]")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def write_complete_file(path: Path, text: str) -> None:
    """Write a file in UTF-8; an older one is replaced when the new one is complete.

    :raises OSError: if it cannot be written.
    """
    part = path.with_name(f".voxstack-{os.getpid()}.part")
    try:
        part.write_text(text, "utf-8")
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _dumped(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)
