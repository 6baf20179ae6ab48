"""Signed addons, changed in one way or several: nothing but what was signed is trusted, and every error is a typed one.

A case changes addon.json, its signature, or a file: bytes are exchanged, added, removed or cut, fields of the signature
are replaced, exchanged with those of another addon's, or signed by another key.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

from tests.campaign.report import Report, resident_megabytes
from voxstack_addon_spec import AddonError, open_addon
from voxstack_trust.keys import PrivateKey
from voxstack_trust.policy import Policy, TrustedKey
from voxstack_trust.signature import PATTERNS
from voxstack_trust.signing import sign

FULL, SHORT, LIMIT = 20_000, 400, 10.0

FILES = ("addon.json", "addon.json.sig", "table.txt")
VALUES = (None, True, 0, -1, 1.5, 10**30, "", "0", "A" * 88, "\x00", "\ud800", "x" * 20_000, [], {}, [[]], {"a": {}})


def run(report: Report, cases: Iterable[int]) -> None:
    """Run the cases."""
    with tempfile.TemporaryDirectory() as scratch:
        world = World(Path(scratch))
        for _, random in report.each(cases):
            signed = world.restore()
            for _ in range(random.choice((1, 1, 1, 2, 4))):
                random.choice(MUTATIONS)(world, random)
            report.count(outcome(world, signed, report))
            report.maximum("memory (MB)", resident_megabytes())


def outcome(world: World, signed: dict[str, bytes], report: Report) -> str:
    """Open the addon under the policy, and report what became of it."""
    try:
        with open_addon(world.folder) as files:
            trusted = world.policy.check(files)
            read = {name: files.read(name) for name in files.config["files"]}
    except AddonError:
        return "typed errors"
    except Exception as error:
        report.finding("an error that is not an AddonError", error)
        return "raw errors"
    config = world.folder.joinpath("addon.json").read_bytes()
    if not trusted or config != signed["addon.json"] or read != {"table.txt": signed["table.txt"]}:
        report.finding("opened, although it is not what was signed")
    return "as signed"


class World:
    """Two addons, two keys, of which the policy trusts one, and signatures of each addon by each key."""

    def __init__(self, root: Path) -> None:
        self.keys = [PrivateKey.generate("trusted"), PrivateKey.generate("stranger")]
        entry = TrustedKey("trusted", self.keys[0].public, ("tiny",), code=True)
        self.policy = Policy("the policy", (entry,), "refuse")
        self.folder = self._addon(root / "tiny", "tiny")
        other = self._addon(root / "other", "other")
        self.signatures = [sign(folder, key) for folder in (other, self.folder) for key in reversed(self.keys)]
        self._signed = {name: self.folder.joinpath(name).read_bytes() for name in FILES}

    def restore(self) -> dict[str, bytes]:
        """Write the signed addon again, and return its files."""
        for name, data in self._signed.items():
            self.edit(name, lambda _, data=data: data)
        return self._signed

    def edit(self, name: str, change: Callable[..., bytes]) -> None:
        """Change a file."""
        path = self.folder / name
        data = change(path.read_bytes() if path.is_file() else b"")
        path.unlink(missing_ok=True)  # it may be a link
        path.write_bytes(data)

    def _addon(self, folder: Path, name: str) -> Path:
        folder.mkdir()
        (folder / "table.txt").write_bytes(b"a table")
        config: dict[str, Any] = {"spec_version": 1, "name": name, "version": "1", "license": "CC0-1.0"}
        config |= {"languages": [], "sample_rate": 8000, "hop_length": 10, "controls": {}, "networks": {}}
        config["files"] = {"table.txt": {"sha256": hashlib.sha256(b"a table").hexdigest(), "size": 7}}
        (folder / "addon.json").write_text(json.dumps(config))
        return folder


def exchange_bytes(world: World, random: Random) -> None:
    """Exchange, add or remove bytes somewhere."""

    def change(data: bytes) -> bytes:
        start = random.randrange(len(data) + 1)
        end = min(len(data), start + random.choice((0, 1, 1, 2, 8)))
        return data[:start] + random.randbytes(random.choice((0, 1, 1, 2, 8))) + data[end:]

    world.edit(random.choice(FILES), change)


def cut(world: World, random: Random) -> None:
    """Cut a file, make it larger than any may be, or remove it."""
    name = random.choice(FILES)
    if random.random() < 0.2:
        (world.folder / name).unlink(missing_ok=True)
    elif random.random() < 0.2:
        world.edit(name, lambda data: data + b" " * 20_000)
    else:
        world.edit(name, lambda data: data[: random.randrange(len(data) + 1)])


def replace_fields(world: World, random: Random) -> None:
    """Replace fields of the signature by values of other types, or by those of another signature."""
    try:
        content = json.loads((world.folder / "addon.json.sig").read_bytes())
        content = content if isinstance(content, dict) else {}
    except (OSError, ValueError, RecursionError):
        content = {}
    other = vars(random.choice(world.signatures))
    for _ in range(random.randint(1, 3)):
        name = random.choice([*PATTERNS, *content, "more"])
        content[name] = random.choice([*VALUES, other.get(name)])
    world.edit("addon.json.sig", lambda _: json.dumps(content).encode())


def sign_otherwise(world: World, random: Random) -> None:
    """Put a signature of another addon or another key there, with fields that fit, signed by whoever can."""
    signature = random.choice(world.signatures)
    if random.random() < 0.8:
        fitting: dict[str, str] = {"addon": "tiny", "sha256": _config_hash(world), "key": world.keys[0].public.id}
        chosen = random.sample(sorted(fitting), random.randint(1, 3))
        signature = replace(signature, **{name: fitting[name] for name in chosen})
    if random.random() < 0.8:
        forged = world.keys[1].sign(signature.message())
        signature = replace(signature, signature=base64.b64encode(forged).decode())
    world.edit("addon.json.sig", lambda _: signature.to_json())


def rewrite_config(world: World, random: Random) -> None:
    """Change addon.json so that it stays valid."""
    try:
        config = json.loads((world.folder / "addon.json").read_bytes())
        config[random.choice(("version", "license", "description", "sample_rate"))] = random.choice(("2", "x", 16000))
    except (OSError, ValueError, TypeError, RecursionError):
        config = {}
    world.edit("addon.json", lambda _: json.dumps(config, indent=random.choice((None, 1))).encode())


def exchange_file(world: World, random: Random) -> None:
    """Replace a file and its entry, as one who cannot sign would; or put a link there."""
    if random.random() < 0.3:
        path = world.folder / random.choice(FILES)
        path.unlink(missing_ok=True)
        os.symlink(random.choice(("../other/addon.json", "table.txt", "nothing", ".")), path)
        return
    data = random.randbytes(7)
    world.edit("table.txt", lambda _: data)
    old, new = hashlib.sha256(b"a table").hexdigest(), hashlib.sha256(data).hexdigest()
    world.edit("addon.json", lambda text: text.replace(old.encode(), new.encode()))


def _config_hash(world: World) -> str:
    path = world.folder / "addon.json"
    return hashlib.sha256(path.read_bytes() if path.is_file() else b"").hexdigest()


MUTATIONS = (exchange_bytes, exchange_bytes, cut, replace_fields, sign_otherwise, rewrite_config, exchange_file)
