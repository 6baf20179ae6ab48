"""``voxstack sign``: signs an addon."""

from __future__ import annotations

import argparse
from pathlib import Path


def command(parser: argparse.ArgumentParser) -> None:
    """Sign an addon.

    Verifies the addon, and writes addon.json.sig beside its addon.json, in a folder as in a .zip. The signature covers
    addon.json, which lists size and hash of every file.
    """
    parser.add_argument("addon", metavar="ADDON", help="a folder or .zip")
    parser.add_argument("--key", required=True, metavar="FILE.key", help="the private key, made with: voxstack keygen")
    parser.add_argument("--comment", default="", metavar="TEXT", help="a comment, which is signed, too")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Sign one addon."""
    from voxstack import Registry
    from voxstack_trust.errors import TrustError
    from voxstack_trust.keys import PrivateKey
    from voxstack_trust.passphrases import passphrase_of
    from voxstack_trust.signing import sign

    registry = Registry.installed() if options.registry is None else options.registry
    place, is_installed = registry.locate(options.addon)
    if is_installed:
        problem = "is the name of an installed addon, whose files pip has checked"
        raise TrustError(options.addon, f"{problem}; sign a folder or .zip: ./{options.addon}")
    path = Path(options.key)
    key = PrivateKey.read(path, passphrase_of(path))
    signature = sign(place, key, options.comment)
    print(f"signed  {options.addon}: {signature.addon} {signature.addon_version}, by key {signature.key}")
    return 0
