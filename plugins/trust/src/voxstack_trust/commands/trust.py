"""``voxstack trust``: shows and changes whom this user trusts to make addons."""

from __future__ import annotations

import argparse
from pathlib import Path

POLICY = "another policy than that of this user"


def command(parser: argparse.ArgumentParser) -> None:
    """Show or change whose addons are trusted.

    The policy is a TOML file: $VOXSTACK_TRUST, or voxstack/trust.toml in the folder of the user's settings
    (~/.config). It applies to addons that are opened by path, not to those that are installed with pip.
    """
    parser.set_defaults(run=run_list)
    parser.add_argument("--policy", metavar="FILE", help=POLICY)
    actions = parser.add_subparsers(title="actions", metavar="ACTION")
    show = actions.add_parser("list", help="show the policy (the default)")
    add = actions.add_parser("add", help="trust a public key")
    add.add_argument("key", metavar="KEY", help='a line "voxstack-ed25519 ...", or a file of one')
    add.add_argument("--name", help="a name for its owner (default: the comment of the key)")
    add.add_argument(
        "--addon",
        action="append",
        metavar="PATTERN",
        help="trust it only for addons of this name, such as 'acme-*'; may be repeated",
    )
    add.add_argument("--code", action="store_true", help="let its addons run code, as --trust does")
    add.set_defaults(run=run_add)
    remove = actions.add_parser("remove", help="trust a key no longer")
    remove.add_argument("name", metavar="NAME", help="its name in the policy")
    remove.set_defaults(run=run_remove)
    for action in (show, add, remove):  # the option may stand before the action and after it
        action.add_argument("--policy", metavar="FILE", default=argparse.SUPPRESS, help=POLICY)


def run_list(options: argparse.Namespace) -> int:
    """Print the policy."""
    from voxstack_trust.policy import load_policy, policy_path

    policy = load_policy(options.policy)
    if policy is None:
        print(f"no policy ({policy_path()}): addons need no signature, and run code only with --trust")
        return 0
    print(f"policy: {policy.location}")
    print(f"addons that none of these keys has signed: {policy.unsigned}")
    for entry in policy.keys:
        code = "may run code" if entry.code else "no code"
        print(f"{entry.name}: key {entry.key.id}, addons {', '.join(entry.addons)}, {code}")
    return 0


def run_add(options: argparse.Namespace) -> int:
    """Add a key."""
    from voxstack_trust.errors import TrustError
    from voxstack_trust.keys import WORD, PublicKey
    from voxstack_trust.policy import ANY, TrustedKey
    from voxstack_trust.policy_editing import add_key

    line = options.key.lstrip().startswith(f"{WORD} ")
    key = PublicKey.parse(options.key, "KEY") if line else PublicKey.read(Path(options.key))
    name = options.name or key.comment
    if not name:
        raise TrustError("KEY", "has no comment to name its owner; use --name NAME")
    path = add_key(TrustedKey(name, key, tuple(options.addon or ANY), options.code), options.policy)
    print(f"{path}: trusts {name!r}, key {key.id}")
    return 0


def run_remove(options: argparse.Namespace) -> int:
    """Remove a key."""
    from voxstack_trust.policy_editing import remove_key

    print(f"{remove_key(options.name, options.policy)}: trusts {options.name!r} no longer")
    return 0
