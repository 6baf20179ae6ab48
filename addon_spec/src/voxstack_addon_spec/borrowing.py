"""Specs of an addon's networks, including those that it borrows from other addons."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path

from voxstack_addon_spec.errors import AddonError
from voxstack_addon_spec.files import AddonFiles
from voxstack_addon_spec.integrity import network_hash
from voxstack_addon_spec.networks import NetworkSpec
from voxstack_addon_spec.opening import open_addon


def network_specs(files: AddonFiles, trusted: bool, locate: Callable[[str], Path]) -> dict[str, NetworkSpec]:
    """Return the specs of an addon's networks by name.

    :param trusted: whether code in the addon may run; lenders are installed addons, which are trusted.
    :param locate: returns the folder of an installed addon by name.
    :raises AddonError: if a lender does not have the borrowed network in the version that the addon was made with.
    """
    open_lender = functools.cache(lambda name: open_addon(locate(name)))  # it may lend many networks
    return {name: _network_spec(files, name, trusted, open_lender) for name in files.config["networks"]}


def _network_spec(files: AddonFiles, name: str, trusted: bool, open_lender: Callable[[str], AddonFiles]) -> NetworkSpec:
    config = files.config["networks"][name]
    if "addon" not in config:
        return NetworkSpec.of(name, config, network_hash(files.config, name), files.path, trusted)
    lender = open_lender(config["addon"])
    lent = lender.config["networks"].get(config["network"])
    problem = ""
    if lent is None:
        problem = "has no such network"
    elif "addon" in lent:
        problem = "borrows it, too; borrow it from its owner"
    elif network_hash(lender.config, config["network"]) != config["sha256"]:
        version = f"{files.config['name']} {files.config['version']} was made with"
        problem = f"has another version of it; install the {config['addon']!r} that {version}"
    if problem:
        lent_from = f"is borrowed from {config['network']!r} of the addon {config['addon']!r}"
        where = f"{files.config['name']}: networks.{name}"
        raise AddonError(where, f"{lent_from}, and what is installed under that name {problem}")
    return NetworkSpec.of(name, lent, config["sha256"], lender.path, trusted=True)
