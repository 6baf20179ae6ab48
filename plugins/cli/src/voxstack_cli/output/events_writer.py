"""Events, written while they are synthesized: captions in SubRip (.srt) and WebVTT (.vtt), or all events as JSON.

A caption is three lines, and the libraries that write them (srt, pysubs2, webvtt-py) do not fit: they keep a file in
memory until it is complete, do not escape "&" and "<" in WebVTT, and do not group words.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

from voxstack import Chunk, Event, RequestError, Voice
from voxstack_cli.input_text import InputText
from voxstack_cli.output.captions import Caption, CaptionBuilder
from voxstack_cli.output.destinations import check_destination
from voxstack_cli.output.ssml_text import readable_text

FORMATS = ("srt", "vtt", "json")


def check_events_destination(destination: str, form: str) -> None:
    """Check a destination for one of the ``FORMATS``, or for a ``trace``, before anything is synthesized.

    :raises RequestError: for any extension other than that of the format, or what
        :func:`voxstack_cli.output.destinations.check_destination` refuses.
    """
    path, suffix = Path(destination), ".json" if form == "trace" else f".{form}"
    if check_destination(destination, f"hello{suffix}") and path.suffix.lower() != suffix:
        name = str(path.with_suffix(suffix))
        raise RequestError(f"cannot write {destination!r}: --{form} writes {suffix} files; name it {name!r}")


@contextmanager
def events_writer(
    file: IO[bytes], form: str, voice: Voice, text: InputText, markup: str
) -> Iterator[Callable[[Chunk], None]]:
    """Yield a function that writes the events of chunks to an open file, in UTF-8.

    :param form: one of ``FORMATS``.
    :param markup: of the text, as in a request.
    :raises RequestError: at the end, for captions of a voice that reported no words.
    """
    with (
        _json_writer(file, voice, text) if form == "json" else _caption_writer(file, form, voice, text, markup) as write
    ):
        yield write
    file.flush()


@contextmanager
def _json_writer(file: IO[bytes], voice: Voice, text: InputText) -> Iterator[Callable[[Chunk], None]]:
    """Write one object, with each event on a line of its own; text and duration, known only at the end, come last."""
    count = samples = 0

    def write(chunk: Chunk) -> None:
        nonlocal count, samples
        samples += len(chunk.samples)
        for event in chunk.events:
            file.write((",\n" if count else "\n").encode() + _json(_fields(event)))
            count += 1

    file.write(b'{"voice": %b, "sample_rate": %b, "events": [' % (_json(voice.name), _json(voice.sample_rate)))
    yield write
    duration = round(samples / voice.sample_rate, 6)
    file.write(b'\n], "text": %b, "duration": %b}\n' % (_json(text.text), _json(duration)))


def _fields(event: Event) -> dict[str, Any]:
    return {**asdict(event), "start": round(event.start, 6), "duration": round(event.duration, 6)}


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, allow_nan=False).encode()


@contextmanager
def _caption_writer(
    file: IO[bytes], form: str, voice: Voice, text: InputText, markup: str
) -> Iterator[Callable[[Chunk], None]]:
    builder = CaptionBuilder(_caption_text(text, markup))
    cue = _srt_cue if form == "srt" else _vtt_cue
    count = samples = 0

    def put(captions: Iterable[Caption]) -> None:
        nonlocal count
        for caption in captions:
            count += 1
            file.write(cue(count, caption).encode())

    def write(chunk: Chunk) -> None:
        nonlocal samples
        samples += len(chunk.samples)
        for event in chunk.events:
            if event.kind == "word":
                put(builder.add(event))

    if form == "vtt":
        file.write(b"WEBVTT\n\n")
    yield write
    put(builder.finish(samples / voice.sample_rate))
    if not count:
        raise RequestError(f"{voice.name} does not report the times of words, which captions need; omit --{form}")


def _caption_text(text: InputText, markup: str) -> Callable[[], str]:
    """Return a function that returns the known part of the readable text."""
    known, readable = "", ""

    def read() -> str:
        nonlocal known, readable
        if len(text.text) != len(known):
            known = text.text
            readable = readable_text(known, markup)
        return readable

    return read


def _srt_cue(number: int, caption: Caption) -> str:
    """Format a subtitle of SubRip, which has no escapes."""
    return f"{number}\n{_time(caption.start, ',')} --> {_time(caption.end, ',')}\n" + "\n".join(caption.lines) + "\n\n"


def _vtt_cue(number: int, caption: Caption) -> str:
    """Format a cue block of WebVTT.

    Its text escapes "&" and "<", and must not contain "-->" (W3C, https://www.w3.org/TR/webvtt1/, 4.1 and 4.2.2).
    """
    text = "\n".join(caption.lines).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return f"{_time(caption.start, '.')} --> {_time(caption.end, '.')}\n{text}\n\n"


def _time(seconds: float, mark: str) -> str:
    minutes, milliseconds = divmod(round(seconds * 1000), 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{milliseconds // 1000:02}{mark}{milliseconds % 1000:03}"
