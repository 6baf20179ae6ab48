"""Counts the calls of networks: a wrapper of every network, and a command that shows the counts of a text."""

from __future__ import annotations

import argparse
from collections import Counter

import voxstack

CALLS: Counter[str] = Counter()


class Metered:
    """A network that counts its calls."""

    def __init__(self, network, name):
        self._network, self._name = network, name

    def __call__(self, **tensors):
        CALLS[self._name] += 1
        return self._network(**tensors)

    def __getattr__(self, name):
        return getattr(self._network, name)


@voxstack.hookimpl
def voxstack_wrap_network(network, spec, context):
    """Wrap every network, whatever runtime it runs in."""
    return Metered(network, spec.name)


def command(parser: argparse.ArgumentParser) -> None:
    """Count the calls of networks for a text."""
    parser.add_argument("text")
    parser.add_argument("--voice", default="amber")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Speak the text, and print a line for each network."""
    voice = voxstack.load(options.voice, registry=options.registry)
    CALLS.clear()
    voice.synthesize(options.text)
    for name, count in sorted(CALLS.items()):
        print(f"{name} {count}")
