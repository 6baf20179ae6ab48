"""The worker process that runs espeak-ng. It imports only the standard library, so that it starts in some 20 ms.

A request is four bytes of length, little-endian, and that many bytes of JSON, on standard input. Replies go to standard
output, each a letter and four bytes of length before its contents: ``e``, events, in JSON; ``s``, samples, 16 bit;
``c``, clauses, in JSON; ``w``, words, in JSON; and at last ``r``, the result, in JSON. The parent reads at its own
pace: a full pipe suspends the synthesis. The process ends when its input ends, or when its output is closed.

espeak-ng keeps the state of its noise and filters in static variables, even after it is terminated, so the same text
synthesized twice gives different samples. Therefore each request gets a freshly loaded library (3 ms). Where a library
cannot be unloaded, as with musl, the process ends after one request. Each unloaded library leaves some 2 KiB behind, so
the process also ends after ``REQUESTS`` requests.
"""

from __future__ import annotations

import _ctypes
import ctypes
import itertools
import json
import os
import re
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
CLAUSES = 50
"""Clauses, or words, in one reply: they are the sign of life of a process that works on a long text."""
MNEMONICS = 0
SEPARATOR = "\x1f"
GLIDE_MNEMONIC, GLIDE = ";", "\u02b2"
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


_SynthCallback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.POINTER(_Event))
_UriCallback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, ctypes.c_char_p, ctypes.c_char_p)


class EspeakLibrary:
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
        if hasattr(library, "espeak_ng_SetRandSeed"):  # espeak-ng seeds it with the time of day
            library.espeak_ng_SetRandSeed(ctypes.c_long(SEED))
        else:  # before version 1.52
            ctypes.CDLL(None).srand(SEED)
        library.espeak_TextToPhonemes.restype = ctypes.c_char_p
        library.espeak_ListVoices.restype = ctypes.POINTER(ctypes.POINTER(_Voice))
        self._no_files = _UriCallback(lambda *_: NO_SOUND)  # otherwise SSML could read files of this machine
        library.espeak_SetUriCallback(self._no_files)

    def select(self, voice: str) -> bool:
        """Select a voice by its language, file or name, and an optional ``+variant``; return whether it exists.

        espeak-ng ignores a variant that does not exist, and finds no variants for some languages: both are looked up
        here.
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
        """Return the names of all voices: by language, by file, and by name; and of all variants, with their ``+``."""
        variants = {"+" + file.partition("/")[2] for file in self._listing(b"variant")}
        return sorted(variants.union(*self._listing(None).values()))

    def _listing(self, kind: bytes | None) -> dict[str, set[str]]:
        """Return all names of each voice by its file: of variants for ``kind`` "variant", of languages for None."""
        selector = None if kind is None else ctypes.byref(_Voice(languages=kind))
        listing, names, row = self._library.espeak_ListVoices(selector), {}, 0
        while listing[row]:
            voice = listing[row].contents
            name, file, language = (
                text.decode(errors="replace") for text in (voice.name, voice.identifier, voice.languages[1:])
            )
            names[file] = {name, file, language}
            row += 1
        return names

    def synthesize(self, text: str, parameters: dict[str, int], ssml: bool, send: Any) -> None:
        """Synthesize a text; ``send`` receives events and samples as they are produced."""
        for name, value in parameters.items():
            self._library.espeak_SetParameter(PARAMETERS[name], value, 0)

        def receive(wave: int | None, count: int, events: Any) -> int:
            rows, samples = list(_rows(events)), count if wave else 0
            if rows:
                send(b"e", json.dumps(rows).encode(), flush=not samples)
            if wave and samples:
                send(b"s", ctypes.string_at(wave, 2 * samples))
            return 0

        callback = _SynthCallback(receive)
        self._library.espeak_SetSynthCallback(callback)
        encoded = text.encode(errors="replace")
        flags = UTF8 | (SSML if ssml else 0)
        self._library.espeak_Synth(encoded, len(encoded) + 1, 0, 1, 0, flags, None, None)

    def clauses(self, text: str, glides: bool) -> Iterator[tuple[str, str, bool]]:
        """Yield for each clause its IPA, the text that was read for it, and whether text was left.

        espeak-ng 1.52.0 inserts a glide between a vowel such as /i/ and the next one, and has no IPA for it; later
        versions write it. With ``glides`` it is written, in the place where only the mnemonics of phonemes show it.
        """
        if not glides:
            yield from self.phonemes(text)
            return
        separated = list(self.phonemes(text, IPA | ord(SEPARATOR) << 8))
        mnemonics = self.phonemes(text, MNEMONICS | ord(SEPARATOR) << 8)
        for ipa, read, more in separated:
            shown, _, _ = next(mnemonics, ("", "", False))
            yield with_glides(ipa, shown), read, more

    def words(self, words: list[str]) -> Iterator[str]:
        """Yield the IPA of each word by itself."""
        for word in words:
            yield " ".join(ipa for ipa, _, _ in self.phonemes(word))

    def phonemes(self, text: str, mode: int = IPA) -> Iterator[tuple[str, str, bool]]:
        """Yield for each clause its phonemes, the text that was read for it, and whether text was left."""
        encoded = text.encode(errors="replace")
        buffer = ctypes.create_string_buffer(encoded)
        position, start = ctypes.c_void_p(ctypes.addressof(buffer)), 0
        while position.value:
            ipa = self._library.espeak_TextToPhonemes(ctypes.byref(position), UTF8, mode)
            end = position.value - ctypes.addressof(buffer) if position.value else len(encoded)
            read = encoded[start:end].decode(errors="replace")
            yield ipa.decode(errors="replace"), read, bool(position.value)
            start = end

    def unload(self) -> bool:
        """Unload the library; return whether the next one that is loaded starts from its initial state."""
        self._library.espeak_Terminate()
        if not hasattr(_ctypes, "dlclose"):
            return False
        _ctypes.dlclose(self._library._handle)
        try:
            ctypes.CDLL(self._path, mode=os.RTLD_NOLOAD | os.RTLD_LAZY)
        except OSError:
            return True
        return False


def with_glides(ipa: str, mnemonics: str) -> str:
    """Return the IPA of a clause with the glides that its mnemonics have; both have a separator between phonemes."""
    parts, shown = (re.split(f"([{SEPARATOR} ])", written) for written in (ipa, mnemonics))
    if len(parts) == len(shown):
        pairs = zip(parts, shown, strict=True)
        parts = [GLIDE if not part and mnemonic == GLIDE_MNEMONIC else part for part, mnemonic in pairs]
    return "".join(part for part in parts if part != SEPARATOR)


def _rows(events: Any) -> Iterator[tuple[int, int, int, int, str]]:
    """Yield of each event its type, sample, first character (counted from 1), number of characters, and name."""
    for event in events:
        if event.type == LIST_END:
            return
        name = event.id.string if event.type == PHONEME else (event.id.name or b"") if event.type == MARK else b""
        yield event.type, event.sample, event.text_position, event.length, name.decode(errors="ignore")


def run(library: EspeakLibrary, request: dict[str, Any], send: Any) -> dict[str, Any]:
    """Run a request, and return its result."""
    if not library.select(request["voice"]):
        return {"voices": library.voices()}
    if request["do"] == "synthesize":
        library.synthesize(request["text"], request["parameters"], request["ssml"], send)
    elif request["do"] == "phonemes":
        clauses, words = library.clauses(request["text"], request["glides"]), library.words(request["words"])
        for kind, items in ((b"c", clauses), (b"w", words)):
            while part := list(itertools.islice(items, CLAUSES)):
                send(kind, json.dumps(part).encode())
    return {"sample_rate": library.sample_rate}


def serve(requests: BinaryIO, replies: BinaryIO, path: str, data: str | None, limit: int = REQUESTS) -> None:
    """Answer up to ``limit`` requests, until the input ends."""

    def send(kind: bytes, contents: bytes, flush: bool = True) -> None:
        try:
            replies.write(kind + len(contents).to_bytes(4, "little") + contents)
            if flush:
                replies.flush()
        except OSError:  # the parent has closed the pipe; espeak-ng's code is on the stack and cannot be unwound
            os._exit(0)

    for left in reversed(range(limit)):
        try:
            library = EspeakLibrary(path, data)
        except OSError as error:
            send(b"r", json.dumps({"error": str(error)}).encode())
            return
        length = requests.read(4)
        if len(length) < 4:
            return
        result = run(library, json.loads(requests.read(int.from_bytes(length, "little"))), send)
        last = not library.unload() or not left
        send(b"r", json.dumps({**result, "last": last}).encode())
        if last:
            return


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what an interrupt ends
    output = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what libraries print must not come between the replies
    serve(sys.stdin.buffer, output, sys.argv[1], sys.argv[2] or None)
