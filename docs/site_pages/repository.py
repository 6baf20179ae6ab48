"""Pages of the repository: which there are, where they are on the site, and how their links follow."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PATTERNS = ("*.md", "core/*.md", "addon_spec/*.md", "plugins/*/*.md")
HOME = "overview.md"
"""The page of the site that is the README.md of the repository: index.md is in docs/."""

SOURCE = "source"
"""Folder of the site with the pages that show source files."""

COPIED = {".svg", ".png", ".gif", ".jpg", ".webp", ".mp4", ".wav", ".zip"}
"""Files that are copied to the site as they are; pages show the text of others."""

LINK = re.compile(r"(\]\()([^)\s]+)((?:\s+\"[^\"]*\")?\))")
FENCE = re.compile(r"^ *(`{3,}|~{3,}).*?^ *\1 *$|`[^`\n]+`", re.MULTILINE | re.DOTALL)
LANGUAGES = {".py": "python", ".json": "json", ".toml": "toml", ".yaml": "yaml", ".yml": "yaml", ".sh": "sh"}


class Repository:
    """The files of a repository that are on its site.

    :param root: folder of the repository.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        paths = [path for pattern in PATTERNS for path in sorted(root.glob(pattern))]
        self.pages = {self._uri(path.relative_to(root).as_posix()): path for path in paths}
        """Pages outside docs/, by their place on the site."""
        self.linked: dict[str, Path] = {}
        """Further pages, pictures and sources that pages link to, by their place on the site."""
        docs = (root / "docs").rglob("*.md")
        todo = {path.relative_to(root / "docs").as_posix(): path for path in docs} | self.pages
        while todo:  # a page that is linked to has links of its own
            uri, path = todo.popitem()
            before = set(self.linked)
            self.rewrite_links(path.read_text("utf-8"), uri)
            todo |= {
                name: self.linked[name] for name in self.linked.keys() - before if self.linked[name].suffix == ".md"
            }

    def added_files(self) -> dict[str, Path]:
        """Return the pages and pictures outside docs/, by their place on the site."""
        return {**self.pages, **{uri: path for uri, path in self.linked.items() if uri not in self.sources}}

    @property
    def sources(self) -> dict[str, Path]:
        """Files that pages link to and that become pages, by their place on the site."""
        return {uri: path for uri, path in self.linked.items() if uri.startswith(f"{SOURCE}/")}

    def source_pages(self) -> dict[str, str]:
        """Return a page for each source file that pages link to; the search leaves these out."""
        return {uri: self._source_page(path) for uri, path in self.sources.items()}

    def rewrite_links(self, markdown: str, uri: str) -> str:
        """Return a page whose links to files of the repository lead to their places on the site.

        :param uri: place of the page on the site.
        """

        def follow(match: re.Match[str]) -> str:
            target, mark, anchor = match[2].partition("#")
            if not target or re.match(r"[a-z]+:", target):
                return match[0]
            place = self._place(posixpath.normpath(posixpath.join(posixpath.dirname(self._path(uri)), target)))
            if place is None:
                return match[0]
            return match[1] + posixpath.relpath(place, posixpath.dirname(uri) or ".") + mark + anchor + match[3]

        return outside_code(markdown, lambda text: LINK.sub(follow, text))

    def _place(self, path: str) -> str | None:
        """Return the place on the site of a file of the repository; None if there is no such file."""
        file = self.root / path
        if file.is_dir() and (file / "README.md").exists():
            return self._place(f"{path}/README.md")
        if not file.is_file() or self.root not in file.resolve().parents:
            return None
        uri = self._uri(path)
        if path.startswith("docs/") or uri in self.pages:
            return uri
        uri = path if file.suffix in {".md", *COPIED} else f"{SOURCE}/{path}.md"
        self.linked[uri] = file
        return uri

    def _source_page(self, path: Path) -> str:
        text = path.read_text("utf-8")
        name = path.relative_to(self.root).as_posix()
        fence = "`" * max(4, *(len(run) + 1 for run in re.findall(r"`+", text) or [""]))
        head = f"---\ntitle: {path.name}\nsearch: {{exclude: true}}\n---\n# `{name}`\n\n"
        return f"{head}{fence}{LANGUAGES.get(path.suffix, 'text')}\n{text}\n{fence}\n"

    @staticmethod
    def _uri(path: str) -> str:
        return HOME if path == "README.md" else path.removeprefix("docs/")

    def _path(self, uri: str) -> str:
        """Return the path of a page in the repository."""
        if uri == HOME:
            return "README.md"
        return uri if uri in self.pages or uri in self.linked else f"docs/{uri}"


def outside_code(markdown: str, change: Callable[[str], str]) -> str:
    """Return Markdown in which ``change`` was applied to everything outside code."""
    parts, end = [], 0
    for match in FENCE.finditer(markdown):
        parts += [change(markdown[end : match.start()]), match[0]]
        end = match.end()
    return "".join([*parts, change(markdown[end:])])
