"""Mutated zips of an addon: a typed error, or the content that its addon.json lists; and nothing stays behind."""

from __future__ import annotations

import copy
import tempfile
from pathlib import Path
from random import Random

import voxstack
from tests.campaign.mutating import damaged
from tests.campaign.raw_zip import Member, spoil, zipped
from tests.campaign.report import Report, limit_memory
from tests.campaign.tiny_voices import Runtime, files_of
from voxstack import Scheduler
from voxstack.networks.addon import Addon
from voxstack_addon_spec import open_addon
from voxstack_voice import Voice

FULL, SHORT, LIMIT = 20_000, 200, 60.0


def run(report: Report, cases: range) -> None:
    """Run the cases."""
    limit_memory()
    registry = voxstack.Registry({"campaign": Runtime()}).with_plugins(_blocks())
    contents = files_of("spectral")
    with tempfile.TemporaryDirectory() as folder:
        tempfile.tempdir = str(Path(folder, "unpacked"))
        Path(tempfile.tempdir).mkdir()
        for _, chance in report.each(cases):
            path = Path(folder, "addon.zip")
            path.write_bytes(_zip(contents, chance))
            report.outcome(lambda path=path, chance=chance: _use(path, contents, registry, chance))
            if left := list(Path(tempfile.tempdir).iterdir()):
                report.finding(f"left behind: {left}")
    tempfile.tempdir = None


def _blocks() -> dict[str, object]:
    names = ("text", "encoders", "upsampler", "dsp", "diagnostics", "voice")
    return {name: __import__(f"voxstack_{name}") for name in names}


def _zip(contents: dict[str, bytes], chance: Random) -> bytes:
    """Return the zip of an addon with faults of one kind."""
    members = [Member.of(name, content, chance.random() < 0.7) for name, content in contents.items()]
    if chance.random() < 0.2:
        for member in members:
            member.name = b"top/" + member.name
    kind = chance.randrange(20)
    if kind < 9:
        for _ in range(chance.choice((1, 1, 1, 2, 5))):
            spoil(members, chance)
        return zipped(members)
    if kind < 13:
        return zipped(members, chance)
    if kind < 17:
        data = zipped(members)
        for _ in range(chance.choice((1, 1, 3, 20))):
            data = damaged(data, chance)
        return data
    if kind == 17:
        return zipped([*members, *_bombs(chance)])
    if kind == 18:
        filling = (members[0].name, b"y", b"d/y", b"addon.json/", "é".encode())
        for _ in range(chance.choice((1, 10, 300, 300, 10_001) if chance.random() < 0.1 else (1, 10, 300))):
            extra = Member.of("", b"x")
            extra.name = chance.choice(filling) + str(chance.randrange(10**6)).encode()
            members.append(extra)
        return zipped(members)
    data = zipped(members)
    return chance.choice((data + data, b"MZ" + data, data * 3, data[:-22], data[: len(data) // 2], b"", b"PK\5\6"))


def _bombs(chance: Random) -> list[Member]:
    """Return files that unpack to a hundred or a thousand times their size, or say so."""
    size = chance.choice((2**16, 2**20, 2**22))
    bomb = Member.of("bomb", bytes(size))
    if chance.random() < 0.5:
        bomb.size = chance.choice((1, size // 2, size * 2, 2**31, 2**32 - 1))
    others = [copy.copy(bomb) for _ in range(chance.choice((0, 3, 60)))]
    for number, other in enumerate(others):
        other.name = b"bomb%d" % number
    if chance.random() < 0.3:
        bomb.name = b"addon.json"
    return [bomb, *others]


def _use(path: Path, contents: dict[str, bytes], registry: voxstack.Registry, chance: Random) -> str:
    """Open a zip and read its files; return what came of it."""
    with open_addon(path) as files:
        for name in files.config["files"]:
            if files.read(name) != contents.get(name, b""):
                raise ValueError(f"the content of {name} is another one")
            if files.path(name).read_bytes() != contents[name]:
                raise ValueError(f"the file {name} is another one")
        if chance.random() < 0.5:
            files.verify()
        if chance.random() < 0.8:
            return "content"
        voice = Voice(Addon(files, registry), scheduler=Scheduler(load=None, patience=None))
        return "speech" if len(voice.synthesize("Hi.").samples) else "silence"
