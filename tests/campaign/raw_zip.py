"""Zip files written field by field, so that each field may be wrong."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, field
from random import Random

NAMES = (
    *("../x", "/etc/passwd", "C:/x", "a\\b", "x\0y", "", "/", "a/../../b", "x" * 300, "x/" * 300, "x" * 60_000),
    *("é" * 128, "con", "nul.txt", "x.", "x ", "\n", "\u202e", "ADDON.JSON", "addon.json/x", "addon.json.sig", "top/"),
    *("__MACOSX/._x", ".", "..", "a//b"),
)
WORDS = (0, 1, 2, 8, 9, 14, 99, 0x7F, 0xFF, 0x100, 0x800, 0x8000, 0xFFFE, 0xFFFF)
LONGS = (0, 1, 2**16, 2**20, 2**31 - 1, 2**31, 2**32 - 2, 2**32 - 1)


@dataclass
class Member:
    """A file of a zip, with the fields of its two headers; the directory's are those that readers believe."""

    name: bytes
    packed: bytes
    size: int
    crc: int
    method: int
    flags: int = 0x800
    extra: bytes = b""
    comment: bytes = b""
    attributes: int = 0o100644 << 16
    packed_size: int = -1
    offset: int = -1
    local: dict[str, int] = field(default_factory=dict)
    local_name: bytes | None = None

    @classmethod
    def of(cls, name: str, content: bytes, deflated: bool = True) -> Member:
        """Return a member without faults."""
        compressor = zlib.compressobj(9, zlib.DEFLATED, -15)
        packed = compressor.compress(content) + compressor.flush() if deflated else content
        return cls(
            name.encode("utf-8", "surrogatepass"), packed, len(content), zlib.crc32(content), 8 if deflated else 0
        )

    def headers(self, offset: int) -> tuple[bytes, bytes]:
        """Return the local header with the content, and the entry of the directory."""
        packed_size = len(self.packed) if self.packed_size < 0 else self.packed_size
        fields = {"flags": self.flags, "method": self.method, "crc": self.crc, "packed": packed_size, "size": self.size}
        inside = {**fields, **self.local}
        name = self.name if self.local_name is None else self.local_name
        common = "<HHHHHIIIHH"
        local = _packed(common, 20, inside, len(name), len(self.extra))
        directory = _packed(common, 20, fields, len(self.name), len(self.extra))
        place = offset if self.offset < 0 else self.offset
        end = struct.pack("<HHHII", len(self.comment), 0, 0, self.attributes & 0xFFFFFFFF, place & 0xFFFFFFFF)
        head = b"PK\3\4" + local + name + self.extra + self.packed
        return head, b"PK\1\2" + struct.pack("<H", 0x0314) + directory + end + self.name + self.extra + self.comment


def _packed(form: str, version: int, values: dict[str, int], name: int, extra: int) -> bytes:
    sizes = [values[key] & 0xFFFFFFFF for key in ("crc", "packed", "size")]
    return struct.pack(form, version, values["flags"], values["method"], 0, 33, *sizes, name & 0xFFFF, extra & 0xFFFF)


def zipped(members: list[Member], chance: Random | None = None) -> bytes:
    """Return a zip; with ``chance``, one field of its end may be wrong."""
    written, entries = bytearray(), bytearray()
    for member in members:
        head, entry = member.headers(len(written))
        written += head
        entries += entry
    body, directory = bytes(written), bytes(entries)
    counts, size, start, comment = [len(members) & 0xFFFF] * 2, len(directory), len(body), b""
    disks, zip64 = [0, 0], b""
    kind = chance.randrange(8) if chance else 7
    if chance and kind == 0:
        counts = [chance.choice(WORDS), chance.choice(WORDS)]
    elif chance and kind == 1:
        size = chance.choice((*LONGS, size + 1, size - 1))
    elif chance and kind == 2:
        start = chance.choice((*LONGS, start + 1, max(0, start - 1)))
    elif chance and kind == 3:
        comment = chance.randbytes(chance.choice((1, 22, 1000, 65_535)))
    elif chance and kind == 4:
        disks = [chance.choice(WORDS), chance.choice(WORDS)]
    elif chance and kind == 5:
        numbers = [chance.choice((*LONGS, 2**63, 2**64 - 1, len(members), size, start)) for _ in range(4)]
        zip64 = b"PK\6\6" + struct.pack("<QHHIIQQQQ", 44, 45, 45, 0, 0, *numbers)
        zip64 += b"PK\6\7" + struct.pack("<IQI", 0, chance.choice((start + size, 0, 2**63)), 1)
        counts, size, start = [0xFFFF] * 2, 0xFFFFFFFF, 0xFFFFFFFF
    elif chance and kind == 6:
        body = chance.randbytes(chance.choice((1, 4, 1000))) + body
    end = struct.pack("<HHHHIIH", *disks, *counts, size & 0xFFFFFFFF, start & 0xFFFFFFFF, len(comment))
    return body + directory + zip64 + b"PK\5\6" + end + comment


def spoil(members: list[Member], chance: Random) -> None:
    """Put one fault into the members of a zip."""
    member = chance.choice(members)
    kind = chance.randrange(13)
    if kind == 0:
        member.name = chance.choice(NAMES).encode("utf-8", "surrogatepass")
    elif kind == 1:
        member.local_name = chance.choice(NAMES).encode("utf-8", "surrogatepass")
    elif kind == 2:
        member.size = chance.choice((*LONGS, member.size + 1, max(0, member.size - 1)))
    elif kind == 3:
        member.packed_size = chance.choice((*LONGS, len(member.packed) + 1, max(0, len(member.packed) - 1)))
    elif kind == 4:
        member.crc ^= 1 << chance.randrange(32)
    elif kind == 5:
        member.flags = chance.choice(WORDS)
    elif kind == 6:
        member.method = chance.choice((0, 8, 9, 12, 14, 93, 95, 98, 99))
    elif kind == 7:
        member.attributes = chance.choice((0o120777, 0o040755, 0o060600, 0o010600, 0o140600)) << 16
    elif kind == 8:
        member.offset = chance.choice((*LONGS, 5, 30))
    elif kind == 9:
        numbers = [chance.choice((*LONGS, 2**63, 2**64 - 1)) for _ in range(chance.choice((0, 1, 3)))]
        member.extra = struct.pack(f"<HH{len(numbers)}Q", 1, chance.choice((8 * len(numbers), 0, 7, 0xFFFF)), *numbers)
        member.size, member.packed_size = chance.choice(((2**32 - 1, 2**32 - 1), (member.size, -1)))
    elif kind == 10:
        members.append(chance.choice(members))
    elif kind == 11:  # another content, whose checksum is right
        other = Member.of("", chance.randbytes(min(member.size, 10_000)))
        member.packed, member.crc, member.method = other.packed, other.crc, other.method
    else:
        member.local = {chance.choice(("flags", "method", "size", "packed", "crc")): chance.choice(WORDS)}
