"""``voxstack import``: addons of voices in the formats of other software."""

from __future__ import annotations

import argparse
import inspect
import sys
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path

from voxstack_importers.importers import OPTIONS, Importer, default_folder, import_voice, installed_importers


def command(parser: argparse.ArgumentParser) -> None:
    """Make an addon of a voice in the format of other software.

    The importer is found by looking at the file or folder, unless it is named. Networks are kept as they are, cut where
    streaming requires it, and measured; golden vectors are those of the original. 'voxstack check' then compares the
    addon with them in every context.
    """
    parser.description = inspect.cleandoc(command.__doc__ or "")
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    importers = installed_importers()
    parser.epilog = "\n".join(["importers:", *_importer_lines(importers)])
    parser.add_argument(
        "source",
        nargs="+",
        metavar="PATH",
        help="the file or folder of the voice, after the name of an importer or not",
    )
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="folder to make; it must not exist (default: the name of the addon)"
    )
    parser.add_argument("--quiet", action="store_true", help="print the folder alone, without a report")
    for option, description in _all_options(importers).items():
        parser.add_argument(f"--{option.replace('_', '-')}", metavar=option.upper(), help=description)
    parser.set_defaults(run=run)


def _importer_lines(importers: Mapping[str, Importer]) -> Iterator[str]:
    for name, importer in importers.items():
        first = f"  {name:{max(map(len, importers))}} "
        yield textwrap.fill(importer.accepts, 80, initial_indent=first, subsequent_indent=" " * len(first))


def _all_options(importers: Mapping[str, Importer]) -> dict[str, str]:
    """Return the help of every option; where several importers have one of a name, that of each."""
    descriptions = dict(OPTIONS)
    for name, importer in importers.items():
        for option, description in importer.options.items():
            own = f"{name}: {description}"
            descriptions[option] = f"{descriptions[option]}; {own}" if option in descriptions else own
    return descriptions


def run(options: argparse.Namespace) -> None:
    """Import one voice, and print what it can do.

    :raises PackagingError: if no importer accepts the file or folder, or the voice cannot be imported.
    """
    from voxstack_importers.finding import find_importer
    from voxstack_importers.report import describe

    importers = installed_importers()
    importer, path = _source(options.source, importers)
    if importer is None:
        importer, path = find_importer(path)
        _print_progress(f"{path} is {importers[importer].accepts.partition(':')[0]}")
    chosen = {name: value for name in _all_options(importers) if (value := getattr(options, name)) is not None}
    out = options.out or default_folder(path, chosen)
    folder = import_voice(importer, path, out, _print_progress, **chosen)
    print(folder if options.quiet else describe(folder))


def _source(words: list[str], importers: Mapping[str, Importer]) -> tuple[str | None, Path]:
    """Return the importer, if one is named, and the path."""
    from voxstack_packager import PackagingError

    if len(words) == 1:
        if words[0] in importers and not Path(words[0]).exists():
            problem = f"give {importers[words[0]].accepts}: voxstack import {words[0]} PATH"
            raise PackagingError(f"import {words[0]}", problem)
        return None, Path(words[0])
    if len(words) > 2:
        raise PackagingError("import", f"one voice is imported at a time; these are {len(words)} words: {words}")
    return words[0], Path(words[1])


def _print_progress(line: str) -> None:
    print(f"voxstack: {line}", file=sys.stderr, flush=True)
