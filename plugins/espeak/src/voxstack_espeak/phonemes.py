"""The block ``EspeakPhonemes``, which turns text into phonemes as espeak-ng pronounces it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, field

from voxstack import RequestError, Resources, SequenceBlock, Utterance
from voxstack_espeak.clauses import terminator
from voxstack_espeak.library_paths import LibraryPaths
from voxstack_espeak.process_pool import ProcessPool
from voxstack_espeak.voices import prepare_voice, unknown_voice

_LANGUAGE = re.compile(r"\([^)]+\)")


@dataclass
class EspeakPhonemes(SequenceBlock):
    """Turns ``text`` into ``phonemes`` by espeak-ng's rules: IPA with spaces and marks, as Piper's voices read it.

    ``phonemes`` is a list of strings, each one code point in normal form D, with spaces between words and the mark that
    ends each clause. A space follows marks within a sentence; none follows those that end one. A word of another
    language is pronounced by the rules of that language, and only its phonemes are written.

    :param voice: name, language or file of the voice of espeak-ng whose rules apply: ``en-us``, ``de``.
    """

    voice: str = "en-us"
    _pool: ProcessPool | None = field(default=None, init=False, repr=False, compare=False)

    needs = frozenset({"text"})
    gives = frozenset({"phonemes"})

    def load(self, addon: Resources) -> None:
        paths = LibraryPaths.find()
        self._pool = ProcessPool.shared(paths)
        prepare_voice(self._pool, paths, self.voice, self.stack_path or "EspeakPhonemes")

    def __call__(self, utterance: Utterance) -> Utterance:
        assert self._pool is not None, "EspeakPhonemes runs after load(addon)"
        text = utterance["text"]
        if not isinstance(text, str):
            raise RequestError(
                "EspeakPhonemes: the text arrives in parts; put Sentences (plugin text) around the block, or join them"
            )
        clauses: list[tuple[str, str, bool]] = []
        request = {"do": "phonemes", "voice": self.voice, "text": text.replace("\0", " ")}
        with closing(self._pool.run(request)) as replies:
            for reply in replies:
                if reply.kind == "c":
                    clauses += reply.json()
                elif "voices" in (result := reply.json()):
                    raise RequestError(f"EspeakPhonemes: {unknown_voice(self.voice, result['voices'])}")
        return {"phonemes": list(_joined(clauses))}


def _joined(clauses: Iterable[tuple[str, str, bool]]) -> str:
    """Return all clauses as Piper writes them, in normal form D.

    :param clauses: for each, its IPA, the text that espeak-ng read for it, and whether text was left.
    """
    parts, first = [], ""  # the first character of a clause is read with the clause before it
    for ipa, read, more in clauses:
        mark = terminator(first + read, more) if ipa else ""
        first = read[-1:] if more else ""
        parts += [_LANGUAGE.sub("", ipa), mark, " " if mark and mark in ",:;" else ""]
    return unicodedata.normalize("NFD", "".join(parts))
