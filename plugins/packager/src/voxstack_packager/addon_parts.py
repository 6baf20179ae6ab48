"""The parts of an addon, which :func:`voxstack_packager.package` is called with."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Required, TypedDict

from voxstack_packager.borrowed import Borrowed
from voxstack_packager.limits import TIME_LIMIT
from voxstack_packager.reference import Reference
from voxstack_packager.sources import Source


class AddonParts(TypedDict, total=False):
    """The keyword arguments of :func:`voxstack_packager.package`.

    :param sample_rate: in Hz; by default that of the lenders of borrowed networks.
    :param hop_length: samples of a frame; by default what the stack makes of one.
    :param stack: blocks that turn an utterance into samples, or a function that returns them for the ``networks`` of
        addon.json, as they were measured; none for an addon that only lends its networks.
    :param contexts: by name; or a function that returns them for the ``networks`` of addon.json, as they were measured.
    :param schedule: the voice's chunk schedule: ``first``, ``growth``, ``largest``, or some of these.
    :param files: further files, or their content, by their name in the addon: tables, a licence text, ...
    :param golden_text: text of the golden speech of the finished voice, whose blocks must be installed; 4 to 8 seconds
        with a number, a question and a word of no dictionary cover most of it.
    :param reference: the software that the voice comes from; its samples are then the golden speech, and the voice is
        refused if it synthesizes something else.
    :param contexts_measured: run the golden vectors in the addon's contexts and on all devices of this machine;
        contexts in which a network computes something else are noted in the addon, and refused when it is loaded.
    :param replace: replace an addon that is in the folder already.
    :param time_limit: seconds that the measurement of each network may take.
    :param progress: called with a line for each step.
    """

    name: Required[str]
    version: Required[str]
    license: Required[str]
    languages: Required[Sequence[str]]
    networks: Required[Sequence[Source | Borrowed]]
    sample_rate: int | None
    hop_length: int | None
    stack: Sequence[Mapping[str, Any]] | Callable[[Mapping[str, Any]], Sequence[Mapping[str, Any]]] | None
    controls: Mapping[str, Any] | None
    contexts: Mapping[str, Any] | Callable[[Mapping[str, Any]], Mapping[str, Any]] | None
    schedule: Mapping[str, Any] | None
    description: str
    files: Mapping[str, str | os.PathLike[str] | bytes] | None
    golden_text: str | None
    reference: Reference | None
    contexts_measured: bool
    replace: bool
    time_limit: float
    progress: Callable[[str], None]


REQUIRED = frozenset({"name", "version", "license", "languages", "networks"})
"""The parts without a default; ``AddonParts.__required_keys__`` is empty where annotations are strings."""


def complete_parts(parts: AddonParts) -> AddonParts:
    """Return the parts with the defaults of those that are left out.

    :raises TypeError: naming a part that is required, or unknown.
    """
    missing = sorted(REQUIRED - parts.keys())
    unknown = sorted(parts.keys() - AddonParts.__annotations__.keys())
    if missing or unknown:
        problem = f"needs {missing[0]!r}" if missing else f"has no argument {unknown[0]!r}"
        raise TypeError(f"package() {problem}")
    return {
        "sample_rate": None,
        "hop_length": None,
        "stack": None,
        "controls": None,
        "contexts": None,
        "schedule": None,
        "description": "",
        "files": None,
        "golden_text": None,
        "reference": None,
        "contexts_measured": True,
        "replace": False,
        "time_limit": TIME_LIMIT,
        "progress": print,
        **parts,
    }
