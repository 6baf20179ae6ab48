"""The ``voxstack`` program: runs a command, and turns its errors into messages and exit statuses."""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from voxstack_cli.commands import Command
from voxstack_cli.formatting import report
from voxstack_cli.parser import make_parser

if TYPE_CHECKING:
    from voxstack import Registry

USAGE, INTERRUPTED, BROKEN_PIPE = 2, 130, 141  # the last two are what a shell reports for SIGINT and SIGPIPE


def main(
    argv: Sequence[str] | None = None,
    registry: Registry | None = None,
    commands: Mapping[str, Command] | None = None,
) -> int:
    """Run ``voxstack``, and return its exit status.

    :param argv: arguments after the name of the program; those of this process by default.
    :param registry: plugins to use; the installed ones by default. A command finds it in ``options.registry``.
    :param commands: commands besides the cli's own, by name; those of the installed distributions by default.
    :raises SystemExit: from argparse, after ``--help`` or for invalid arguments.
    """
    try:
        try:
            return _run(sys.argv[1:] if argv is None else list(argv), registry, commands)
        finally:
            sys.stdout.flush()
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        _discard_stdout()
        return BROKEN_PIPE


def _run(argv: Sequence[str], registry: Registry | None, commands: Mapping[str, Command] | None) -> int:
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a character that the terminal lacks is no reason to fail
    parser = make_parser(argv, commands)
    options = parser.parse_args(argv, argparse.Namespace(registry=registry))
    if not hasattr(options, "run"):
        parser.print_help(sys.stderr)
        return USAGE
    return _run_command(options.run, options)


def _run_command(run: Callable[[argparse.Namespace], int | None], options: argparse.Namespace) -> int:
    try:
        return run(options) or 0
    except BrokenPipeError:
        raise
    except Exception as error:
        if options.debug or not _is_expected(error):
            raise
        report(f"error: {error}")
        return 1


def _is_expected(error: Exception) -> bool:
    from voxstack import VoxstackError

    return isinstance(error, (VoxstackError, OSError))


def _discard_stdout() -> None:
    """Redirect stdout to the null device, so that flushing its buffer at exit raises no error.

    This is what Python's documentation of SIGPIPE recommends.
    """
    with contextlib.suppress(OSError, ValueError):  # stdout may have no file descriptor
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
