"""The worker process that runs Flite. It imports only the standard library, so that it starts in some 30 ms.

A request is four bytes of length, little-endian, and that many bytes of JSON, on standard input: ``voice``, ``tokens``
(of each the punctuation before it, its name, and the punctuation after it) and ``factors``. Replies go to standard
output, each a letter and four bytes of length before its contents: ``p``, phones, in JSON; ``s``, samples, 16 bit; and
at last ``r``, the result, in JSON. Any input during a request stops its synthesis; a request of length 0 does only
that. The process ends when its input ends.

The noise in Flite's statistical voices comes from the C library's ``rand()``, which a whole process shares. Nothing
else calls it here, and each request seeds it again, so the same tokens give the same samples.
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
"""Samples that Flite synthesizes at least before it calls back."""
SEED = 1
STOP, CONTINUE = -1, 0
TOKEN_OF_SEGMENT = b"R:SylStructure.parent.parent.R:Token.parent"

_LIBRARIES = "flite", "flite_cmulex", "flite_usenglish"
_ITEM, _TEXT = ctypes.c_void_p, ctypes.c_char_p


class Wave(ctypes.Structure):
    """``cst_wave``: the samples synthesized so far."""

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


AudioCallback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(Wave), ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_void_p
)
"""Receives the wave, the first new sample, the number of new ones, whether they are the last, and streaming info."""


class StreamingInfo(ctypes.Structure):
    """``cst_audio_streaming_info``."""

    _fields_ = [
        ("min_buffsize", ctypes.c_int),
        ("callback", AudioCallback),
        ("utterance", ctypes.c_void_p),
        ("item", ctypes.c_void_p),
        ("userdata", ctypes.c_void_p),
    ]


class FliteLibrary:
    """The functions of Flite that are used here, with their types.

    Names of features must stay alive: Flite keeps their addresses.

    :raises OSError: if Flite is not installed.
    """

    def __init__(self) -> None:
        loaded = [load_library(name) for name in _LIBRARIES]
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
        self.text_to_wave = self._function("flite_text_to_wave", ctypes.POINTER(Wave), _TEXT, ctypes.c_void_p)
        self.seed_noise = ctypes.CDLL(None).srand

    @functools.cache  # noqa: B019 -- there is one library, and it stays
    def voice(self, name: str) -> int:
        """Return the address of a voice.

        :raises OSError: if it is not installed.
        """
        register = getattr(load_library(f"flite_cmu_us_{name}"), f"register_cmu_us_{name}")
        register.restype, register.argtypes = ctypes.c_void_p, [_TEXT]
        address: int = register(None)
        return address

    def synthesize(self, request: dict[str, Any], send: Any, cancelled: Any) -> bool:
        """Synthesize tokens; ``send`` receives phones and samples as they are produced. Return whether it succeeded."""
        utterance, phones_sent = self.new_utterance(), False

        def receive(wave: ctypes._Pointer[Wave], start: int, count: int, last: int, info: int) -> int:
            nonlocal phones_sent
            if not phones_sent:
                phones_sent = True
                send(b"p", json.dumps(self._phones(utterance)).encode())
            if count > 0:
                send(b"s", ctypes.string_at(ctypes.addressof(wave.contents.samples.contents) + 2 * start, 2 * count))
            return STOP if cancelled() else CONTINUE

        callback = AudioCallback(receive)  # must stay alive until Flite is done
        try:
            self._write(utterance, request["tokens"])
            self.init(utterance, self.voice(request["voice"]))
            info = self.new_streaming_info()
            info.contents.callback, info.contents.min_buffsize = callback, CHUNK
            self.set_feature(utterance.contents.features, b"streaming_info", self.streaming_info_value(info))
            names = [name.encode() for name in request["factors"]]
            for name, factor in zip(names, request["factors"].values(), strict=True):
                features = utterance.contents.features
                self.set_factor(features, name, self.factor(features, name, 1.0) * factor)
            self.seed_noise(SEED)
            return bool(self.synthesize_tokens(utterance))
        finally:
            self.delete_utterance(utterance)  # and the streaming info with it

    def _write(self, utterance: ctypes._Pointer[Utterance], rows: list[tuple[str, str, str]]) -> None:
        tokens = self.create_relation(utterance, b"Token")
        for index, (before, name, after) in enumerate(rows):
            item = self.append(tokens, None)
            self.set_text(item, b"name", name.encode())
            self.set_text(item, b"whitespace", b" ")
            self.set_text(item, b"prepunctuation", before.encode())
            self.set_text(item, b"punc", after.encode())
            self.set_number(item, b"number", index)

    def _phones(self, utterance: ctypes._Pointer[Utterance]) -> list[tuple[str, float, int | None]]:
        """Return the name of each phone, its end in seconds, and the index of its token; None for a pause."""
        segment, phones = self.head(self.relation(utterance, b"Segment")), []
        while segment:
            token = self.item_at(segment, TOKEN_OF_SEGMENT)
            index = self.number(token, b"number") if token else None
            phones.append((self.text(segment, b"name").decode(), self.seconds(segment, b"end"), index))
            segment = self.next(segment)
        return phones

    def _function(self, name: str, result: Any, *arguments: Any) -> Any:
        function = getattr(self._flite, name)
        function.restype, function.argtypes = result, arguments
        return function


def load_library(name: str) -> ctypes.CDLL:
    """Load one of Flite's libraries, with its symbols visible to those loaded after it.

    :raises OSError: if it is not installed.
    """
    from ctypes.util import find_library  # may call a compiler

    for file in (f"lib{name}.so.1", None):
        try:
            return ctypes.CDLL(file or find_library(name) or f"lib{name}", mode=ctypes.RTLD_GLOBAL)
        except OSError as error:
            problem = error
    raise OSError(f"the library lib{name} is not installed; try: apt install libflite1") from problem


def serve(requests: BinaryIO, replies: BinaryIO) -> None:
    """Answer requests until the input ends."""

    def send(kind: bytes, contents: bytes) -> None:
        try:
            replies.write(kind + len(contents).to_bytes(4, "little") + contents)
            replies.flush()
        except OSError:  # the parent has closed the pipe; Flite's code is on the stack and cannot be unwound
            os._exit(0)

    def cancelled() -> bool:
        return bool(select.select([requests], [], [], 0)[0])

    library = None
    while len(length := _read(requests, 4)) == 4:
        if not any(length):
            continue
        request = json.loads(_read(requests, int.from_bytes(length, "little")))
        result: dict[str, Any] = {}
        try:
            library = library or FliteLibrary()
            library.voice(request["voice"])
            if request["tokens"] and not library.synthesize(request, send, cancelled):
                result = {"error": "this utterance cannot be synthesized"}
        except OSError as error:
            result = {"error": str(error)}
        send(b"r", json.dumps(result).encode())


def _read(requests: BinaryIO, size: int) -> bytes:
    """Read ``size`` bytes and no more, so that ``select`` sees any that are left; fewer at the end of the input."""
    contents = b""
    while len(contents) < size and (part := os.read(requests.fileno(), size - len(contents))):
        contents += part
    return contents


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what an interrupt ends
    output = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what libraries print must not come between the replies
    serve(sys.stdin.buffer, output)
