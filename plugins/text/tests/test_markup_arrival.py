"""However a text with markup arrives, the result is the same, and each character has its origin."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voxstack_text.markup import inline, latex
from voxstack_text.markup.marked_text import MarkedText
from voxstack_text.sentences_block import Sentences

MARKS = [
    *r"""
    ** _ ~~ ` ``` [ ]( ) ![ [[ ]] [^1] | |---| <b> </p> <br> <!-- --> <script> </script> &amp; & < > $ $$ $x^2$ \(
    \) \textbf{ } \begin{align} \end{align} \ word A 1 . ' " http://x.y
    """.split(),
    *("\n", "\n\n", "\r\n", "\t", " ", "]: ", "> ", "- [x] ", "1. ", "# ", "---\n", "a: b\n", "Red\nGreen", "a word"),
]
TEXTS = st.lists(st.sampled_from(MARKS), min_size=1, max_size=25).map("".join)
MARKUP = st.sampled_from(["text", "markdown", "html"])


def converted(parts: list[str], markup: str) -> tuple[list[tuple[str, int, int]], Any, Any]:
    """Return each converted character with its origin, the breaks and the inserts."""
    marked = MarkedText(iter(parts), markup, english=True, has_breaks=True)
    text, out = "".join(marked), marked.conversion
    bounds = [*(run.start for run in out._runs), len(text)]
    characters = [
        (text[i], run.source + (i - start if run.end < 0 else 0), run.end)
        for run, (start, end) in zip(out._runs, pairwise(bounds), strict=True)
        for i in range(start, end)
    ]
    return characters, out._breaks, out._inserts


def check_arrival(text: str, markup: str, data: st.DataObject) -> None:
    """Check that a text is converted alike, however it arrives."""
    whole = converted([text], markup)
    cuts = sorted(data.draw(st.sets(st.integers(0, len(text)), max_size=12)))
    assert converted([text[i:j] for i, j in pairwise([0, *cuts, len(text)])], markup) == whole
    assert converted(list(text), markup) == whole
    for character, source, end in whole[0]:
        assert text[source] == character if end < 0 else source <= end <= len(text)


ARRIVALS = settings(max_examples=150, deadline=None, derandomize=True)


@ARRIVALS
@given(TEXTS, MARKUP, st.data())
def test_the_result_depends_on_the_text_alone(text: str, markup: str, data: st.DataObject) -> None:
    check_arrival(text, markup, data)


@pytest.mark.parametrize("limit", [5, 12])
def test_bounds_do_not_depend_on_arrival(limit: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for module, names in (
        (inline, ("_LONGEST_LABEL", "_LONGEST_TARGET", "_LONGEST_CODE", "_LONGEST_PHONES")),
        (latex, ("_LONGEST_INLINE", "_LONGEST_DISPLAY", "_LONGEST_ARGUMENT")),
    ):
        for name in names:
            monkeypatch.setattr(module, name, limit)
    whole = converted(["`" + "a" * 20 + "` [" + "b" * 20 + "](c)"], "markdown")[0]
    assert any(character in "`[" for character, _, _ in whole), "the bounds are not in force"
    ARRIVALS(given(TEXTS, MARKUP, st.data())(check_arrival))()


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    st.lists(st.sampled_from("the sea was calm, and we slept. Then? It rained; so".split()), min_size=1, max_size=60)
)
def test_no_word_is_lost_and_plain_text_is_itself(words: list[str]) -> None:
    text = " ".join(words)
    for markup in ("text", "markdown", "html"):
        assert "".join(MarkedText(text, markup, english=True, has_breaks=True)) == text
    passages = Sentences(block=None)._passages({"text": text})  # type: ignore[arg-type]
    assert " ".join(passage.text for passage in passages).split() == words


def test_origins_are_those_of_the_request() -> None:
    text = "# One &amp; **two**\n\nThen $x^2$ and [three](http://x)."
    for passage in Sentences(block=None)._passages({"text": text}):  # type: ignore[arg-type]
        for position, character in enumerate(passage.text):
            first, end = (passage.start + offset for offset in passage.span(position, position + 1))
            written = text[first:end]
            assert written == character or written in ("&amp;", "$x^2$")


def test_a_paragraph_ends_with_its_blank_line() -> None:
    def arriving() -> Iterator[str]:
        yield "# Title\n\nHello there.\n\n"
        pytest.fail("the paragraph is complete")

    passages = Sentences(block=None)._passages({"text": arriving()})  # type: ignore[arg-type]
    assert [next(passages).text for _ in range(2)] == ["Title", "Hello there."]
    passages.close()


def test_words_before_a_mark_do_not_wait_for_its_end() -> None:
    marked = MarkedText(iter(["See ", "[the ", "manual](http://", "x) now"]), "text", english=True, has_breaks=True)
    assert list(marked) == ["See ", "the manual now"]
