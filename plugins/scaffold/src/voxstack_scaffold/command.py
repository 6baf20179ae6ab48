"""``voxstack new``: writes a plugin to start from."""

from __future__ import annotations

import argparse
import inspect
import sys
from pathlib import Path

from voxstack_scaffold.kinds import KINDS, Kind


def command(parser: argparse.ArgumentParser) -> None:
    """Write a plugin of your own to start from.

    It installs with pip, passes its tests, and is used at once: a block in a stack, a runtime in a context, an importer
    by 'voxstack import', a voice by 'voxstack say --voice'. Change it from there.
    """
    parser.description = inspect.cleandoc(command.__doc__ or "")
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = 'Try: voxstack new block robot, then pip install -e "./robot[test]" && pytest robot'
    subparsers = parser.add_subparsers(title="what to write", metavar="KIND", required=True)
    for kind in KINDS.values():
        own = subparsers.add_parser(kind.name, help=kind.summary, description=f"Write {kind.summary}.")
        own.add_argument("plugin", metavar="NAME", help=f"its name, such as {kind.example}")
        own.add_argument(
            "--into", type=Path, default=Path(), metavar="DIR", help="folder in which to make it (default: this one)"
        )
        if kind.variants:
            described = "; ".join(f"{name}: {text}" for name, text in kind.variants.items())
            first = next(iter(kind.variants))
            own.add_argument("--kind", choices=kind.variants, default=first, help=f"{described} (default: {first})")
        if kind.name == "voice":
            own.add_argument(
                "--like", default="amber", metavar="VOICE", help="installed voice to start from (default: amber)"
            )
        own.set_defaults(run=run, kind_of_plugin=kind)


def run(options: argparse.Namespace) -> None:
    """Write the folder, and print what to do next.

    :raises ScaffoldError: if the name is unusable or taken, or the folder exists.
    """
    from voxstack_scaffold.names import Names
    from voxstack_scaffold.writing import render, write

    kind: Kind = options.kind_of_plugin
    names = Names.of(kind, options.plugin, options.registry)
    variant: str | None = getattr(options, "kind", None)
    files = render(kind, variant, names)
    if kind.name == "voice":
        from voxstack_scaffold.voices import addon_files

        files |= addon_files(names, options.like, files, options.registry)
    folder = write(options.into / names.folder, files)
    print(folder, f"({', '.join(sorted(files))})", file=sys.stderr)
    print(*kind.next_steps(variant, folder, names.values()), sep="\n")
