"""``voxstack say``: speak, to a file, to a pipe, or to the speaker."""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from voxstack_cli.addons import registry_of
from voxstack_cli.context import context_option

if TYPE_CHECKING:
    import numpy as np

    from voxstack import Voice

Write = Callable[["np.ndarray"], None]


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe the command."""
    parser = commands.add_parser("say", help="speak a text", description="Speak a text. Without --out and --raw it comes from the speaker.")
    parser.add_argument("text", nargs="*", metavar="TEXT", help='what to say; "-", or nothing, reads it from stdin')
    parser.add_argument("--file", metavar="FILE", help="say what is in this file, UTF-8")
    parser.add_argument(
        "--voice", default="amber", metavar="VOICE", help="an installed voice by name, or a folder or .zip (default: amber)"
    )
    parser.add_argument("--out", metavar="FILE.wav", help='write a WAV file, 16 bit, mono; "-" streams it to stdout')
    parser.add_argument("--raw", action="store_true", help="no WAV header: signed 16-bit little-endian PCM, to stdout or to --out")
    parser.add_argument("--play", action="store_true", help="play while writing")
    told = "set a control of the voice, such as rate=1.2; VALUE is JSON or, if it is not, text"
    parser.add_argument("--set", action="append", default=[], type=setting, metavar="NAME=VALUE", help=told)
    rate = parser.add_argument("--rate", dest="set", action="append", metavar="X", help="speed as a factor; short for --set rate=X")
    rate.type = lambda value: ("rate", json_or_text(value))
    context_option(parser)
    parser.add_argument("--trust", action="store_true", help="let code in the voice run; what was installed with pip is trusted")
    parser.add_argument("--quiet", action="store_true", help="print nothing on stderr but errors")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Speak.

    :raises RequestError: for what cannot be said; nothing half-written is left behind then.
    """
    out = "-" if options.out is None and options.raw else options.out
    targets = targets_of(options, out)  # before the voice is loaded: what is wrong with them is told at once
    text = text_of(options)
    import voxstack
    from voxstack_cli.progress import Progress

    registry = registry_of(options)
    voice = voxstack.load(options.voice, context=options.context, trust=options.trust, registry=registry)
    chunks = voice.stream(text, **controls_of(options, voice))
    label = {None: "speaker", "-": "stdout"}.get(out, out)
    with Progress(label, voice.sample_rate, len(text), options.quiet) as progress, ExitStack() as opened:
        writes = [opened.enter_context(target(voice.sample_rate)) for target in targets]
        for chunk in progress.following(chunks):
            for write in writes:
                write(chunk.samples)
        if progress.first is None:
            raise voxstack.RequestError(f"{voice.name} finds nothing to pronounce in this text, so nothing was written; give it words")
    progress.report()
    return 0


def targets_of(options: argparse.Namespace, out: str | None) -> list[Callable[[int], AbstractContextManager[Write]]]:
    """Return where the samples go: functions that open it for a sample rate. What is opened last is finished first.

    :raises RequestError: for a place that cannot be written, or a speaker that is not to be had.
    """
    from voxstack_cli import speaker, writing

    targets: list[Callable[[int], AbstractContextManager[Write]]] = []
    if options.play or out is None:
        sounddevice = speaker.find_sounddevice()
        targets.append(lambda sample_rate: speaker.playing(sounddevice, sample_rate))
    if out is not None:
        writing.check(out, options.raw)
        targets.append(lambda sample_rate: writing.written(out, sample_rate, options.raw))
    return targets


def text_of(options: argparse.Namespace) -> str:
    """Return what to say, from the arguments, a file or stdin.

    :raises RequestError: if there is none, or more than one, or it is no text.
    """
    from voxstack import RequestError

    if options.file is not None and options.text:
        raise RequestError("both TEXT and --file are given; keep one of them")
    from_stdin = options.file == "-" or options.text == ["-"] or (options.file is None and not options.text)
    if from_stdin and not options.text and options.file is None and (sys.stdin is None or sys.stdin.isatty()):
        raise RequestError('nothing to say; give a text, such as: voxstack say "Hello there.", or --file, or pipe it in')
    where = "stdin" if from_stdin else options.file or "the text"
    try:
        if from_stdin:
            data = sys.stdin.buffer.read()
        elif options.file is not None:
            data = Path(options.file).read_bytes()
        else:
            data = " ".join(options.text).encode()
        return data.decode("utf-8-sig")
    except UnicodeError as error:
        raise RequestError(f"{where} is not UTF-8 ({error}); convert it, for example with: iconv -t UTF-8") from error
    except OSError as error:
        raise RequestError(f"cannot read {where}: {error.strerror}; check the path") from error


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


def setting(text: str) -> tuple[str, Any]:
    """Parse ``NAME=VALUE``."""
    name, sign, value = text.partition("=")
    if not sign or not name:
        raise argparse.ArgumentTypeError(f"expected NAME=VALUE, such as rate=1.2, and got {text!r}")
    return name, json_or_text(value)


def json_or_text(text: str) -> Any:
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
