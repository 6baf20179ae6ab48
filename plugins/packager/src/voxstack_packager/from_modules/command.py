"""``voxstack pack``: an addon of a voice that a file of Python declares."""

from __future__ import annotations

import argparse
import inspect
import sys
import time
from collections.abc import Callable
from pathlib import Path


def command(parser: argparse.ArgumentParser) -> None:
    """Make a voice of torch modules.

    The file declares it: voice = VoiceSource("mine", networks=[...]). Two texts pass through the modules, to find their
    inputs, outputs and axes; then the networks are exported and measured, and the voice speaks. Networks that were
    measured before are taken from the cache.
    """
    from voxstack_packager.limits import TIME_LIMIT

    parser.description = inspect.cleandoc(command.__doc__ or "")
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("file", type=Path, metavar="MODEL.py", help="file of Python with a variable 'voice'")
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder to make (default: the name of the voice)")
    parser.add_argument("--check", action="store_true", help="print what the modules read and give; export nothing")
    parser.add_argument("--replace", action="store_true", help="replace the addon that is there")
    parser.add_argument(
        "--time-limit",
        type=float,
        default=TIME_LIMIT,
        metavar="SECONDS",
        help="seconds that the export and the measurement of each network may take (default: %(default)g)",
    )
    parser.add_argument("--quick", action="store_true", help="leave out the other runtimes and devices of this machine")
    parser.add_argument("--quiet", action="store_true", help="print the folder alone")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Pack one voice, and print its folder, and how to hear it.

    :raises PackagingError: if the file declares no voice, or a network cannot be packaged.
    """
    from voxstack_packager.from_modules.model_file import read_voice
    from voxstack_packager.from_modules.packing import check_installed, pack, plan_voice
    from voxstack_packager.from_modules.voice_source import UNKNOWN_LICENSE

    check_installed()
    voice = read_voice(options.file)
    progress = _silent if options.quiet else _progress()
    if options.check:
        plan_voice(voice, print)
        return
    folder = pack(
        voice,
        options.out,
        replace=options.replace,
        contexts_measured=not options.quick,
        time_limit=options.time_limit,
        progress=progress,
    )
    if voice.license == UNKNOWN_LICENSE:
        progress(f"the license is {UNKNOWN_LICENSE}; state one before you share the voice: license='CC-BY-4.0'")
    if options.quiet:
        print(folder)
        return
    place = folder if folder.is_absolute() else f"./{folder}"
    print(f'{folder}\nTry: voxstack say --voice {place} "Hello there." --out hello.wav')


def _progress() -> Callable[[str], None]:
    """Return a function that prints a line with the seconds since now."""
    begin = time.monotonic()

    def report(line: str) -> None:
        print(f"voxstack: {time.monotonic() - begin:5.0f} s  {line}", file=sys.stderr, flush=True)

    return report


def _silent(line: str) -> None:
    """Print nothing."""
