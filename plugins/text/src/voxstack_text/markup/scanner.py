"""Scanner: reads a source as it arrives, and appends what is to be read of it to a conversion."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from voxstack_text.markup.conversion import Conversion

Handler = Callable[["Scanner", int], int | None]
"""A function that handles the characters from a position of the held text on.

It returns the position after them, or None while characters that have not arrived may decide; never None once the
source is complete (``final``), and never because of what a longer text could not change.
"""


@dataclass(frozen=True)
class Dialect:
    """The characters that mean something in a kind of markup.

    :param handlers: by the character that each begins with.
    :param start_line: the handler at the start of each line, or None if line ends mean nothing.
    :param is_strict: whether all of it is markup; otherwise it is a plain text, some of which may look like markup.
    """

    name: str
    handlers: Mapping[str, Handler]
    start_line: Handler | None
    is_strict: bool = True
    special: re.Pattern[str] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "special", re.compile("[" + re.escape("".join(self.handlers)) + "]"))


@dataclass
class Paragraph:
    """The lines since the last blank line.

    :param kind: of the last line: ``""`` before the first, ``"text"``, ``"heading"``, ``"item"``, ``"table"``,
        ``"code"``, ``"rule"``.
    :param start: index in the source where the last line's content begins.
    :param first: the first character of the last line's content.
    :param lines: number of lines of text.
    :param capitals: how many of them begin with a capital.
    :param widest: length of the longest line of text that is complete.
    :param number: of the last line's item.
    :param marks: the runs of emphasis that are open.
    :param braces: what is appended at the end of each open group of LaTeX.
    """

    kind: str = ""
    start: int = 0
    first: str = ""
    lines: int = 0
    capitals: int = 0
    widest: int = 0
    quoted: int = 0
    number: str = ""
    marks: list[str] = field(default_factory=list)
    braces: list[str] = field(default_factory=list)


class Scanner:
    """The state of reading one source; the result depends on the source alone, not on where its parts are cut.

    :param english: whether formulas are read, in English.
    """

    def __init__(self, dialect: Dialect, out: Conversion, english: bool) -> None:
        self.dialect, self.out, self.english = dialect, out, english
        self.text = ""
        """Characters that are held, from one before the position on."""
        self.base = 0
        """Index in the source of the first of them."""
        self.final = False
        self.paragraph = Paragraph()
        self.newline: tuple[int, int] | None = None
        """Indices in the source of a line end that is not appended yet."""
        self.skips: dict[int, int] = {}
        """By the index in the source of a character, the index after what is silent there."""
        self.fence = ""
        """The marks that open the code around, and close it."""
        self.hidden = ""
        """Where what is not read ends, such as "</script"."""
        self.is_preformatted = False
        """Whether line ends are in the text, in HTML."""
        self._is_plain_newline = True
        self._position = 0
        self._at_line_start = dialect.start_line is not None

    def feed(self, part: str) -> None:
        """Read the next part of the source."""
        keep = max(0, self._position - 1)
        self.text = self.text[keep:] + part
        self.base += keep
        self._position -= keep
        self._scan()

    def finish(self) -> None:
        """Read what is held, as the source is complete."""
        self.final = True
        self._scan()
        self.append_newline()

    def before(self, position: int) -> str:
        """Return the character before a position, or "" at the start."""
        return self.text[position - 1] if position else ""

    def copy(self, start: int, end: int) -> int:
        """Append the characters from ``start`` up to ``end`` as they are; return ``end``."""
        self.out.copy(self.text[start:end], self.base + start)
        return end

    def replace(self, text: str, start: int, end: int) -> int:
        """Append a text for the characters from ``start`` up to ``end``; return ``end``."""
        self.out.replace(text, self.base + start, self.base + end)
        return end

    def is_short(self, position: int, limit: int) -> bool:
        """Return whether more characters may come within ``limit`` of a position."""
        return not self.final and len(self.text) - position < limit

    def end_line(self, start: int, end: int) -> int:
        """Hold a line end back until the next line is known; return ``end``."""
        self.newline = (self.base + start, self.base + end)
        self._is_plain_newline = self.text[start:end] == "\n"
        self._at_line_start = True
        return end

    def append_newline(self) -> None:
        """Append the line end that was held back, if there is one."""
        if self.newline is not None:
            if self._is_plain_newline:
                self.out.copy("\n", self.newline[0])
            else:
                self.out.replace("\n", *self.newline)
            self.newline = None

    def begin_content(self) -> None:
        """Note that the marks at the start of the line have been read."""
        self._at_line_start = False

    def _scan(self) -> None:
        while self._position < len(self.text):
            after = self._step(self._position)
            if after is None:
                return
            self._position = after

    def _step(self, position: int) -> int | None:
        if self.hidden:
            return self._hide(position)
        if self._at_line_start and self.dialect.start_line is not None:
            return self.dialect.start_line(self, position)
        special = _VERBATIM if self.fence else self.dialect.special
        found = special.search(self.text, position)
        if found is None:
            return self.copy(position, len(self.text))
        if found.start() > position:
            return self.copy(position, found.start())
        return self.dialect.handlers[found[0]](self, position)

    def _hide(self, position: int) -> int | None:
        """Skip characters up to the end of the hidden element."""
        closing = self.hidden
        found = re.compile(re.escape(closing), re.IGNORECASE).search(self.text, position)
        if found:
            self.hidden = ""
            return found.start()
        end = len(self.text) if self.final else max(position, len(self.text) - len(closing) + 1)
        return None if end == position and not self.final else end


_VERBATIM = re.compile(r"[\n\r]")
