"""Parses the command line, runs a subcommand, and turns what goes wrong into a message and an exit status."""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import voxstack_cli
from voxstack_cli.wording import complain

if TYPE_CHECKING:
    from voxstack import Registry

USAGE, INTERRUPTED, BROKEN_PIPE = 2, 130, 141  # the last two are what a shell makes of SIGINT and SIGPIPE


def main(argv: Sequence[str] | None = None, registry: Registry | None = None) -> int:
    """Run ``voxstack`` and return its exit status.

    :param argv: arguments behind the name of the program; those of this process, unless said otherwise.
    :param registry: plugins to use; those installed, unless said otherwise. A subcommand finds it in ``options.registry``.
    :raises SystemExit: from argparse, after ``--help`` or a wrong usage.
    """
    try:
        try:
            return _run(sys.argv[1:] if argv is None else list(argv), registry)
        finally:
            sys.stdout.flush()
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        _abandon_stdout()
        return BROKEN_PIPE


def _run(argv: Sequence[str], registry: Registry | None) -> int:
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal without some letter is no reason to fail
    parser = make_parser(argv, registry)
    options = parser.parse_args(argv, argparse.Namespace(registry=registry))
    if not hasattr(options, "run"):
        parser.print_help(sys.stderr)
        return USAGE
    return _guarded(options.run, options)


def make_parser(argv: Sequence[str], registry: Registry | None) -> argparse.ArgumentParser:
    """Return a parser of the commands of this plugin and, if ``argv`` names none of them, of those of all plugins."""
    parser = argparse.ArgumentParser(
        "voxstack",
        description="Streaming text-to-speech from exported networks.",
        epilog='voxstack COMMAND --help tells more. Try: voxstack say "Hello there." --out hello.wav',
    )
    parser.add_argument("--version", action=_Version, help="show the version and exit")
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    voxstack_cli.voxstack_commands(commands)
    word = next((argument for argument in argv if not argument.startswith("-")), None)
    if word not in commands.choices:
        from voxstack_cli.discovery import add_plugin_commands

        add_plugin_commands(commands, registry)
    for subparser in set(commands.choices.values()):
        with contextlib.suppress(argparse.ArgumentError):  # it has a --debug of its own
            subparser.add_argument(
                "--debug", action="store_true", default=argparse.SUPPRESS, help="show the traceback of an error"
            )
    return parser


class _Version(argparse.Action):
    """Looks the version up only when it is asked for."""

    def __init__(self, option_strings: Sequence[str], dest: str, **more: Any) -> None:
        super().__init__(option_strings, argparse.SUPPRESS, nargs=0, **more)

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        from importlib.metadata import PackageNotFoundError, version

        try:
            found = version("voxstack-cli")
        except PackageNotFoundError:
            found = "(not installed)"
        print(f"voxstack {found}")
        parser.exit()


def _guarded(run: Callable[[argparse.Namespace], int | None], options: argparse.Namespace) -> int:
    try:
        return run(options) or 0
    except BrokenPipeError:
        raise
    except Exception as error:
        if options.debug or not _is_expected(error):
            raise
        complain(f"error: {error}")
        return 1


def _is_expected(error: Exception) -> bool:
    from voxstack import VoxstackError

    return isinstance(error, (VoxstackError, OSError))


def _abandon_stdout() -> None:
    """Let what is still buffered go nowhere, as Python's documentation of SIGPIPE advises: it is flushed at exit, and might complain."""
    with contextlib.suppress(OSError, ValueError):  # no real file behind it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
