"""EspeakPhonemes: text to phonemes, as espeak-ng pronounces it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field

from voxstack import RequestError, Resources, SequenceBlock, Utterance
from voxstack_espeak.clauses import terminator
from voxstack_espeak.library import Library
from voxstack_espeak.pool import Pool
from voxstack_espeak.voices import check_voice

_LANGUAGE = re.compile(r"\([^)]+\)")


@dataclass
class EspeakPhonemes(SequenceBlock):
    """Pronounces ``text`` by espeak-ng's rules: ``phonemes``, a list of strings, each one code point of IPA in normal form D, with
    spaces between words and the mark that ends each clause: what Piper's voices read.

    Marks within a sentence have a space behind them, those that end one have none. Where a word of another language is
    pronounced by the rules of that, no more than its phonemes are written.

    :param voice: name, language or file of the voice of espeak-ng whose rules they are: ``en-us``, ``de``.
    """

    voice: str = "en-us"
    _pool: Pool | None = field(default=None, init=False, repr=False, compare=False)

    needs = frozenset({"text"})
    gives = frozenset({"phonemes"})

    def load(self, addon: Resources) -> None:
        self._pool = Pool.shared(Library.found())
        check_voice(self._pool, self.voice, self.stack_path or "EspeakPhonemes")

    def __call__(self, utterance: Utterance) -> Utterance:
        assert self._pool is not None, "load() comes first"
        text = utterance["text"]
        if not isinstance(text, str):
            raise RequestError(
                "EspeakPhonemes: the text comes in pieces; put Sentences (plugin text) around, or join them"
            )
        with self._pool.process() as process:
            *_, reply = process.ask({"do": "phonemes", "voice": self.voice, "text": text.replace("\0", " ")})
        return {"phonemes": list(_joined(reply.read()["clauses"]))}


def _joined(clauses: Iterable[tuple[str, str, bool]]) -> str:
    """All clauses as Piper writes them, decomposed."""
    parts, ahead = [], ""  # the first character of a clause is read with the clause before it
    for ipa, read, more in clauses:
        mark = terminator(ahead + read, more) if ipa else ""
        ahead = read[-1:] if more else ""
        parts += [_LANGUAGE.sub("", ipa), mark, " " if mark and mark in ",:;" else ""]
    return unicodedata.normalize("NFD", "".join(parts))
