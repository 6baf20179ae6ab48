"""``voxstack import``: addons of voices in the formats of other software."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from voxstack_importers.importers import IMPORTERS, OPTIONS, import_voice


def command(parser: argparse.ArgumentParser) -> None:
    """Make an addon of a voice in the format of other software.

    Its networks are kept as they are, cut where streaming requires it, and measured; golden vectors are those of the
    original. 'voxstack check' then compares the addon with them in every context.
    """
    importers = parser.add_subparsers(title="importers", metavar="IMPORTER", dest="importer", required=True)
    for name, importer in IMPORTERS.items():
        description = f"Make an addon of {importer.accepts}."
        subparser = importers.add_parser(name, help=importer.accepts, description=description)
        subparser.add_argument("path", type=Path, metavar="PATH", help=importer.accepts)
        subparser.add_argument(
            "--out", type=Path, required=True, metavar="DIR", help="folder to make; it must not exist"
        )
        for option, description in {**OPTIONS, **importer.options}.items():
            subparser.add_argument(f"--{option.replace('_', '-')}", metavar=option.upper(), help=description)
        subparser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Import one voice, and print the folder of its addon."""
    names = {**OPTIONS, **IMPORTERS[options.importer].options}
    chosen = {name: getattr(options, name) for name in names}
    print(import_voice(options.importer, options.path, options.out, _print_progress, **chosen))


def _print_progress(line: str) -> None:
    print(f"voxstack: {line}", file=sys.stderr, flush=True)
