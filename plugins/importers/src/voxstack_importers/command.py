"""``voxstack import``: an addon of a voice of another kind."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from voxstack_importers.kinds import KINDS, OPTIONS, import_voice


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe the command, with a subcommand for each kind."""
    told = (
        "Make an addon of a voice that exists in the format of other software. Its networks are taken as they are, cut where streaming "
        "asks for it, and measured; golden vectors are made with the original. 'voxstack check' then proves it in every context."
    )
    parser = commands.add_parser("import", help="make an addon of a voice of another kind", description=told)
    kinds = parser.add_subparsers(title="kinds", metavar="KIND", dest="kind", required=True)
    for name, kind in KINDS.items():
        one = kinds.add_parser(name, help=kind.takes, description=f"Make an addon of {kind.takes}.")
        one.add_argument("path", type=Path, metavar="PATH", help=kind.takes)
        one.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder to make; it must not exist")
        for option, what in {**OPTIONS, **kind.options}.items():
            one.add_argument(f"--{option.replace('_', '-')}", metavar=option.upper(), help=what)
        one.set_defaults(run=run, kind=name)


def run(options: argparse.Namespace) -> int:
    """Import one voice."""
    known = {**OPTIONS, **KINDS[options.kind].options}
    made = import_voice(
        options.kind, options.path, options.out, _tell, **{name: getattr(options, name) for name in known}
    )
    print(made)
    return 0


def _tell(line: str) -> None:
    print(f"voxstack: {line}", file=sys.stderr, flush=True)
