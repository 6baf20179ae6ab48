"""The process that espeak-ng runs in. It imports nothing but the standard library, so that it starts in some 20 ms.

A request is four bytes of length, little-endian, and so much JSON, on the standard input. Replies go to the standard output, each
a letter and four bytes of length before its contents: ``e``, events, in JSON; ``s``, samples, 16 bit; and at last ``r``, the
result, in JSON. Whoever asked reads at its own pace: a full pipe stops the synthesis. When the input ends, or nobody reads
the output any more, the process ends.

espeak-ng keeps in static variables where its noise and its filters are, also when it is told to terminate, and the same text said
twice gives other samples. So each request gets a library that was loaded anew (3 ms); where a library cannot be unloaded, as
with musl, the process ends after one request. A library that is unloaded leaves some 2 KiB behind, so that a process ends after
``REQUESTS``, too.
"""

from __future__ import annotations

import _ctypes
import ctypes
import json
import os
import signal
import sys
from collections.abc import Iterator
from typing import Any, BinaryIO

SYNCHRONOUS, BUFFER_MS = 2, 60
PHONEME_EVENTS, PHONEME_IPA, DONT_EXIT = 0x1, 0x2, 0x8000
UTF8, SSML, IPA = 1, 0x10, 0x02
LIST_END, MARK, PHONEME = 0, 3, 7
NO_SOUND = 1
SEED = 1
REQUESTS = 1000
PARAMETERS = {"rate": 1, "volume": 2, "pitch": 3, "range": 4}


class _Id(ctypes.Union):
    _fields_ = [("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8)]


class _Event(ctypes.Structure):
    _fields_ = [
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _Id),
    ]


class _Voice(ctypes.Structure):
    _fields_ = [
        ("name", ctypes.c_char_p),
        ("languages", ctypes.c_char_p),
        ("identifier", ctypes.c_char_p),
        ("numbers", ctypes.c_ubyte * 4),
        ("score", ctypes.c_int),
        ("spare", ctypes.c_void_p),
    ]


_Heard = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.POINTER(_Event))
_Uri = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, ctypes.c_char_p, ctypes.c_char_p)


class Library:
    """espeak-ng, loaded for one request.

    :raises OSError: if it cannot be loaded, or does not find its data.
    """

    def __init__(self, path: str, data: str | None) -> None:
        self._path = path
        self._library = library = ctypes.CDLL(path)
        options = PHONEME_EVENTS | PHONEME_IPA | DONT_EXIT
        self.sample_rate = library.espeak_Initialize(SYNCHRONOUS, BUFFER_MS, data and data.encode(), options)
        if self.sample_rate <= 0:
            raise OSError(f"{path} does not find its data in {data or 'its usual place'}")
        if hasattr(library, "espeak_ng_SetRandSeed"):  # it was set from the time of day
            library.espeak_ng_SetRandSeed(ctypes.c_long(SEED))
        else:  # before version 1.52
            ctypes.CDLL(None).srand(SEED)
        library.espeak_TextToPhonemes.restype = ctypes.c_char_p
        library.espeak_ListVoices.restype = ctypes.POINTER(ctypes.POINTER(_Voice))
        self._no_files = _Uri(lambda *_: NO_SOUND)  # else SSML could have files of this machine read
        library.espeak_SetUriCallback(self._no_files)

    def select(self, voice: str) -> bool:
        """Take a voice by its language, file or name, and a variant behind a ``+``; False if there is none.

        espeak-ng takes a variant that it does not know for none, and knows none behind some languages: both are looked up here.
        """
        plain, plus, variant = voice.partition("+")
        if plus:
            files = {file.partition("/")[2].lower(): file for file in self._listing(b"variant")}
            file = next((file for file, names in self._listing(None).items() if plain in names), plain)
            if variant.lower() not in files:
                return False
            voice = f"{file}+{variant}"
        return (
            bool(plain)
            and ".." not in voice
            and self._library.espeak_SetVoiceByName(voice.encode(errors="replace")) == 0
        )

    def voices(self) -> list[str]:
        """Names of all voices: by language, by file, and as people call them; and of all variants, with their ``+``."""
        variants = {"+" + file.partition("/")[2] for file in self._listing(b"variant")}
        return sorted(variants.union(*self._listing(None).values()))

    def _listing(self, kind: bytes | None) -> dict[str, set[str]]:
        """All names of each voice, by its file; of variants or else of languages."""
        chosen = None if kind is None else ctypes.byref(_Voice(languages=kind))
        listing, found, row = self._library.espeak_ListVoices(chosen), {}, 0
        while listing[row]:
            voice = listing[row].contents
            name, file, language = (
                text.decode(errors="replace") for text in (voice.name, voice.identifier, voice.languages[1:])
            )
            found[file] = {name, file, language}
            row += 1
        return found

    def speak(self, text: str, parameters: dict[str, int], ssml: bool, send: Any) -> None:
        """Say a text; ``send`` gets events and samples as they are made."""
        for name, value in parameters.items():
            self._library.espeak_SetParameter(PARAMETERS[name], value, 0)

        def heard(wave: int | None, count: int, events: Any) -> int:
            told = list(_rows(events))
            if told:
                send(b"e", json.dumps(told).encode())
            if wave and count > 0:
                send(b"s", ctypes.string_at(wave, 2 * count))
            return 0

        callback = _Heard(heard)
        self._library.espeak_SetSynthCallback(callback)
        written = text.encode(errors="replace")
        flags = UTF8 | (SSML if ssml else 0)
        self._library.espeak_Synth(written, len(written) + 1, 0, 1, 0, flags, None, None)

    def phonemes(self, text: str) -> list[tuple[str, str, bool]]:
        """IPA of each clause, with what was read for it, and whether more of the text was left."""
        written = text.encode(errors="replace")
        buffer = ctypes.create_string_buffer(written)
        place, found, start = ctypes.c_void_p(ctypes.addressof(buffer)), [], 0
        while place.value:
            ipa = self._library.espeak_TextToPhonemes(ctypes.byref(place), UTF8, IPA)
            end = place.value - ctypes.addressof(buffer) if place.value else len(written)
            found.append((ipa.decode(errors="replace"), written[start:end].decode(errors="replace"), bool(place.value)))
            start = end
        return found

    def unload(self) -> bool:
        """Give the library back; whether the next one that is loaded begins anew."""
        self._library.espeak_Terminate()
        if not hasattr(_ctypes, "dlclose"):
            return False
        _ctypes.dlclose(self._library._handle)
        try:
            ctypes.CDLL(self._path, mode=os.RTLD_NOLOAD | os.RTLD_LAZY)
        except OSError:
            return True
        return False


def _rows(events: Any) -> Iterator[tuple[int, int, int, int, str]]:
    """Type, sample, first character (counted from 1), characters, and name of each event."""
    for event in events:
        if event.type == LIST_END:
            return
        name = event.id.string if event.type == PHONEME else (event.id.name or b"") if event.type == MARK else b""
        yield event.type, event.sample, event.text_position, event.length, name.decode(errors="ignore")


def answer(library: Library, request: dict[str, Any], send: Any) -> dict[str, Any]:
    """Do what a request asks for, and return its result."""
    if not library.select(request["voice"]):
        return {"voices": library.voices()}
    if request["do"] == "speak":
        library.speak(request["text"], request["parameters"], request["ssml"], send)
    elif request["do"] == "phonemes":
        return {"clauses": library.phonemes(request["text"])}
    return {"sample_rate": library.sample_rate}


def serve(requests: BinaryIO, replies: BinaryIO, path: str, data: str | None, most: int = REQUESTS) -> None:
    """Answer requests until there are no more, and ``most`` of them."""

    def send(kind: bytes, contents: bytes) -> None:
        try:
            replies.write(kind + len(contents).to_bytes(4, "little") + contents)
            replies.flush()
        except OSError:  # nobody listens any more, and espeak-ng's code is on the stack
            os._exit(0)

    for left in reversed(range(most)):
        try:
            library = Library(path, data)
        except OSError as error:
            send(b"r", json.dumps({"error": str(error)}).encode())
            return
        length = requests.read(4)
        if len(length) < 4:
            return
        result = answer(library, json.loads(requests.read(int.from_bytes(length, "little"))), send)
        last = not library.unload() or not left
        send(b"r", json.dumps({**result, "last": last}).encode())
        if last:
            return


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever asked decides what an interrupt ends
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what libraries print must not come between the replies
    serve(sys.stdin.buffer, out, sys.argv[1], sys.argv[2] or None)
