"""Parses the command line, runs a subcommand, and turns what goes wrong into a message and an exit status."""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from voxstack_cli.commands import OWN, Command, own_command
from voxstack_cli.wording import complain

if TYPE_CHECKING:
    from voxstack import Registry

USAGE, INTERRUPTED, BROKEN_PIPE = 2, 130, 141  # the last two are what a shell makes of SIGINT and SIGPIPE


def main(
    argv: Sequence[str] | None = None,
    registry: Registry | None = None,
    commands: Mapping[str, Command] | None = None,
) -> int:
    """Run ``voxstack`` and return its exit status.

    :param argv: arguments after the name of the program; those of this process by default.
    :param registry: plugins to use; the installed ones by default. A command finds it in ``options.registry``.
    :param commands: commands besides the cli's own, by name; those of the installed distributions by default.
    :raises SystemExit: from argparse, after ``--help`` or a wrong usage.
    """
    try:
        try:
            return _run(sys.argv[1:] if argv is None else list(argv), registry, commands)
        finally:
            sys.stdout.flush()
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        _abandon_stdout()
        return BROKEN_PIPE


def _run(argv: Sequence[str], registry: Registry | None, commands: Mapping[str, Command] | None) -> int:
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal without some letter is no reason to fail
    parser = make_parser(argv, commands)
    options = parser.parse_args(argv, argparse.Namespace(registry=registry))
    if not hasattr(options, "run"):
        parser.print_help(sys.stderr)
        return USAGE
    return _guarded(options.run, options)


def make_parser(argv: Sequence[str], commands: Mapping[str, Command] | None = None) -> argparse.ArgumentParser:
    """Return a parser of the command that ``argv`` names, or of all commands if it names none of them."""
    parser = argparse.ArgumentParser(
        "voxstack",
        description="Streaming text-to-speech from exported networks.",
        epilog='Run voxstack COMMAND --help for details. Try: voxstack say "Hello there." --out hello.wav',
    )
    parser.add_argument("--version", action=_Version, help="show the version and exit")
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND")
    for name, command in _commands(_command_word(argv), commands).items():
        description = (command.__doc__ or "").strip()
        subparser = subparsers.add_parser(name, help=_summary(description), description=description)
        try:
            command(subparser)
        except Exception as error:  # a third party's mistake must not disable the other commands
            complain(f"the command {name!r} cannot add its arguments: {error!r}")
        with contextlib.suppress(argparse.ArgumentError):  # it has a --debug of its own
            subparser.add_argument(
                "--debug", action="store_true", default=argparse.SUPPRESS, help="show the traceback of an error"
            )
    return parser


def _summary(description: str) -> str:
    """Return the first line of a description in the style of argparse: no capital letter, no period."""
    line = description.partition("\n")[0].rstrip(".").replace("%", "%%")
    return line[:1].lower() + line[1:] if line[1:2].islower() else line


def _command_word(argv: Sequence[str]) -> str | None:
    """Return the name of the command in ``argv``; None if there is none, or an option such as ``--help`` precedes it."""
    word = next((argument for argument in argv if argument != "--debug"), None)
    return None if word is None or word.startswith("-") else word


def _commands(word: str | None, others: Mapping[str, Command] | None) -> dict[str, Command]:
    if word in OWN:  # the usual case, and the fastest: reading entry points takes longer than all else
        return {word: own_command(word)}
    if others is not None:
        return {**{name: own_command(name) for name in OWN}, **others}
    from voxstack_cli.discovery import find_commands

    return find_commands(word)


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
