"""Every command with its arguments, from the parsers that read the command line."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from site_pages.tables import code, escape, table


def commands_part() -> str:
    """Return a section for each command of ``voxstack``, also those of installed plugins."""
    from voxstack_cli.parser import make_parser

    parser = make_parser([])
    return "\n".join(_section(command, depth) for command, depth in _commands(parser, 2))


def _commands(parser: argparse.ArgumentParser, depth: int) -> Iterator[tuple[argparse.ArgumentParser, int]]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                yield command, depth
                yield from _commands(command, depth + 1)


def _section(command: argparse.ArgumentParser, depth: int) -> str:
    usage = command.format_usage().removeprefix("usage: ").strip()
    parts = [f"{'#' * depth} {command.prog}", "", _paragraphs(command.description or ""), ""]
    parts += ["```text", usage, "```", ""]
    rows = [_row(action) for action in command._actions if _is_shown(action)]
    if rows:
        parts.append(table(["argument", "meaning"], rows))
    if command.epilog:
        parts.append(_paragraphs(command.epilog))
    return "\n".join(parts) + "\n"


def _is_shown(action: argparse.Action) -> bool:
    is_group = isinstance(action, argparse._SubParsersAction)
    return action.help is not argparse.SUPPRESS and "--help" not in action.option_strings and not is_group


def _row(action: argparse.Action) -> list[str]:
    metavar = " ".join(action.metavar) if isinstance(action.metavar, tuple) else action.metavar
    name = metavar or (f"{{{','.join(map(str, action.choices))}}}" if action.choices else action.dest.upper())
    if not action.option_strings:
        return [code(name), _help(action)]
    value = "" if action.nargs == 0 else f" {name}"
    return [", ".join(code(f"{option}{value}") for option in action.option_strings), _help(action)]


def _help(action: argparse.Action) -> str:
    values = {key: getattr(value, "__name__", value) for key, value in vars(action).items()}
    return escape((action.help or "") % values)


def _paragraphs(text: str) -> str:
    lines = [line.strip() for line in text.splitlines()]
    return escape("\n".join(lines)).replace("\\_", "_")
