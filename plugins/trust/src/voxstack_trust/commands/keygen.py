"""``voxstack keygen``: makes a pair of keys."""

from __future__ import annotations

import argparse
from pathlib import Path


def command(parser: argparse.ArgumentParser) -> None:
    """Make a pair of keys to sign addons with.

    Writes NAME.key, the private key, which is encrypted with a passphrase (from $VOXSTACK_KEY_PASSPHRASE, or typed),
    and NAME.pub, the public key: one line, to be given to all who should trust these addons.
    """
    parser.add_argument("name", metavar="NAME", help="path of the two files, without extension")
    parser.add_argument("--comment", metavar="TEXT", help="whose key it is (default: the last part of NAME)")
    parser.add_argument("--no-passphrase", action="store_true", help="do not encrypt NAME.key")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Make the keys, and print the public one."""
    from voxstack_trust.errors import TrustError
    from voxstack_trust.keys import PrivateKey
    from voxstack_trust.passphrases import new_passphrase

    private, public = Path(f"{options.name}.key"), Path(f"{options.name}.pub")
    for path in (private, public):
        if path.exists():
            raise TrustError(str(path), "exists, and a key is not replaced; choose another NAME")
    key = PrivateKey.generate(options.comment or Path(options.name).name)
    key.write(private, None if options.no_passphrase else new_passphrase(private))
    public.write_text(f"{key.public}\n", "utf-8")
    print(f"{private}: the private key; keep it secret, and keep a copy")
    print(f"{public}: the public key, {key.public.id}; give it to those who should trust it:")
    print(f"voxstack trust add '{key.public}'")
    return 0
