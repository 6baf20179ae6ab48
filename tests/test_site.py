"""The documentation site: it builds without a warning, loads nothing from elsewhere, and has every public name."""

from __future__ import annotations

import itertools
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest
from site_pages.indentation import widen_lists
from site_pages.navigation import expand
from site_pages.repository import ROOT, Repository

import voxstack

VOID = {"img", "br", "hr", "input", "meta", "link"}
LOADING = {"script": "src", "img": "src", "link": "href", "iframe": "src", "source": "src", "audio": "src"}


class Parsed(HTMLParser):
    """What the tests look at in one page: elements with their attributes, and the text of paragraphs."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.headings: list[int] = []
        self.text: list[str] = []
        self._code = 0
        self.feed(path.read_text("utf-8"))
        self.ids = {attributes["id"] for _, attributes in self.elements if attributes.get("id")}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._code += tag in ("code", "pre", "script", "style")
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))

    def handle_endtag(self, tag: str) -> None:
        self._code -= tag in ("code", "pre", "script", "style")

    def handle_data(self, data: str) -> None:
        if not self._code:
            self.text.append(data)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the site in a process of its own, and return its folder."""
    folder = tmp_path_factory.mktemp("built")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}  # news of the theme
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "WARNING" not in done.stdout + done.stderr, done.stderr
    return folder


@pytest.fixture(scope="module")
def parsed(built: Path) -> dict[Path, Parsed]:
    return {path: Parsed(path) for path in sorted(built.rglob("*.html"))}


def test_every_written_page_is_on_it(built: Path) -> None:
    for uri in Repository(ROOT).pages:
        assert (built / re.sub("(^|/)README.md$", r"\1index.html", uri)).with_suffix(".html").exists(), uri


def test_it_loads_nothing_from_elsewhere(built: Path, parsed: dict[Path, Parsed]) -> None:
    loaded = [
        (path.name, attributes[LOADING[tag]])
        for path, page in parsed.items()
        for tag, attributes in page.elements
        if re.match(r"(https?:)?//", attributes.get(LOADING.get(tag, ""), "") or "")
    ]
    assert not loaded
    for sheet in built.rglob("*.css"):
        assert not re.search(r"url\(['\"]?(https?:)?//|@import", sheet.read_text("utf-8")), sheet


def test_links_lead_to_pages_and_places_that_exist(parsed: dict[Path, Parsed]) -> None:
    broken = [
        f"{path.name}: {target}"
        for path, page in parsed.items()
        for tag, attributes in page.elements
        if tag == "a" and (target := attributes.get("href"))
        if not re.match(r"[a-z]+:", target) and path.name != "404.html" and not leads_somewhere(path, target, parsed)
    ]
    assert not broken


def leads_somewhere(path: Path, target: str, parsed: dict[Path, Parsed]) -> bool:
    name, _, anchor = unquote(target).partition("#")
    place = (path.parent / name).resolve() if name else path
    if place not in parsed:
        return place.is_file() and not anchor
    return not anchor or anchor in parsed[place].ids


def test_pages_can_be_read_without_seeing_them(parsed: dict[Path, Parsed]) -> None:
    for path, page in parsed.items():
        assert page.headings.count(1) == 1, f"{path}: one title"
        assert not [pair for pair in steps(page.headings) if pair[1] > pair[0] + 1], f"{path}: no level is left out"
        assert all(attributes.get("alt") for tag, attributes in page.elements if tag == "img"), path
        assert any(tag == "html" and attributes.get("lang") for tag, attributes in page.elements), path
        assert any(tag == "meta" and attributes.get("name") == "viewport" for tag, attributes in page.elements), path


def steps(headings: list[int]) -> Iterator[tuple[int, int]]:
    return itertools.pairwise(headings)


def test_no_markdown_is_left(parsed: dict[Path, Parsed]) -> None:
    left = re.compile(r"^\s*\* |```|\*\*\w|\]\(\w|<!-- |:(class|func|meth):|^:param", re.MULTILINE)
    found = [(path.name, text) for path, page in parsed.items() for text in page.text if left.search(text)]
    assert not found


def test_the_search_knows_every_block_and_command(built: Path) -> None:
    index = (built / "search" / "search_index.js").read_text("utf-8")
    for name in voxstack.Registry.installed():
        assert name in index
    for command in ("say", "read", "blocks", "serve", "import", "trust add"):
        assert f"voxstack {command}" in index


def test_the_api_page_has_every_public_name(built: Path) -> None:
    page = (built / "reference" / "api.html").read_text("utf-8")
    missing = [name for name in voxstack.__all__ if not re.search(rf"\b{name}\b", page)]
    assert not missing


@pytest.mark.parametrize(
    "markdown, wide",
    [
        ("* a\n  * b\n    more\n* c\n", "* a\n    * b\n        more\n* c\n"),
        ("1. a\n   b\n\n   c\n", "1. a\n    b\n\n    c\n"),
        ("Text:\n* a\n", "Text:\n\n* a\n"),
        ("* a\n\n  ```sh\n  b\n    c\n  ```\n\nd\n", "* a\n\n    ```sh\n    b\n      c\n    ```\n\nd\n"),
        ("```\n* a\n  * b\n```\n", "```\n* a\n  * b\n```\n"),
        ("    code\n\ntext\n", "    code\n\ntext\n"),
    ],
)
def test_lists_get_four_spaces_a_level(markdown: str, wide: str) -> None:
    assert widen_lists(markdown) == wide


def test_links_of_a_page_follow_it_to_the_site(tmp_path: Path) -> None:
    for name in ("docs/index.md", "README.md", "plugins/a/README.md", "plugins/a/b.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("[a](plugins/a) `[b](plugins/a)` [c](plugins/a/b.py#L1) [d](#e) [f](https://g.h)")
    site = Repository(tmp_path)
    text = (tmp_path / "README.md").read_text()
    assert site.rewrite_links(text, "overview.md") == (
        "[a](plugins/a/README.md) `[b](plugins/a)` [c](source/plugins/a/b.py.md#L1) [d](#e) [f](https://g.h)"
    )
    assert site.rewrite_links("[a](../README.md#x)", "index.md") == "[a](overview.md#x)"


def test_names_with_a_star_stand_for_the_pages_without_a_place() -> None:
    pages = {name: ROOT / name for name in ("core/README.md", "core/STREAMING.md", "plugins/dsp/README.md")}
    nav = ["index.md", {"A": [{"S": "core/STREAMING.md"}, "core/*.md"]}, {"B": ["x/*.md"]}, {"D": "plugins/dsp/R*.md"}]
    wide = ["index.md", {"A": [{"S": "core/STREAMING.md"}, {"core": "core/README.md"}]}, {"D": "plugins/dsp/README.md"}]
    assert expand(nav, pages) == wide
