"""The process that Flite runs in. It imports nothing but the standard library, so that it starts in some 30 ms.

A request is four bytes of length, little-endian, and so much JSON, on the standard input: ``voice``, ``tokens`` (each punctuation,
what is said, and punctuation) and ``factors``. Replies go to the standard output, each a letter and four bytes of length before its
contents: ``p``, the phones, in JSON; ``s``, samples, 16 bit; and at last ``r``, the result, in JSON. Whatever comes in meanwhile,
a request of no length at least, stops what is being said. When the input ends, the process does.

The noise in Flite's statistical voices comes from the C library's ``rand()``, of which there is one in a process. Here nobody else
calls it, and it begins anew with each request, so that the same tokens give the same samples.
"""

from __future__ import annotations

import ctypes
import functools
import json
import os
import select
import signal
import sys
from typing import Any, BinaryIO

CHUNK = 512
"""Samples that Flite makes at least before it tells of them."""
SEED = 1
STOP, GO_ON = -1, 0
WORD = b"R:SylStructure.parent.parent.R:Token.parent"

_LIBRARIES = "flite", "flite_cmulex", "flite_usenglish"
_ITEM, _TEXT = ctypes.c_void_p, ctypes.c_char_p


class Wave(ctypes.Structure):
    """``cst_wave``: samples as they have been made so far."""

    _fields_ = [
        ("type", ctypes.c_char_p),
        ("sample_rate", ctypes.c_int),
        ("num_samples", ctypes.c_int),
        ("num_channels", ctypes.c_int),
        ("samples", ctypes.POINTER(ctypes.c_short)),
    ]


class Utterance(ctypes.Structure):
    """``cst_utterance``."""

    _fields_ = [(name, ctypes.c_void_p) for name in ("features", "ffunctions", "relations", "context")]


Heard = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(Wave), ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_void_p)
"""Called with the wave, the first sample that is new, how many are, whether they are the last, and the streaming info."""


class StreamingInfo(ctypes.Structure):
    """``cst_audio_streaming_info``."""

    _fields_ = [
        ("min_buffsize", ctypes.c_int),
        ("heard", Heard),
        ("utterance", ctypes.c_void_p),
        ("item", ctypes.c_void_p),
        ("userdata", ctypes.c_void_p),
    ]


class Library:
    """The functions of Flite that are used here, with their types. Names of features must stay alive: Flite keeps their addresses.

    :raises OSError: if Flite is not installed.
    """

    def __init__(self) -> None:
        loaded = [load(name) for name in _LIBRARIES]
        self._flite = loaded[0]
        self._flite.flite_init()
        self.new_utterance = self._function("new_utterance", ctypes.POINTER(Utterance))
        self.delete_utterance = self._function("delete_utterance", None, ctypes.POINTER(Utterance))
        self.init = self._function("utt_init", ctypes.c_void_p, ctypes.POINTER(Utterance), ctypes.c_void_p)
        self.synthesize_tokens = self._function("utt_synth_tokens", ctypes.c_void_p, ctypes.POINTER(Utterance))
        self.create_relation = self._function("utt_relation_create", _ITEM, ctypes.POINTER(Utterance), _TEXT)
        self.relation = self._function("utt_relation", _ITEM, ctypes.POINTER(Utterance), _TEXT)
        self.append = self._function("relation_append", _ITEM, _ITEM, _ITEM)
        self.head = self._function("relation_head", _ITEM, _ITEM)
        self.next = self._function("item_next", _ITEM, _ITEM)
        self.item_at = self._function("path_to_item", _ITEM, _ITEM, _TEXT)
        self.set_text = self._function("item_set_string", None, _ITEM, _TEXT, _TEXT)
        self.set_number = self._function("item_set_int", None, _ITEM, _TEXT, ctypes.c_int)
        self.text = self._function("item_feat_string", _TEXT, _ITEM, _TEXT)
        self.number = self._function("item_feat_int", ctypes.c_int, _ITEM, _TEXT)
        self.seconds = self._function("item_feat_float", ctypes.c_float, _ITEM, _TEXT)
        self.set_feature = self._function("feat_set", None, ctypes.c_void_p, _TEXT, ctypes.c_void_p)
        self.set_factor = self._function("feat_set_float", None, ctypes.c_void_p, _TEXT, ctypes.c_float)
        self.factor = self._function("get_param_float", ctypes.c_float, ctypes.c_void_p, _TEXT, ctypes.c_float)
        self.new_streaming_info = self._function("new_audio_streaming_info", ctypes.POINTER(StreamingInfo))
        self.streaming_info_value = self._function(
            "audio_streaming_info_val", ctypes.c_void_p, ctypes.POINTER(StreamingInfo)
        )
        self.whole = self._function("flite_text_to_wave", ctypes.POINTER(Wave), _TEXT, ctypes.c_void_p)
        self.seed_noise = ctypes.CDLL(None).srand

    @functools.cache  # noqa: B019 -- there is one library, and it stays
    def voice(self, name: str) -> int:
        """The address of a voice.

        :raises OSError: if it is not installed.
        """
        register = getattr(load(f"flite_cmu_us_{name}"), f"register_cmu_us_{name}")
        register.restype, register.argtypes = ctypes.c_void_p, [_TEXT]
        address: int = register(None)
        return address

    def say(self, request: dict[str, Any], send: Any, unwanted: Any) -> bool:
        """Say tokens; ``send`` gets phones and samples as they are made. Whether Flite could."""
        utterance, told = self.new_utterance(), False

        @Heard
        def heard(wave: ctypes._Pointer, start: int, count: int, last: int, info: int) -> int:
            nonlocal told
            if not told:
                told = True
                send(b"p", json.dumps(self._phones(utterance)).encode())
            if count > 0:
                send(b"s", ctypes.string_at(ctypes.addressof(wave.contents.samples.contents) + 2 * start, 2 * count))
            return STOP if unwanted() else GO_ON

        try:
            self._write(utterance, request["tokens"])
            self.init(utterance, self.voice(request["voice"]))
            info = self.new_streaming_info()
            info.contents.heard, info.contents.min_buffsize = heard, CHUNK
            self.set_feature(utterance.contents.features, b"streaming_info", self.streaming_info_value(info))
            names = [name.encode() for name in request["factors"]]
            for name, factor in zip(names, request["factors"].values(), strict=True):
                self.set_factor(
                    utterance.contents.features, name, self.factor(utterance.contents.features, name, 1.0) * factor
                )
            self.seed_noise(SEED)
            return bool(self.synthesize_tokens(utterance))
        finally:
            self.delete_utterance(utterance)  # and the streaming info with it

    def _write(self, utterance: ctypes._Pointer, rows: list[tuple[str, str, str]]) -> None:
        tokens = self.create_relation(utterance, b"Token")
        for number, (before, name, behind) in enumerate(rows):
            item = self.append(tokens, None)
            self.set_text(item, b"name", name.encode())
            self.set_text(item, b"whitespace", b" ")
            self.set_text(item, b"prepunctuation", before.encode())
            self.set_text(item, b"punc", behind.encode())
            self.set_number(item, b"number", number)

    def _phones(self, utterance: ctypes._Pointer) -> list[tuple[str, float, int | None]]:
        """Names of phones, where they end, in seconds, and the numbers of their tokens; None for a pause."""
        segment, found = self.head(self.relation(utterance, b"Segment")), []
        while segment:
            token = self.item_at(segment, WORD)
            number = self.number(token, b"number") if token else None
            found.append((self.text(segment, b"name").decode(), self.seconds(segment, b"end"), number))
            segment = self.next(segment)
        return found

    def _function(self, name: str, result: Any, *arguments: Any) -> Any:
        function = getattr(self._flite, name)
        function.restype, function.argtypes = result, arguments
        return function


def load(name: str) -> ctypes.CDLL:
    """One of Flite's libraries, its symbols seen by those that are loaded after it.

    :raises OSError: if it is not there.
    """
    from ctypes.util import find_library  # may call a compiler

    for file in (f"lib{name}.so.1", None):
        try:
            return ctypes.CDLL(file or find_library(name) or f"lib{name}", mode=ctypes.RTLD_GLOBAL)
        except OSError as error:
            problem = error
    raise OSError(f"the library lib{name} is not there; try: apt install libflite1") from problem


def serve(requests: BinaryIO, replies: BinaryIO) -> None:
    """Answer requests until there are no more."""

    def send(kind: bytes, contents: bytes) -> None:
        try:
            replies.write(kind + len(contents).to_bytes(4, "little") + contents)
            replies.flush()
        except OSError:  # nobody listens any more, and Flite's code is on the stack
            os._exit(0)

    def unwanted() -> bool:
        return bool(select.select([requests], [], [], 0)[0])

    library = None
    while len(length := _read(requests, 4)) == 4:
        if not any(length):
            continue
        request = json.loads(_read(requests, int.from_bytes(length, "little")))
        result: dict[str, Any] = {}
        try:
            library = library or Library()
            library.voice(request["voice"])
            if request["tokens"] and not library.say(request, send, unwanted):
                result = {"error": "this utterance cannot be said"}
        except OSError as error:
            result = {"error": str(error)}
        send(b"r", json.dumps(result).encode())


def _read(requests: BinaryIO, size: int) -> bytes:
    """So many bytes, and no more, so that ``select`` knows of what is left; fewer at the end."""
    found = b""
    while len(found) < size and (part := os.read(requests.fileno(), size - len(found))):
        found += part
    return found


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever asked decides what an interrupt ends
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what libraries print must not come between the replies
    serve(sys.stdin.buffer, out)
