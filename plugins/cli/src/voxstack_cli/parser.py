"""The argument parser of ``voxstack``."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Mapping, Sequence
from typing import Any

from voxstack_cli.argument_errors import Parser
from voxstack_cli.commands import OWN, Command, own_command
from voxstack_cli.formatting import report, short_repr
from voxstack_cli.signals import Terminated


def make_parser(argv: Sequence[str], others: Mapping[str, Command] | None = None) -> argparse.ArgumentParser:
    """Return a parser of the command that ``argv`` names, or of all commands if it names none of them.

    :param others: commands besides the cli's own, by name; those of the installed distributions by default.
    """
    parser = Parser(
        "voxstack",
        description="Streaming text-to-speech from exported networks.",
        epilog='Run voxstack COMMAND --help for details.\nTry: voxstack say "Hello there." --out hello.wav',
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action=_Version, help="show the version and exit")
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND")
    for name, command in _commands(_command_word(argv), others).items():
        description = (command.__doc__ or "").strip()
        subparser = subparsers.add_parser(name, help=_summary(description), description=description)
        try:
            command(subparser)
        except Terminated:
            raise
        except (Exception, SystemExit) as error:  # an error in one plugin must not disable the other commands
            report(f"the command {name!r} cannot add its arguments: {short_repr(error)}")
        with contextlib.suppress(argparse.ArgumentError):  # the command has a --debug of its own
            subparser.add_argument(
                "--debug", action="store_true", default=argparse.SUPPRESS, help="show the traceback of an error"
            )
    return parser


def _commands(word: str | None, others: Mapping[str, Command] | None) -> dict[str, Command]:
    """Return the command named ``word`` alone, or all commands if none has that name."""
    if word in OWN:  # reading no entry points keeps the usual commands fast
        return {word: own_command(word)}
    if others is not None:
        own = {name: own_command(name) for name in OWN}
        return {**own, **others, **own}
    from voxstack_cli.discovery import find_commands

    return find_commands(word)


def _command_word(argv: Sequence[str]) -> str | None:
    """Return the command that ``argv`` names; None if it begins with an option, such as ``--help``."""
    word = next((argument for argument in argv if argument != "--debug"), None)
    return None if word is None or word.startswith("-") else word


def _summary(description: str) -> str:
    """Return the first line of a description in the style of argparse: no capital letter, no period."""
    line = description.partition("\n")[0].rstrip(".").replace("%", "%%")
    return line[:1].lower() + line[1:] if line[1:2].islower() else line


class _Version(argparse.Action):
    """Prints the version, which is looked up only when it is requested."""

    def __init__(self, option_strings: Sequence[str], dest: str, **settings: Any) -> None:
        super().__init__(option_strings, argparse.SUPPRESS, nargs=0, **settings)

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        from importlib.metadata import PackageNotFoundError, version

        try:
            number = version("voxstack-cli")
        except PackageNotFoundError:
            number = "(not installed)"
        print(f"voxstack {number}")
        parser.exit()
