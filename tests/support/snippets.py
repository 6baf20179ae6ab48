"""Code in the pages of the repository: what there is, and what a page says that cannot be run.

A comment before a fence exempts it: ``<!-- not run: REASON -->``, or lines of it that contain a text:
``<!-- not run, lines with "TEXT": REASON -->``. A fence with ``title="NAME"``, or after a line that is only a name in
backticks, is a file, which the fences after it may use.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from site_pages.repository import ROOT, Repository

FENCE = re.compile(r"^( *)(`{3,})(\w*)([^`\n]*)\n(.*?)^ *\2 *$", re.MULTILINE | re.DOTALL)
EXEMPTION = re.compile(r"<!-- not run(?:, lines with \"([^\"]+)\")?: (.*?) -->\s*", re.DOTALL)
LAST_LINE = re.compile(r"(?:^|\n) *`([\w.-]+\.\w+)`:?\s*\Z")
TITLE = re.compile(r"title=\"([^\"]+)\"")
SHELL = {"sh", "bash", "shell"}


@dataclass(frozen=True)
class Snippet:
    """One fence of a page.

    :param page: path in the repository.
    :param line: the number of its first line of code.
    :param language: of its code; "console" for commands after ``$`` with their output, "" for other text.
    :param file: its name if it is a file.
    :param exemptions: reasons why it cannot be run, by a text that lines contain; "" stands for all of them.
    """

    page: str
    line: int
    language: str
    code: str
    file: str | None
    exemptions: dict[str, str]

    @property
    def place(self) -> str:
        return f"{self.page}:{self.line}"

    def reason(self, line: str) -> str | None:
        """Return why a line cannot be run; None if it can."""
        return next((reason for text, reason in self.exemptions.items() if text in line), None)

    def commands(self) -> list[str]:
        """Return the commands of a shell snippet, each with the lines that continue it."""
        if self.language == "console":
            return [line[2:] for line in self.code.splitlines() if line.startswith("$ ")]
        joined = re.sub(r"\\\n\s*", "", self.code)
        if "<<" in joined:
            return [joined]
        return [line for line in joined.splitlines() if line.strip() and not line.lstrip().startswith("#")]


def pages() -> dict[str, str]:
    """Return the text of every page of the site that is written, by its path in the repository."""
    paths = [*Repository(ROOT).pages.values(), *(ROOT / "docs").rglob("*.md")]
    return {path.relative_to(ROOT).as_posix(): path.read_text("utf-8") for path in sorted(paths)}


def snippets(page: str, text: str) -> list[Snippet]:
    """Return the fences of a page, in order."""
    found, end = [], 0
    for match in FENCE.finditer(text):
        indent, _, language, info, code = match.groups()
        code = "".join(line.removeprefix(indent) for line in code.splitlines(keepends=True))
        before = text[end : match.start()]
        exemptions = {about or "": reason for about, reason in EXEMPTION.findall(_last_comments(before))}
        title = TITLE.search(info) or LAST_LINE.search(EXEMPTION.sub("", before))
        if not language and code.startswith("$ "):
            language = "console"
        line = text.count("\n", 0, match.start(5)) + 1
        found.append(Snippet(page, line, language, code, title[1] if title else None, exemptions))
        end = match.end()
    return found


def _last_comments(text: str) -> str:
    """Return the exemptions at the end of a text."""
    start = len(text)
    for match in reversed(list(EXEMPTION.finditer(text))):
        if match.end() < len(text.rstrip()) and match.end() != start:
            break
        start = match.start()
    return text[start:]
