"""One utterance on its way out of Flite."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Iterator, Mapping
from queue import SimpleQueue
from typing import NamedTuple

from voxstack import VoxstackError
from voxstack.scheduler import waiting
from voxstack_flite.library import RUNNING, Heard, Library
from voxstack_flite.sentences import Piece

CHUNK = 512
"""Samples that Flite makes at least before it tells of them."""
SEED = 1
STOP, GO_ON = -1, 0

STRETCH, SHIFT = b"duration_stretch", b"f0_shift"
_INFO = b"streaming_info"
_WORD = b"R:SylStructure.parent.parent.R:Token.parent"


class Phone(NamedTuple):
    """A phone, where it ends, in seconds, and the number of the token that it belongs to; None for a pause."""

    name: str
    end: float
    token: int | None


class Saying:
    """Flite says a piece on a thread of its own, from when this is made, and keeps what has been made until it is wanted.

    Flite hands samples out while it goes on; it is never kept waiting, since nobody else could speak meanwhile. So a piece is what is
    kept in memory at most: some 30 s of a sentence of ``LONGEST`` tokens, 1 MiB.

    :param factors: features of the utterance.
    """

    def __init__(self, library: Library, voice: int, piece: Piece, factors: Mapping[bytes, float]) -> None:
        self._library, self._voice, self._piece, self._factors = library, voice, piece, factors
        self._made: SimpleQueue[list[Phone] | bytes | BaseException | None] = SimpleQueue()
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="flite")
        self._thread.start()

    def parts(self) -> Iterator[list[Phone] | bytes]:
        """Yield the phones, and then the samples, 16 bit, as they are made."""
        try:
            while True:
                with waiting():
                    part = self._made.get()
                if part is None:
                    return
                if isinstance(part, BaseException):
                    raise part
                yield part
        finally:
            self._stopped = True

    def _run(self) -> None:
        try:
            with RUNNING:
                if not self._stopped:
                    self._say()
            self._made.put(None)
        except BaseException as error:  # it is raised where the stream is read
            self._made.put(error)

    def _say(self) -> None:
        library, told = self._library, False
        utterance = library.new_utterance()

        @Heard
        def heard(wave: ctypes._Pointer, start: int, count: int, last: int, info: int) -> int:
            nonlocal told
            if not told:
                told = True
                self._made.put(self._phones(utterance))
            if count > 0:
                address = ctypes.addressof(wave.contents.samples.contents) + 2 * start
                self._made.put(ctypes.string_at(address, 2 * count))
            return STOP if self._stopped else GO_ON

        try:
            self._write(utterance)
            library.init(utterance, self._voice)
            info = library.new_streaming_info()
            info.contents.heard, info.contents.min_buffsize = heard, CHUNK
            library.set_feature(utterance.contents.features, _INFO, library.streaming_info_value(info))
            for name, factor in self._factors.items():
                own = library.factor(utterance.contents.features, name, 1.0)
                library.set_factor(utterance.contents.features, name, own * factor)
            library.seed_noise(SEED)
            if not library.synthesize_tokens(utterance):
                raise VoxstackError("Flite: this utterance cannot be said")
        finally:
            library.delete_utterance(utterance)  # and the streaming info with it

    def _write(self, utterance: ctypes._Pointer) -> None:
        library = self._library
        tokens = library.create_relation(utterance, b"Token")
        for number, token in enumerate(self._piece.tokens):
            item = library.append(tokens, None)
            library.set_text(item, b"name", token.name.encode())
            library.set_text(item, b"whitespace", b" ")
            library.set_text(item, b"prepunctuation", token.before.encode())
            library.set_text(item, b"punc", token.behind.encode())
            library.set_number(item, b"number", number)

    def _phones(self, utterance: ctypes._Pointer) -> list[Phone]:
        library, found = self._library, []
        segment = library.head(library.relation(utterance, b"Segment"))
        while segment:
            token = library.item_at(segment, _WORD)
            number = library.number(token, b"number") if token else None
            found.append(Phone(library.text(segment, b"name").decode(), library.seconds(segment, b"end"), number))
            segment = library.next(segment)
        return found
