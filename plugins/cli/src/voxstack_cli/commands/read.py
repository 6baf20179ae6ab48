"""``voxstack read``: shows how a voice reads a text."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from voxstack_cli.context_option import add_context_option
from voxstack_cli.control_options import add_control_options, controls_of
from voxstack_cli.registry import registry_of
from voxstack_cli.text_options import add_lexicon_option, add_text_options, add_trust_option, add_voice_option

if TYPE_CHECKING:
    from voxstack import Reading

_WIDEST = 40
"""Most characters of a column that others follow; longer entries move them."""


def command(parser: argparse.ArgumentParser) -> None:
    """Show how a text is read: sentences, words, what is spoken for them, phonemes and pauses.

    Each word has a line: as written, as spoken, and its phonemes. Nothing is synthesized.
    """
    add_text_options(parser, "shows each sentence as it arrives")
    add_lexicon_option(parser)
    add_voice_option(parser)
    parser.add_argument("--json", action="store_true", help="print a JSON object for each sentence, one a line")
    add_control_options(parser)
    add_context_option(parser)
    add_trust_option(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print the readings of the text.

    :raises RequestError: for a text or control that is invalid.
    """
    from voxstack_cli.input_text import input_text

    text = input_text(options)
    import voxstack

    registry = registry_of(options)
    voice = voxstack.load(options.voice, context=options.context, trust=options.trust, registry=registry)
    readings = voice.read(
        text.voice_input(),
        markup=options.markup,
        lexicon=options.lexicon,
        **controls_of(options, voice),
    )
    for number, reading in enumerate(readings):
        lines = [json.dumps(_as_object(reading), ensure_ascii=False)] if options.json else _lines(reading, number > 0)
        print("\n".join(lines))
        sys.stdout.flush()  # the reader waits for it
    return 0


def _as_object(reading: Reading) -> dict[str, Any]:
    """Return a reading as the JSON object of its line."""
    return {
        "kind": reading.kind,
        "text": reading.text,
        "span": [reading.start, reading.end],
        "spoken": reading.spoken,
        "items": [_item_object(item) for item in reading.items],
        "phonemes": list(reading.phonemes),
    }


def _item_object(item: Any) -> dict[str, Any]:
    """Return a word or a pause as a JSON object."""
    fields = item._asdict()
    span = [fields.pop("start"), fields.pop("end")]
    return {"kind": item.kind, "text": fields.pop("text"), "span": span, **fields}


def _lines(reading: Reading, follows: bool) -> Iterator[str]:
    """Yield the lines of a reading: the sentence, then its words and pauses in columns."""
    if follows:
        yield ""
    yield f"{reading.kind} {reading.start}-{reading.end}: {' '.join(reading.text.split())}"
    rows = [_row(item) for item in reading.items]
    widths = [min(_WIDEST, max((len(row[column]) for row in rows), default=0)) for column in (0, 1)]
    for written, spoken, phonemes in rows:
        yield f"  {written:{widths[0]}}  {spoken:{widths[1]}}  {phonemes}".rstrip()


def _row(item: Any) -> tuple[str, str, str]:
    """Return the columns of a word or a pause: as written, as spoken, phonemes."""
    written = " ".join(item.text.split())
    if item.kind == "pause":
        return written, "(pause)" if item.seconds is None else f"(pause, {item.seconds:g} s)", ""
    return written, item.spoken, " ".join(item.phonemes)
