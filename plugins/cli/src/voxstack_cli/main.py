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
from voxstack_cli.formatting import error_message, is_expected, report
from voxstack_cli.parser import make_parser
from voxstack_cli.signals import Terminated, ending_in_order

if TYPE_CHECKING:
    from voxstack import Registry

FAILED, USAGE, INTERRUPTED, BROKEN_PIPE = 1, 2, 130, 141  # the last two are what a shell reports for SIGINT, SIGPIPE


def main(
    argv: Sequence[str] | None = None,
    registry: Registry | None = None,
    commands: Mapping[str, Command] | None = None,
) -> int:
    """Run ``voxstack``, and return its exit status.

    SIGTERM and SIGHUP end a command in order, as SIGINT does, if it runs on the main thread and the program around has
    no handlers of its own for them. The status is then 128 and the number of the signal.

    :param argv: arguments after the name of the program; those of this process by default.
    :param registry: plugins to use; the installed ones by default. A command finds it in ``options.registry``.
    :param commands: commands besides the cli's own, by name; those of the installed distributions by default.
    :raises SystemExit: from argparse, after ``--help`` or for invalid arguments.
    """
    status, problem = 0, None
    try:
        with ending_in_order():
            try:
                status = _run(sys.argv[1:] if argv is None else list(argv), registry, commands)
            finally:
                problem = _flush_stdout()
    except KeyboardInterrupt:
        return INTERRUPTED
    except Terminated as end:
        return end.status
    except BrokenPipeError:
        _discard_stdout()
        return BROKEN_PIPE
    except SystemExit as end:
        if problem is None or end.code:
            raise
    if problem is not None and not status:
        report(f"error: cannot write to stdout: {problem}")
        return FAILED
    return status


def _run(argv: Sequence[str], registry: Registry | None, commands: Mapping[str, Command] | None) -> int:
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and not stream.closed:
            stream.reconfigure(errors="backslashreplace")  # a character that the terminal lacks is no reason to fail
    parser = make_parser(argv, commands)
    try:
        options = parser.parse_args(argv, argparse.Namespace(registry=registry))
    except BrokenPipeError:
        raise
    except OSError as error:  # while it prints the help or the version
        report(f"error: cannot write to stdout: {error}")
        return FAILED
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
        if options.debug:
            raise
        report(f"error: {error_message(error)}{'' if is_expected(error) else '; --debug shows where'}")
        return FAILED


def _flush_stdout() -> str | None:
    """Write what is buffered; return the problem if that is impossible."""
    if sys.stdout is None:  # it was closed before the program started
        return None
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except (OSError, ValueError) as error:
        _discard_stdout()
        return str(error)
    return None


def _discard_stdout() -> None:
    """Redirect stdout to the null device, so that flushing its buffer at exit raises no error.

    This is what Python's documentation of SIGPIPE recommends.
    """
    with contextlib.suppress(OSError, ValueError, AttributeError):  # stdout may have no file descriptor, or be None
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
