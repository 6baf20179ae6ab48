"""The code in every page works as it is printed there: Python, commands, JSON and TOML."""

from __future__ import annotations

import json
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from site_pages.repository import ROOT
from snippet_runner import Page, reason_not_to_run
from snippet_worlds import WORLDS
from snippets import SHELL, Snippet, pages, snippets

from voxstack import Registry

PAGES = {page: snippets(page, text) for page, text in pages().items()}
RUN = {"python", "console", *SHELL}
ELSEWHERE = {
    ("README.md", "python"): "tests/test_readme.py",
    ("plugins/grade/README.md", "sh"): "plugins/grade/tests/test_grading.py",
    ("plugins/packager/PYTORCH_MODEL.md", "python"): "plugins/packager/tests/test_packager_page.py",
    ("plugins/packager/PYTORCH_MODEL.md", "sh"): "plugins/packager/tests/test_packager_page.py",
    ("plugins/scaffold/README.md", "sh"): "plugins/scaffold/tests/test_written_plugins.py",
}
"""The code of pages, by language, that a test of its own runs, as it takes long or has results to look at."""

MOST_EXEMPTIONS = 45
"""A new exemption needs a better reason than that the code is hard to run: raise this only with one."""


@pytest.mark.parametrize("page", [page for page, found in PAGES.items() if any(s.language in RUN for s in found)])
def test_code_runs(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = set(sys.modules)
    world = Page(tmp_path, monkeypatch)
    if page in WORLDS:
        WORLDS[page](world)
    for snippet in PAGES[page]:
        if (page, snippet.language) not in ELSEWHERE:
            world.run(snippet)
    for name in set(sys.modules) - before:  # files of the page, which another page may have under the same names
        if str(tmp_path) in (getattr(sys.modules[name], "__file__", None) or ""):
            del sys.modules[name]


@pytest.mark.parametrize("page", [page for page, found in PAGES.items() if any(s.language == "json" for s in found)])
def test_json_is_valid_and_its_blocks_have_these_fields(page: str) -> None:
    registry = Registry.installed()
    for snippet in PAGES[page]:
        if snippet.language == "json" and not snippet.exemptions:
            for spec in blocks_in(values_of(snippet)):
                schema = registry.block(spec["type"]).__dataclass_fields__
                assert spec.keys() - {"type"} <= schema.keys(), f"{snippet.place}: {spec['type']}"


@pytest.mark.parametrize("page", [page for page, found in PAGES.items() if any(s.language == "toml" for s in found)])
def test_toml_is_valid(page: str) -> None:
    for snippet in PAGES[page]:
        if snippet.language == "toml":
            assert tomllib.loads(snippet.code), snippet.place


def test_every_exemption_has_a_reason_and_is_used() -> None:
    found = list(exemptions())
    assert all(len(reason.split()) >= 2 for _, _, reason in found)
    unused = [(place, text) for place, text, reason in found if text and not exempts(place, text)]
    assert not unused
    assert len(found) <= MOST_EXEMPTIONS, f"{len(found)} exemptions"


def test_tests_that_run_code_instead_exist() -> None:
    for (page, _), test in ELSEWHERE.items():
        assert (ROOT / test).exists() or page not in PAGES, f"{page}: {test}"
    for place, _, reason in exemptions():
        for path in [word.strip(".,;") for word in reason.split() if word.startswith(("tests/", "plugins/"))]:
            assert (ROOT / path).exists(), f"{place}: {path}"


def test_most_code_runs() -> None:
    commands = [(s, line) for found in PAGES.values() for s in found if s.language in SHELL for line in s.commands()]
    own = [reason_not_to_run(snippet, line) for snippet, line in commands if "voxstack " in line]
    python = [s.exemptions for found in PAGES.values() for s in found if s.language == "python"]
    assert own.count(None) >= 0.6 * len(own), f"{own.count(None)} of {len(own)} commands"
    assert sum("" not in reasons for reasons in python) >= 0.7 * len(python)


def exemptions() -> Iterator[tuple[str, str, str]]:
    """Yield the place, the text of the lines, and the reason of every exemption."""
    for found in PAGES.values():
        for snippet in found:
            yield from ((snippet.place, text, reason) for text, reason in snippet.exemptions.items())


def exempts(place: str, text: str) -> bool:
    """Return whether an exemption stands before a snippet with such a line."""
    return any(text in s.code for found in PAGES.values() for s in found if s.place == place)


def values_of(snippet: Snippet) -> list[Any]:
    """Return the values of a snippet: of several in a row, or of the entries of an object."""
    text = snippet.code.strip()
    if text.startswith('"'):
        return [json.loads(f"{{{text.rstrip(',')}}}")]
    values = []
    while text:
        value, end = json.JSONDecoder().raw_decode(text)
        values.append(value)
        text = text[end:].lstrip(", \n")
    return values


def blocks_in(value: Any) -> Iterator[dict[str, Any]]:
    """Yield the entries of blocks in a JSON value, at any depth."""
    if isinstance(value, dict):
        if isinstance(kind := value.get("type"), str) and kind[:1].isupper():
            yield value
        for part in value.values():
            yield from blocks_in(part)
    elif isinstance(value, list):
        for part in value:
            yield from blocks_in(part)
