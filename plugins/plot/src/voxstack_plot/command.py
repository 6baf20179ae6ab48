"""``voxstack plot``: draws speech, stacks and traces."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from voxstack_plot.kind_names import KINDS

if TYPE_CHECKING:
    from voxstack import Voice
    from voxstack_plot.picture import Picture

OPTIONS = {
    "spectrogram": ("scale", "start", "stop"),
    "alignment": ("start", "stop"),
    "pitch": ("low", "high", "start", "stop"),
}
"""Options of the command that are those of a kind of picture."""


def command(parser: argparse.ArgumentParser) -> None:
    """Draw a spectrogram, an alignment, the pitch, a stack or a trace.

    A text is synthesized for it by a voice. The picture is a PNG or SVG file, by the extension of --out.
    """
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    width = max(map(len, KINDS))
    parser.epilog = "kinds:\n" + "\n".join(f"  {kind:{width}}  {what}" for kind, what in KINDS.items())
    parser.add_argument("kind", metavar="KIND", choices=KINDS, help=f"one of {', '.join(KINDS)}")
    parser.add_argument(
        "text", metavar="TEXT", nargs="?", help='what to synthesize, "-": stdin; for a stack, to measure its times'
    )
    parser.add_argument("--out", metavar="FILE", required=True, help="the picture to write: FILE.png or FILE.svg")
    parser.add_argument("--voice", metavar="VOICE", default="amber", help="an installed voice, or a folder or .zip")
    parser.add_argument("--trace-file", metavar="FILE.json", help="draw this trace, as voxstack say --trace writes it")
    parser.add_argument("--scale", choices=("mel", "linear"), help="of the frequencies of a spectrogram")
    parser.add_argument("--low", type=float, metavar="HZ", help="the lowest pitch that is looked for; 60 by default")
    parser.add_argument("--high", type=float, metavar="HZ", help="the highest; 500 by default")
    parser.add_argument("--start", type=float, metavar="SECONDS", help="where the picture begins in the audio")
    parser.add_argument("--stop", type=float, metavar="SECONDS", help="where it ends")
    parser.add_argument("--context", metavar="CONTEXT", help="where networks run, as for voxstack say")
    parser.add_argument("--trust", action="store_true", help="let code in the addon run")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Draw one picture.

    :raises RequestError: for options that do not fit the kind, before anything is synthesized.
    """
    from voxstack_plot.picture import check_path

    check_path(options.out)
    _check(options)
    picture = _picture(options)
    picture.save(options.out)
    print(f"{options.out}: {picture.title}", file=sys.stderr)
    return 0


def _check(options: argparse.Namespace) -> None:
    """Refuse options that the kind does not have.

    :raises RequestError: naming the option.
    """
    from voxstack import RequestError

    kind = options.kind
    for name in ("scale", "low", "high", "start", "stop"):
        if vars(options)[name] is not None and name not in OPTIONS.get(kind, ()):
            raise RequestError(f"a picture of the {kind} has no option --{name}; leave it out")
    if options.trace_file is not None and (kind != "trace" or options.text is not None):
        raise RequestError('--trace-file is for "voxstack plot trace", and without a text; leave one of them out')
    if options.text is None and options.trace_file is None and kind != "stack":
        more = ", or --trace-file" if kind == "trace" else ""
        raise RequestError(f'a picture of the {kind} needs a text{more}: voxstack plot {kind} "Hello there."')


def _picture(options: argparse.Namespace) -> Picture:
    from voxstack import EventTrace
    from voxstack_plot.kinds import draw

    if options.trace_file is not None:
        return draw(Path(options.trace_file), "trace", {})
    voice = _voice(options)
    if options.text is None:
        return draw(voice, options.kind, {})
    trace = EventTrace()
    speech = voice.synthesize(sys.stdin.read() if options.text == "-" else options.text, trace=trace)
    if options.kind == "stack":
        return draw(voice, "stack", {"trace": trace})
    found: dict[str, Any] = {name: vars(options)[name] for name in OPTIONS.get(options.kind, ())}
    return draw(speech, options.kind, {name: value for name, value in found.items() if value is not None})


def _voice(options: argparse.Namespace) -> Voice:
    import voxstack
    from voxstack_addon_spec import parse_context

    context = None if options.context is None else parse_context(options.context)
    return voxstack.load(options.voice, context=context, trust=options.trust, registry=options.registry)
