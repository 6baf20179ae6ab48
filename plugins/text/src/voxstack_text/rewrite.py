"""The block ``Rewrite``, which brings a text into the form that a model was trained on."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from typing import Literal

from voxstack import RequestError, SequenceBlock, StackError, Utterance

_WHITE_SPACE = re.compile(r"\s+")


@dataclass
class Rewrite(SequenceBlock):
    """Brings a text into the form that a model was trained on, and gives it under another name.

    In this order: normalises Unicode, removes characters, replaces sequences of characters, squeezes runs and white
    space, removes characters at the end, ends the text with a mark, and puts texts around it.

    :param name: name of the result.
    :param source: name of the text.
    :param form: Unicode normalisation form.
    :param removed: characters, or ranges of them (``"a-z"``, three characters), that are left out.
    :param replaced: pairs of a sequence of characters and what replaces it everywhere, applied one after the other.
    :param single: characters of which several in a row count as one.
    :param squeeze: count a run of white space as one space, and remove it at both ends.
    :param stripped: characters that are removed at the end.
    :param ending: written at the end, unless one of ``endings`` is there.
    :param endings: characters that a text may end with as it is.
    :param before: written before all others.
    :param after: written after all others.
    """

    name: str
    source: str = "text"
    form: Literal["NFC", "NFD", "NFKC", "NFKD"] | None = None
    removed: list[str] = field(default_factory=list)
    replaced: list[list[str]] = field(default_factory=list)
    single: str = ""
    squeeze: bool = False
    stripped: str = ""
    ending: str = ""
    endings: str = ""
    before: str = ""
    after: str = ""
    _removed: re.Pattern[str] | None = field(default=None, init=False, repr=False, compare=False)
    _repeated: re.Pattern[str] | None = field(default=None, init=False, repr=False, compare=False)

    @property
    def needs(self) -> frozenset[str]:
        return frozenset({self.source})

    @property
    def gives(self) -> frozenset[str]:
        return frozenset({self.name})

    def load(self, addon: object) -> None:
        ranges = [_character_range(characters) for characters in self.removed]
        if any(len(pair) != 2 or not pair[0] for pair in self.replaced):
            raise StackError("replaced", "has an item that is not a pair, [what is replaced, what by]")
        self._removed = re.compile(f"[{''.join(ranges)}]") if ranges else None
        self._repeated = re.compile(rf"([{re.escape(self.single)}])\1+") if self.single else None

    def __call__(self, utterance: Utterance) -> Utterance:
        text = utterance[self.source]
        if not isinstance(text, str):
            raise RequestError("Rewrite: the text arrives in parts; put Sentences around the block, or join them")
        text = unicodedata.normalize(self.form, text) if self.form else text
        text = self._removed.sub("", text) if self._removed else text
        for old, new in self.replaced:
            text = text.replace(old, new)
        text = self._repeated.sub(r"\1", text) if self._repeated else text
        text = _WHITE_SPACE.sub(" ", text).strip() if self.squeeze else text
        text = text.rstrip(self.stripped + " ") if self.stripped else text
        if self.ending and not text.endswith(tuple(self.endings)):
            text += self.ending
        return {self.name: f"{self.before}{text}{self.after}"}


def _character_range(characters: str) -> str:
    """Return a character or a range as it is written in a class of a regular expression.

    :raises StackError: for anything else.
    """
    if len(characters) == 1:
        return re.escape(characters)
    if len(characters) == 3 and characters[1] == "-" and characters[0] <= characters[2]:
        return f"{re.escape(characters[0])}-{re.escape(characters[2])}"
    raise StackError("removed", f"{characters!r} is neither a character nor a range of characters, such as 'a-z'")
