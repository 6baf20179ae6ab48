"""Traces in the Trace Event Format of Chrome, checked by a schema of the format as it is documented."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

from voxstack import RequestError


@dataclass
class Span:
    """A call or turn on a thread, or a wait on none, from ``start`` for some ``seconds``."""

    name: str
    category: str
    start: float
    seconds: float
    thread: int
    args: dict[str, Any] = field(default_factory=dict)


@dataclass
class TraceContent:
    """The spans of a trace in order of time, the names of its threads, and when its first audio was complete."""

    spans: list[Span]
    threads: dict[int, str]
    first_audio: float | None


def trace_schema() -> dict[str, Any]:
    """Return the JSON Schema of the format."""
    text = files("voxstack_plot").joinpath("trace_events.schema.json").read_text("utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


def read_trace(path: str | Path) -> dict[str, Any]:
    """Return the content of a trace file.

    :raises RequestError: if it cannot be read, or is no JSON.
    """
    try:
        content: dict[str, Any] = json.loads(Path(path).read_bytes())
    except OSError as error:
        raise RequestError(f"cannot read {str(path)!r}: {error.strerror or error}; give a trace file") from error
    except (ValueError, RecursionError) as error:
        raise RequestError(f"{str(path)!r} is no JSON ({error}); voxstack say --trace writes such a file") from error
    return content


def trace_content(document: Any) -> TraceContent:
    """Return the spans of a trace.

    :param document: the JSON of a trace file.
    :raises RequestError: if it is not in the format, with the place.
    """
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import best_match

    error = best_match(Draft202012Validator(trace_schema()).iter_errors(document))
    if error is not None:
        raise RequestError(f"this is no trace: {error.json_path}: {error.message:.200}")
    spans, threads, first, begun = list[Span](), dict[int, str](), None, dict[tuple[str, Any], dict[str, Any]]()
    for row in document["traceEvents"] if isinstance(document, dict) else document:
        phase, start = row["ph"], row.get("ts", 0) / 1e6
        thread = row.get("tid", 0)
        if phase == "M" and row["name"] == "thread_name":
            threads[thread] = str(row["args"]["name"])
        elif phase == "X":
            own = (row["name"], row.get("cat", ""), start, row.get("dur", 0) / 1e6, thread, row.get("args", {}))
            spans.append(Span(*own))
        elif phase == "b":
            begun[row.get("cat", ""), row["id"]] = row
        elif phase == "e" and (opened := begun.pop((row.get("cat", ""), row["id"]), None)) is not None:
            since = opened["ts"] / 1e6
            spans.append(Span(opened["name"], opened.get("cat", ""), since, start - since, thread))
        elif phase == "i" and row["name"] == "first audio" and first is None:
            first = start
    return TraceContent(sorted(spans, key=lambda span: span.start), threads, first)
