"""Fleets of speech replicas, simulated: how many a load needs, and which routing serves it best.

``python tests/benchmarks/fleet.py calibrate --voice amber --voice joe=FOLDER`` measures what voices cost here, with the
real scheduler, and stores it. ``validate`` compares the simulation with a real process, or with servers (``--url``),
under the same arrivals.
"""

from __future__ import annotations

import argparse
import functools
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).parent))

from fleets.costs import STORED, Calibration

import voxstack

if TYPE_CHECKING:
    from fleets.experiments import World
    from fleets.real import Runs
    from fleets.validate import Model


def calibrate(options: argparse.Namespace) -> None:
    """Measure the costs of voices, and store them."""
    from fleets.calibrate import measured

    pairs = [voice.partition("=")[::2] for voice in options.voice or ["amber", "cobalt"]]
    found = measured({name: place or name for name, place in pairs}, options.overhead)
    found.store(options.costs)
    print(f"{found.machine}; stored in {options.costs}\n")
    print("| voice | a sentence | + a second of it | a chunk | a second | first chunk | longest | loaded in |")
    print("|---|---|---|---|---|---|---|---|")
    for name, costs in found.voices.items():
        cells = [1000 * one for one in (costs.sentence, costs.sentence_second, costs.chunk, costs.second)]
        print(f"| {name} | " + " | ".join(f"{cell:.2f} ms" for cell in cells), end="")
        print(f" | {costs.first:.2f} s | {costs.largest:.2f} s | {costs.load:.1f} s |")
    print(f"\nslowdown by threads: {found.replica.slowdown}")


def validate(options: argparse.Namespace) -> None:
    """Compare the simulation with real streams that arrive at the same times."""
    from fleets.real import over_http
    from fleets.validate import HEAD, compare
    from measure import machine

    with tempfile.TemporaryDirectory() as folder:
        limited, unlimited, model = systems(options, Path(folder))
        if options.url:
            limited = unlimited = over_http(options.url, options.voice)
        count = options.replicas or max(1, len(options.url))
        model = replace(model, audio=unlimited([0.0])[0].audio, replicas=count, policy=options.policy)
        table(HEAD)
        for row in compare(limited, unlimited, model, options.seconds, options.rounds, options.load):
            line(row.cells())
    print(f"\n{machine()}; {options.voice}, {options.rounds} rounds of {options.seconds:g} s", end="")
    print(f"; load average {os.getloadavg()[1]:.1f}")


def systems(options: argparse.Namespace, folder: Path) -> tuple[Runs, Runs, Model]:
    """Return the real system in this process, the same that refuses no stream, and its model."""
    from fleets import waiting
    from fleets.calibrate import noise, voice_costs
    from fleets.real import in_process
    from fleets.validate import Model

    if options.voice == "waiting":
        load = functools.partial(waiting.voice, folder)
        return in_process(load), in_process(load, unlimited=True), Model(waiting.COSTS, waiting.REPLICA, waiting.AUDIO)
    stored = Calibration.stored(options.costs)
    if options.stored and options.voice not in stored.voices:
        raise SystemExit(f"{options.costs} has no voice {options.voice}; calibrate it, or leave out --stored")
    costs = stored.voices[options.voice] if options.stored else voice_costs(options.voice)
    replica = stored.replica if options.stored else replace(stored.replica, noise=noise(options.voice, timed=True))

    def load(scheduler: voxstack.Scheduler) -> voxstack.Voice:
        return voxstack.load(options.voice, scheduler=scheduler)

    return in_process(load), in_process(load, unlimited=True), Model(costs, replica, 0.0)


def world(options: argparse.Namespace, voices: int = 1, kinds: Sequence[str] = ("amber",)) -> World:
    """Return the demand and the fleets of a command."""
    from fleets.demand import Demand
    from fleets.experiments import World

    demand = Demand(1.0, voices=voices, exponent=options.exponent)
    return World(Calibration.stored(options.costs), kinds, demand, options.cores, seeds=range(1, 1 + options.seeds))


WORLDS = {"one voice": (1, ("amber",)), "200 voices": (200, ("amber", "cobalt", "joe"))}
"""Voices on offer, and the calibrated voices whose costs they have in turns."""


def policies(options: argparse.Namespace) -> None:
    """Compare routers of one fleet at several loads."""
    from fleets.experiments import POLICY_HEAD
    from fleets.experiments import policies as rows

    for name in options.world:
        voices, kinds = WORLDS[name]
        print(f"\n{options.replicas} replicas, {name}")
        table(POLICY_HEAD)
        for row in rows(world(options, voices, kinds), options.replicas, options.load, options.seconds):
            line(row)


def sizes(options: argparse.Namespace) -> None:
    """Find how many replicas have 99 % of the first audio within 200 ms, with each router."""
    from fleets.experiments import sizes as rows

    for name in options.world:
        voices, kinds = WORLDS[name]
        print(f"\n{name}")
        table(["router", *(f"{rate:g} requests a second" for rate in options.rate)])
        for row in rows(world(options, voices, kinds), options.rate, options.seconds):
            line(row)


def nodes(options: argparse.Namespace) -> None:
    """Lose a node, whose streams go on elsewhere."""
    from fleets.experiments import nodes as rows

    table(["replicas lost", "load", "streams resumed", "with a gap", "gaps: 99 %", "first audio: 99 %, ms", "refused"])
    lost = sorted({1, max(1, options.replicas // 25), max(1, options.replicas // 8)})
    for row in rows(world(options), options.replicas, lost, options.load):
        line(row)


def day(options: argparse.Namespace) -> None:
    """Simulate a day, with replicas that come and go."""
    from fleets.experiments import day as both

    rows, _ = both(world(options, 1, ("joe",)), options.replicas)
    table(["replicas", "requests", "hours of replicas", "first audio: 50 %", "99 %", "99.9 %", "refused"])
    for row in rows:
        line(row)


def large(options: argparse.Namespace) -> None:
    """Simulate ten minutes of 10,000 replicas."""
    from fleets.experiments import large as rows

    table(
        [
            "router",
            "load",
            "after",
            "requests",
            "chunks",
            "50 %",
            "99 %",
            "99.9 %",
            "late chunks",
            "refused",
            "computed in",
        ]
    )
    for load in options.load:
        fleet = world(options, 1, ("joe",))
        for row in rows(fleet, options.replicas, load, options.seconds, options.policy):
            line(row)


def table(head: Sequence[str]) -> None:
    """Print the head of a table."""
    print()
    line(head)
    line(["---"] * len(head))


def line(cells: Sequence[object]) -> None:
    """Print a row of a table."""
    print(f"| {' | '.join(map(str, cells))} |", flush=True)


def add_simulation(commands: Any, run: Callable[..., None], **defaults: Any) -> argparse.ArgumentParser:
    """Add a command that simulates, with those of its options that have defaults."""
    command: argparse.ArgumentParser = commands.add_parser(run.__name__, help=run.__doc__)
    command.add_argument("--cores", type=int, default=2, help="of a replica")
    command.add_argument("--seeds", type=int, default=3, help="runs of each case")
    command.add_argument("--exponent", type=float, default=1.0, help="of Zipf's law for the popularity of voices")
    if run in (policies, sizes):
        command.add_argument("--world", choices=list(WORLDS), nargs="+", default=list(WORLDS))
    for name, default in defaults.items():
        many = isinstance(default, list)
        kind = float if many else type(default)
        command.add_argument(f"--{name}", type=kind, default=default, nargs="+" if many else None)
    command.set_defaults(run=run)
    return command


def main() -> None:
    """Run a command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--costs", type=Path, default=STORED, help="the stored calibration")
    commands = parser.add_subparsers(required=True)
    command = commands.add_parser("calibrate", help=calibrate.__doc__)
    command.add_argument("--voice", action="append", metavar="NAME[=ADDON]")
    command.add_argument("--overhead", type=float, default=0.003, help="seconds of a request outside the scheduler")
    command.set_defaults(run=calibrate)
    command = commands.add_parser("validate", help=validate.__doc__)
    command.add_argument("--voice", default="amber", help="or waiting: one that waits instead of computing")
    command.add_argument("--url", action="append", default=[], help="of a server; streams go to several in turn")
    command.add_argument("--replicas", type=int, help="that answer at the URLs; by default one at each")
    command.add_argument("--policy", default="round robin", help="of the router before the replicas, as simulated")
    command.add_argument("--seconds", type=float, default=10.0)
    command.add_argument("--rounds", type=int, default=2)
    command.add_argument("--load", type=float, nargs="+", default=[0.5, 0.7, 0.85, 1.0, 1.2])
    command.add_argument("--stored", action="store_true", help="use stored costs, not those measured now")
    command.set_defaults(run=validate)
    add_simulation(commands, policies, replicas=100, seconds=60.0, load=[0.5, 0.7, 0.85, 1.0])
    command = add_simulation(commands, sizes, seconds=40.0)
    command.add_argument("--rate", type=float, nargs="+", default=[30.0, 300.0, 3000.0])
    add_simulation(commands, nodes, replicas=200, load=[0.5, 0.7, 0.85])
    add_simulation(commands, day, replicas=8)
    command = add_simulation(commands, large, replicas=10_000, seconds=600.0, load=[0.7])
    command.add_argument("--policy", default="least streams of two")
    options = parser.parse_args()
    options.run(options)


if __name__ == "__main__":
    main()
