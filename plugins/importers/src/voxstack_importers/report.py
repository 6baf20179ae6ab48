"""A report on an imported voice: its networks, speech and events, as measured."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import voxstack
from voxstack_packager import PackagingError
from voxstack_packager.golden_speech import SPEECH, read_golden_request

Spec = Mapping[str, Any]

_COLUMNS = ("network", "runs", "context", "error", "in chunks")


def describe(folder: Path) -> str:
    """Return a table of an addon's networks, lines on its speech, and the command line of a sample.

    Its golden speech, which is that of the original, is synthesized once more, in the form that streams, for the
    difference and for the kinds of events.

    :raises PackagingError: if the addon has no golden speech.
    """
    request = read_golden_request(folder)
    if request is None:
        raise PackagingError(str(folder), "has no golden speech to compare with; import the voice again")
    voice = voxstack.load(folder)
    config = voice.addon.config
    speech = voice.synthesize(request.text, **request.controls)
    rows = [_COLUMNS, *(_row(name, network) for name, network in config["networks"].items())]
    facts = {
        "speech": _difference(folder, speech.samples),
        "events": _kinds(speech.events),
        "contexts": ", ".join(config.get("contexts", {})) or "none of its own",
        "license": config["license"],
        "controls": ", ".join(config.get("controls", {})) or "none",
    }
    width = max(map(len, facts))
    lines = [*_table(rows), "", *(f"{name:{width}}  {value}" for name, value in facts.items())]
    command = ["voxstack", "say", "--voice", str(folder), request.text, "--out", f"{config['name']}.wav"]
    return "\n".join([*lines, "", shlex.join(command)])


def _row(name: str, network: Spec) -> tuple[str, ...]:
    measured = network.get("measured", {})
    streaming = network.get("streaming")
    chunks = [float(error) for error in measured.get("chunk_error", {}).values()]
    chunks += [
        float(error) for error in network.get("stateful", {}).get("measured", {}).get("chunk_error", {}).values()
    ]
    errors = [measured[key] for key in ("original_error", "source_error") if key in measured]
    return (
        name,
        _mode(network),
        f"{streaming['left']} + {streaming['right']} {streaming['axis']}" if streaming and "left" in streaming else "",
        f"{max(errors):.1e}" if errors else "",
        f"{max(chunks):.1e}" if chunks else "",
    )


def _mode(network: Spec) -> str:
    if "autoregressive" in network:
        return "step by step"
    if "streaming" not in network:
        return "as a whole"
    stateful = "stateful" in network or "states" in network["streaming"]
    return "in chunks, with states" if stateful else "in chunks"


def _table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _difference(folder: Path, samples: np.ndarray) -> str:
    with np.load(folder / SPEECH, allow_pickle=False) as golden:
        expected = golden["outputs.samples"]
    if samples.shape != expected.shape:
        return f"{len(samples)} samples, where the original has {len(expected)}"
    error = np.abs(samples - expected).max() / np.abs(expected).max()
    return f"differs from the original by {error:.1e} of its peak"


def _kinds(events: Sequence[Any]) -> str:
    counts = Counter(event.kind for event in events)
    return ", ".join(f"{count} of kind {kind}" for kind, count in counts.items()) or "none"
