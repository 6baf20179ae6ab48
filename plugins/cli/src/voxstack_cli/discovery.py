"""Commands of the installed distributions, from the entry-point group ``voxstack.commands``."""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points

from voxstack_cli.commands import OWN, Command
from voxstack_cli.formatting import report, short_repr
from voxstack_cli.signals import Terminated

GROUP = "voxstack.commands"


def find_commands(word: str | None) -> dict[str, Command]:
    """Return the command named ``word`` alone, and import no other; or all commands if none has that name.

    A command that cannot be imported is reported on stderr and left out, and so is a second command of the same name.
    The cli's own commands take precedence over all others.
    """
    claims: dict[str, list[EntryPoint]] = {name: [_own_entry_point(name)] for name in OWN}
    # Sorting is stable: of several claims to a name the first stays first.
    for point in sorted(entry_points(group=GROUP), key=lambda point: point.name):
        claim = claims.setdefault(point.name, [])
        if point not in claim:  # the cli announces its own commands, too
            claim.append(point)
    if word in claims and (command := _load(claims[word])) is not None:
        return {word: command}
    loaded = {name: _load(claim) for name, claim in claims.items() if name != word}
    return {name: command for name, command in loaded.items() if command is not None}


def _own_entry_point(name: str) -> EntryPoint:
    return EntryPoint(name, f"voxstack_cli.commands.{name}:command", GROUP)


def _load(claim: list[EntryPoint]) -> Command | None:
    """Return the command of the first entry point, and report the others; None if it cannot be imported."""
    point, *ignored = claim
    for other in ignored:
        report(
            f"two distributions provide the command {point.name!r}: that of {_distribution(point)} is used, "
            f"and that of {_distribution(other)} is ignored; uninstall one of them"
        )
    try:
        command: Command = point.load()
    except Terminated:
        raise
    except (Exception, SystemExit) as error:  # an error in one plugin must not disable the other commands
        report(f"the command {point.name!r} of {_distribution(point)} is broken: {short_repr(error)}")
        return None
    return command


def _distribution(point: EntryPoint) -> str:
    if point.dist is not None:
        return point.dist.name
    return "voxstack-cli" if point.name in OWN else "an unknown distribution"
