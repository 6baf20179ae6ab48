"""``voxstack verify``: checks who signed an addon."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from voxstack_trust.policy import TrustedKey


def command(parser: argparse.ArgumentParser) -> None:
    """Check who signed an addon.

    Verifies every file of the addon and its signature, by the keys of the policy (voxstack trust) or those of --key.
    Exit status: 0 if a trusted key has signed exactly this addon, 1 if not. Nothing in the addon is run.
    """
    parser.add_argument("addon", metavar="ADDON", help="a folder or .zip, or an installed addon by name")
    parser.add_argument(
        "--key", action="append", metavar="KEY", help="trust this public key instead of the policy: a line or a file"
    )
    parser.add_argument("--policy", metavar="FILE", help="another policy than that of this user")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Check one addon."""
    from voxstack import AddonError, Registry
    from voxstack_addon_spec import open_addon
    from voxstack_trust.policy import find_signer

    keys = _keys(options)
    registry = Registry.installed() if options.registry is None else options.registry
    place, _ = registry.locate(options.addon)
    with open_addon(place) as files:
        files.verify()
        signature, signer, problem = find_signer(files, keys)
        if signature is None or signer is None:
            advice = "sign it: voxstack sign" if signature is None else "trust its signer: voxstack trust add KEY"
            raise AddonError(files.location, f"{problem}, but its files are as addon.json lists them; {advice}")
        count = len(files.config["files"])
    print(f"OK  {options.addon}: {signature.addon} {signature.addon_version}, {count} files")
    print(f"signed by {signer.name!r}, key {signature.key}, {signature.created}; {_rights(signer)}")
    if signature.comment:
        print(f"comment: {signature.comment}")
    return 0


def _keys(options: argparse.Namespace) -> tuple[TrustedKey, ...]:
    from voxstack_trust.keys import WORD, PublicKey
    from voxstack_trust.policy import TrustedKey, load_policy

    if not options.key:
        policy = load_policy(options.policy)
        return () if policy is None else policy.keys
    keys = [
        PublicKey.parse(key, "--key") if key.lstrip().startswith(f"{WORD} ") else PublicKey.read(Path(key))
        for key in options.key
    ]
    return tuple(TrustedKey(key.comment or key.id, key) for key in keys)


def _rights(signer: TrustedKey) -> str:
    return "it may run code" if signer.code else "it may not run code"
