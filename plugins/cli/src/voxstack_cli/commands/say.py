"""``voxstack say``: speak, to a file, to a pipe, or to the speaker."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from functools import partial
from typing import TYPE_CHECKING, Any

from voxstack_cli.addons import registry_of
from voxstack_cli.context import context_option, found_elsewhere
from voxstack_cli.controls import control_options, controls_of
from voxstack_cli.wording import complain

if TYPE_CHECKING:
    from voxstack import Chunk, Voice
    from voxstack_cli.reading import Script

Write = Callable[["Chunk"], None]


def command(parser: argparse.ArgumentParser) -> None:
    """Synthesize text.

    Plays it, unless --out, --raw, --srt, --vtt or --json is given.
    """
    parser.add_argument(
        "text",
        nargs="*",
        metavar="TEXT",
        help='what to say; "-", or nothing, says what comes from stdin while it comes',
    )
    parser.add_argument("--file", metavar="FILE", help="say what is in this file, UTF-8")
    parser.add_argument("--ssml", action="store_true", help="the text is an SSML document")
    parser.add_argument(
        "--voice",
        default="amber",
        metavar="VOICE",
        help="an installed voice by name, or a folder or .zip (default: amber)",
    )
    parser.add_argument("--out", metavar="FILE.wav", help='write a WAV file, 16 bit, mono; "-" streams it to stdout')
    parser.add_argument(
        "--raw", action="store_true", help="no WAV header: signed 16-bit little-endian PCM, to stdout or to --out"
    )
    parser.add_argument("--play", action="store_true", help="play while writing")
    parser.add_argument("--srt", metavar="FILE.srt", help='write captions for SubRip; "-" writes them to stdout')
    parser.add_argument("--vtt", metavar="FILE.vtt", help="write captions for WebVTT, likewise")
    parser.add_argument(
        "--json", metavar="FILE.json", help="write what is said when, likewise: words, phonemes, sentences, marks"
    )
    control_options(parser)
    context_option(parser)
    parser.add_argument(
        "--trust", action="store_true", help="let code in the voice run; what was installed with pip is trusted"
    )
    parser.add_argument("--quiet", action="store_true", help="print nothing on stderr but errors")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Speak.

    :raises RequestError: for what cannot be said; nothing half-written is left behind then.
    """
    sounddevice, outs = targets_of(options)  # before the voice is loaded: what is wrong with them is told at once
    from voxstack_cli.reading import script_of

    script = script_of(options)
    import voxstack
    from voxstack_cli.places import STDOUT
    from voxstack_cli.progress import Progress

    registry = registry_of(options)
    voice = voxstack.load(options.voice, context=options.context, trust=options.trust, registry=registry)
    if not options.quiet and (taken := found_elsewhere(voice)):
        complain(taken)
    chunks = voice.stream(script.spoken(), markup="ssml" if options.ssml else "text", **controls_of(options, voice))
    label = ", ".join("stdout" if out == STDOUT else out for out in outs.values()) or "speaker"
    with Progress(label, voice.sample_rate, script, options.quiet) as progress, ExitStack() as opened:
        writes = writes_of(options, sounddevice, outs, voice, script, opened)
        for chunk in progress.following(chunks):
            for write in writes:
                write(chunk)
            if STDOUT in outs.values():
                sys.stdout.flush()  # whoever listens waits for it
        if progress.first is None:
            raise voxstack.RequestError(
                f"{voice.name} finds nothing to pronounce in this text, so nothing was written; give it words"
            )
    progress.report()
    return 0


def targets_of(options: argparse.Namespace) -> tuple[Any, dict[str, str]]:
    """Return the module that plays, if the speaker is wanted, and the places to write: of ``sound`` and of the times, by format.

    :raises RequestError: for a place that cannot be written, or a speaker that is not to be had.
    """
    from voxstack_cli import places, speaker, timing, writing

    times = {form: vars(options)[form] for form in timing.FORMATS if vars(options)[form] is not None}
    out = places.STDOUT if options.out is None and options.raw else options.out
    plays = options.play or (out is None and not times)
    sounddevice = speaker.find_sounddevice() if plays else None
    if out is not None:
        writing.check(out, options.raw)
    for form, place in times.items():
        timing.check(place, form)
    outs = ({} if out is None else {"sound": out}) | times
    places.check_apart(list(outs.values()))
    return sounddevice, outs


def writes_of(
    options: argparse.Namespace, sounddevice: Any, outs: dict[str, str], voice: Voice, script: Script, opened: ExitStack
) -> list[Write]:
    """Open all targets, and return functions that write chunks to them.

    What is opened last is finished first: all that is written is complete before any older file is replaced, and all files are
    there before the speaker has come to its end.
    """
    from voxstack_cli import places, speaker, timing, writing

    players = [opened.enter_context(speaker.playing(sounddevice, voice.sample_rate))] if sounddevice else []
    files = {kind: opened.enter_context(places.opened(out)) for kind, out in outs.items()}
    writers: list[AbstractContextManager[Write]] = []
    for kind, file in files.items():
        if kind == "sound":
            writers.append(writing.sound(file, voice.sample_rate, options.raw))
        else:
            writers.append(timing.timing(file, kind, voice, script, options.ssml))
    return [*(partial(_play, play) for play in players), *(opened.enter_context(writer) for writer in writers)]


def _play(play: Callable[[Any], None], chunk: Chunk) -> None:
    play(chunk.samples)
