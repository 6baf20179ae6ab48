"""Options that synthesize with another stack than that of the voice."""

from __future__ import annotations

import argparse
import json
import logging
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from voxstack_cli.control_options import json_or_text

if TYPE_CHECKING:
    from voxstack import Voice

_PLACE = re.compile(r"@(after|before|replace)=([^@]+)$")
_TYPE = re.compile(r"[A-Za-z_]\w*")
_EXAMPLES = """Gain, Gain:db=-3, 'Gain:{"db": -3}' or Probe@after=Upsampler"""


class Insertion(NamedTuple):
    """A block to insert: its JSON, and its place by ``after``, ``before`` or ``replace``; none: the end."""

    block: dict[str, Any]
    place: dict[str, str]


def add_stack_options(parser: argparse.ArgumentParser) -> None:
    """Add ``--stack`` and ``--insert``."""
    parser.add_argument(
        "--stack",
        metavar="FILE.json",
        help="synthesize with the stack in this file (or addon.json), over the same networks",
    )
    parser.add_argument(
        "--insert",
        action="append",
        default=[],
        type=_insertion,
        metavar="BLOCK",
        help="put one more block into the stack: TYPE, TYPE:NAME=VALUE,... or TYPE:{JSON}, then @after=, @before= or "
        f"@replace= and the type, the network or the path of a block; by default at the end; such as {_EXAMPLES}; "
        "may be repeated",
    )


def with_stack_of(options: argparse.Namespace, voice: Voice) -> Voice:
    """Return the voice with the stack and the blocks of the options; what its blocks log is then printed on stderr.

    :raises VoxstackError: for a stack that cannot be read or built, or a block that does not fit.
    """
    if options.stack is not None:
        voice = voice.with_stack(_read_stack(options.stack))
    for insertion in options.insert:
        voice = voice.with_block(insertion.block, **insertion.place)
    if (options.stack is not None or options.insert) and not options.quiet:
        _print_log()
    return voice


def _read_stack(path: str) -> Any:
    """Return the JSON of a stack, or of an addon.json, which has one.

    :raises RequestError: with the line, if it is no JSON.
    """
    from voxstack import RequestError

    try:
        found = json.loads(Path(path).read_text("utf-8"))
    except OSError as error:
        raise RequestError(f"--stack: cannot read {path}: {error.strerror}; check the path") from error
    except json.JSONDecodeError as error:
        place = f"{path}, line {error.lineno}, column {error.colno}"
        raise RequestError(f"--stack: {place}: {error.msg}; write JSON, a list of blocks") from error
    except (ValueError, RecursionError) as error:
        raise RequestError(f"--stack: {path} is not JSON in UTF-8; write a list of blocks") from error
    if isinstance(found, dict) and "stack" not in found and "type" not in found:
        raise RequestError(f'--stack: {path} has no "stack"; write a list of blocks, or give an addon.json of a voice')
    return found


def _insertion(text: str) -> Insertion:
    """Parse ``TYPE``, ``TYPE:{JSON}`` or ``TYPE:NAME=VALUE,...``, and the place after it."""
    place = _PLACE.search(text)
    spec = (text[: place.start()] if place else text).strip()
    name, colon, fields = spec.partition(":")
    if spec.startswith("{"):
        block = _object(spec)
    elif _TYPE.fullmatch(name.strip()):
        block = {"type": name.strip()} | (_fields(fields.strip()) if colon else {})
    else:
        raise argparse.ArgumentTypeError(f"{text!r} is no block; write {_EXAMPLES}")
    return Insertion(block, {place[1]: place[2].strip()} if place else {})


def _fields(text: str) -> dict[str, Any]:
    if text.startswith("{"):
        return _object(text)
    pairs = [pair.partition("=") for pair in text.split(",")]
    if not all(name.strip() and sign for name, sign, _ in pairs):
        raise argparse.ArgumentTypeError(f"{text!r} sets no fields; write {_EXAMPLES}")
    return {name.strip(): json_or_text(value.strip()) for name, _, value in pairs}


def _object(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        problem = f"{text!r} is not JSON ({error}); write {_EXAMPLES}"
        raise argparse.ArgumentTypeError(problem) from error
    return dict(found)


def _print_log() -> None:
    """Print what blocks such as ``Probe`` log."""
    logger = logging.getLogger("voxstack")
    if not logger.handlers:
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("voxstack: %(message)s"))
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
