"""Texts that benchmarks and checks synthesize."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from voxstack import RequestError
from voxstack_addon_spec import AddonFiles
from voxstack_bench.golden import vectors

ENGLISH_TEXT = (
    "Good morning. Did the 8 parcels from Wrocklathen arrive? They were sent on Tuesday, by the fastest post that "
    "there is, and nobody has seen them since then. Please ask once more, and call me back before noon."
)
"""The default text for English voices: short and long sentences, a question, a number, and a word of no lexicon."""


def sample_text(config: Mapping[str, Any]) -> str | None:
    """Return the default text if the addon is an English voice, otherwise None."""
    english = any(language.split("-")[0].lower() in ("en", "eng") for language in config["languages"])
    return ENGLISH_TEXT if english and config.get("stack") else None


def benchmark_request(files: AddonFiles, text: str | None) -> tuple[str, Mapping[str, Any]]:
    """Return the text of a benchmark and the controls that belong to it.

    :param text: the requested text; None: the default text for English voices, the golden text for others.
    :raises RequestError: if the addon has no stack, or there is no text in its language.
    """
    config = files.config
    if not config.get("stack"):
        raise RequestError(
            f"{config['name']} has no stack: it lends its networks to others; measure a voice that borrows them"
        )
    if text is not None or (text := sample_text(config)) is not None:
        return text, {}
    golden = vectors.speech_vectors(files)
    if golden is None:
        languages = ", ".join(config["languages"])
        raise RequestError(
            f"{config['name']} speaks {languages}, and there is no default text in that language; give one with --text"
        )
    return golden.text, golden.controls
