"""Writes what is said when, while it is said: captions in SubRip (.srt) and WebVTT (.vtt), or all events as JSON.

A caption is three lines, and the libraries that write them (srt, pysubs2, webvtt-py) don't do what is needed here: they hold a
file until it is complete, leave "&" and "<" in WebVTT as they are, and group no words.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

from voxstack import Chunk, Event, RequestError, Voice
from voxstack_cli import places
from voxstack_cli.captions import Caption, Captions
from voxstack_cli.reading import Script

FORMATS = ("srt", "vtt", "json")


def check(out: str, form: str) -> None:
    """Check a place for one of the formats before anything is made for it.

    :raises RequestError: for another ending than that of the format, or what :func:`voxstack_cli.places.check` refuses.
    """
    if places.check(out, f"hello.{form}") and Path(out).suffix.lower() != f".{form}":
        raise RequestError(
            f"cannot write {out!r}: --{form} writes .{form} files; name it {str(Path(out).with_suffix(f'.{form}'))!r}"
        )


@contextmanager
def timing(file: IO[bytes], form: str, voice: Voice, script: Script, ssml: bool) -> Iterator[Callable[[Chunk], None]]:
    """Give a function that writes the events of chunks to an open file, in UTF-8.

    :raises RequestError: at the end, if captions were wanted and the voice told no words.
    """
    with _events(file, voice, script) if form == "json" else _captions(file, form, voice, script, ssml) as write:
        yield write
    file.flush()


@contextmanager
def _events(file: IO[bytes], voice: Voice, script: Script) -> Iterator[Callable[[Chunk], None]]:
    """One object, an event a line; what is known only at the end stands there."""
    count = samples = 0

    def write(chunk: Chunk) -> None:
        nonlocal count, samples
        samples += len(chunk.samples)
        for event in chunk.events:
            file.write((",\n" if count else "\n").encode() + _json(_fields(event)))
            count += 1

    file.write(b'{"voice": %b, "sample_rate": %b, "events": [' % (_json(voice.name), _json(voice.sample_rate)))
    yield write
    file.write(
        b'\n], "text": %b, "duration": %b}\n' % (_json(script.text), _json(round(samples / voice.sample_rate, 6)))
    )


def _fields(event: Event) -> dict[str, Any]:
    return {**asdict(event), "start": round(event.start, 6), "duration": round(event.duration, 6)}


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, allow_nan=False).encode()


@contextmanager
def _captions(
    file: IO[bytes], form: str, voice: Voice, script: Script, ssml: bool
) -> Iterator[Callable[[Chunk], None]]:
    captions = Captions(_readable(script) if ssml else lambda: script.text)
    cue = _srt if form == "srt" else _vtt
    count = samples = 0

    def put(found: Iterable[Caption]) -> None:
        nonlocal count
        for caption in found:
            count += 1
            file.write(cue(count, caption).encode())

    def write(chunk: Chunk) -> None:
        nonlocal samples
        samples += len(chunk.samples)
        for event in chunk.events:
            if event.kind == "word":
                put(captions.add(event))

    if form == "vtt":
        file.write(b"WEBVTT\n\n")
    yield write
    put(captions.finish(samples / voice.sample_rate))
    if not count:
        raise RequestError(
            f"{voice.name} does not tell when it says which word, so there are no captions; leave out --{form}"
        )


def _readable(script: Script) -> Callable[[], str]:
    from voxstack_cli.unmarked import unmarked

    document = unmarked(script.text)  # it is known to its end
    return lambda: document


def _srt(number: int, caption: Caption) -> str:
    """A subtitle of SubRip, which knows no escapes."""
    return f"{number}\n{_time(caption.start, ',')} --> {_time(caption.end, ',')}\n" + "\n".join(caption.lines) + "\n\n"


def _vtt(number: int, caption: Caption) -> str:
    """A cue block of WebVTT (W3C, https://www.w3.org/TR/webvtt1/, 4.1 and 4.2.2: "&" and "<" are escaped, "-->" must not be)."""
    text = "\n".join(caption.lines).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return f"{_time(caption.start, '.')} --> {_time(caption.end, '.')}\n{text}\n\n"


def _time(seconds: float, mark: str) -> str:
    minutes, milliseconds = divmod(round(seconds * 1000), 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{milliseconds // 1000:02}{mark}{milliseconds % 1000:03}"
