"""``voxstack say``: synthesizes text to a file, a pipe or the speaker."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from typing import TYPE_CHECKING

from voxstack_cli.context_option import add_context_option, describe_resolved_context
from voxstack_cli.control_options import add_control_options, controls_of
from voxstack_cli.formatting import report
from voxstack_cli.registry import registry_of
from voxstack_cli.stack_options import add_stack_options, with_stack_of
from voxstack_cli.text_options import add_lexicon_option, add_text_options, add_trust_option, add_voice_option

if TYPE_CHECKING:
    import numpy as np

    from voxstack import Chunk, EventTrace, Voice
    from voxstack_cli.input_text import InputText

Write = Callable[["Chunk"], None]


def command(parser: argparse.ArgumentParser) -> None:
    """Synthesize text.

    Plays it, unless --out, --raw, --srt, --vtt, --json or --trace is given.
    """
    add_text_options(parser, "synthesizes while text arrives")
    add_lexicon_option(parser)
    add_voice_option(parser)
    out = 'write an audio file, mono: .wav, .flac, .mp3, .ogg, .opus, .aac, .m4a or .webm; "-" for a .wav to stdout'
    parser.add_argument("--out", metavar="FILE", help=out)
    parser.add_argument(
        "--raw", action="store_true", help="no WAV header: signed 16-bit little-endian PCM, to stdout or to --out"
    )
    parser.add_argument("--play", action="store_true", help="play, in addition to writing")
    parser.add_argument("--srt", metavar="FILE.srt", help='write captions in SubRip format; "-" for stdout')
    parser.add_argument("--vtt", metavar="FILE.vtt", help='write captions in WebVTT format; "-" for stdout')
    parser.add_argument(
        "--json",
        metavar="FILE.json",
        help='write the times of words, phonemes, sentences and marks as JSON; "-" for stdout',
    )
    parser.add_argument(
        "--trace", metavar="FILE.json", help="write what ran when, for https://ui.perfetto.dev and chrome://tracing"
    )
    add_control_options(parser)
    add_context_option(parser)
    add_trust_option(parser)
    add_stack_options(parser)
    parser.add_argument("--quiet", action="store_true", help="print nothing on stderr but errors")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Synthesize the text, and write or play it.

    :raises RequestError: for a text, control or output that is invalid; no incomplete file is left behind.
    """
    plays, destinations = check_outputs(options)  # before the voice is loaded, which takes longer
    from voxstack_cli.input_text import input_text

    text = input_text(options)
    import voxstack
    from voxstack_cli.output.destinations import STDOUT
    from voxstack_cli.output.progress import Progress

    registry = registry_of(options)
    voice = voxstack.load(options.voice, context=options.context, trust=options.trust, registry=registry)
    voice = with_stack_of(options, voice)
    if not options.quiet and (resolved := describe_resolved_context(voice)):
        report(resolved)
    controls = controls_of(options, voice)
    trace = voxstack.EventTrace() if "trace" in destinations else None
    chunks = voice.stream(text.voice_input(), markup=options.markup, lexicon=options.lexicon, trace=trace, **controls)
    label = ", ".join("stdout" if place == STDOUT else place for place in destinations.values()) or "speaker"
    with Progress(label, voice.sample_rate, text, options.quiet) as progress, ExitStack() as exits:
        writers = open_outputs(options, plays, destinations, voice, text, exits, trace)
        for chunk in progress.track(chunks):
            for write in writers:
                write(chunk)
            if STDOUT in destinations.values():
                sys.stdout.flush()  # the reader waits for it
    progress.report()
    return 0


def check_outputs(options: argparse.Namespace) -> tuple[bool, dict[str, str]]:
    """Return whether audio is to be played, and the destinations by kind.

    The kinds are ``audio`` and the formats of events.

    :raises RequestError: for a destination that cannot be written, or if playback is unavailable.
    """
    from voxstack import Player
    from voxstack_cli.output.audio_writer import check_audio_destination
    from voxstack_cli.output.destinations import STDOUT, check_distinct
    from voxstack_cli.output.events_writer import FORMATS, check_events_destination

    events = {form: vars(options)[form] for form in FORMATS if vars(options)[form] is not None}
    audio = STDOUT if options.out is None and options.raw else options.out
    if options.trace is not None:
        events["trace"] = options.trace
    plays = options.play or (audio is None and not events)
    if plays:
        Player.check()
    if audio is not None:
        check_audio_destination(audio, options.raw)
    for form, destination in events.items():
        check_events_destination(destination, form)
    destinations = ({} if audio is None else {"audio": audio}) | events
    check_distinct(list(destinations.values()))
    return plays, destinations


def open_outputs(
    options: argparse.Namespace,
    plays: bool,
    destinations: dict[str, str],
    voice: Voice,
    text: InputText,
    exits: ExitStack,
    trace: EventTrace | None = None,
) -> list[Write]:
    """Open all outputs, and return functions that write chunks to them.

    Outputs are closed in reverse order: everything is written completely before any older file is replaced, and all
    files are in place before playback has ended.
    """
    from voxstack import Player
    from voxstack_cli.output.audio_writer import audio_writer
    from voxstack_cli.output.destinations import open_destinations
    from voxstack_cli.output.events_writer import events_writer
    from voxstack_cli.output.trace_writer import trace_writer

    players = [exits.enter_context(Player(voice.sample_rate)).write] if plays else []
    files = exits.enter_context(open_destinations(destinations.values()))
    writers: list[AbstractContextManager[Write]] = []
    for kind, file in zip(destinations, files, strict=True):
        if kind == "audio":
            writers.append(audio_writer(file, destinations[kind], voice.sample_rate, options.raw))
        elif trace is not None and kind == "trace":
            writers.append(trace_writer(file, trace))
        else:
            writers.append(events_writer(file, kind, voice, text, options.markup))
    return [*map(_playing, players), *(exits.enter_context(writer) for writer in writers)]


def _playing(play: Callable[[np.ndarray], None]) -> Write:
    return lambda chunk: play(chunk.samples)
