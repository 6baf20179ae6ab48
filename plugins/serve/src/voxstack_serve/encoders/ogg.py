"""Serial numbers of Ogg: the one thing in a stream that libsndfile draws at random."""

from __future__ import annotations

import zlib

_SERIAL, _CHECKSUM = slice(14, 18), slice(22, 26)
_HEADER = 27  # bytes of the header of a page, before the lengths of its segments
_REVERSED = bytes(int(f"{value:08b}"[::-1], 2) for value in range(256))


class SerialNumber:
    """A stream of Ogg under another serial number (RFC 3533, section 6), so that equal audio is equal bytes.

    :param number: of 32 bits.
    """

    def __init__(self, number: int) -> None:
        self._number, self._held = number.to_bytes(4, "little"), bytearray()

    def rewrite(self, data: bytes) -> bytes:
        """Return the pages that are complete with these bytes, under the number."""
        self._held += data
        pages = bytearray()
        while (length := _page_length(self._held)) <= len(self._held):
            page = self._held[:length]
            page[_SERIAL], page[_CHECKSUM] = self._number, bytes(4)
            page[_CHECKSUM] = page_checksum(bytes(page)).to_bytes(4, "little")
            pages += page
            del self._held[:length]
        return bytes(pages)


def _page_length(data: bytearray) -> int:
    """Return the bytes of the page at the beginning; more than there are while they do not show it."""
    segments = data[26] if len(data) >= _HEADER else 0
    start = _HEADER + segments
    return start + sum(data[_HEADER:start]) if len(data) >= start else start


def page_checksum(page: bytes) -> int:
    """Return the checksum of a page whose field for it is 0: the polynomial of CRC-32, with bits in the other order."""
    mirrored = zlib.crc32(page.translate(_REVERSED), 0xFFFF_FFFF) ^ 0xFFFF_FFFF
    return int(f"{mirrored:032b}"[::-1], 2)
