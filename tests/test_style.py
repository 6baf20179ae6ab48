"""The code keeps the style that pyproject.toml sets, its types hold, and its prose is plain English."""

from __future__ import annotations

import ast
import io
import re
import subprocess
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
BANNED = re.compile(r"\b([Tt]old|[Ww]hoever|[Ss]o many|[Nn]obody|[Ss]hall|[Aa]new|is none)\b")
DATA = {"homograph_table.py", "texts.py", "export.py"}  # English words and sentences; golden texts
QUESTIONS = ("What ", "Whether ", "Where ", "How ")


def tracked(*endings: str) -> list[Path]:
    """Return the files of these endings that git tracks or would track; all files where there is no git."""
    done = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    paths = [ROOT / line for line in done.stdout.splitlines()] or list(ROOT.rglob("*"))
    return sorted(path for path in paths if path.suffix in endings and path.is_file() and ".venv" not in path.parts)


@pytest.mark.parametrize(
    "command", [["ruff", "check", "."], ["ruff", "format", "--check", "."], ["mypy"]], ids=" ".join
)
def test_tools_are_content(command: list[str]) -> None:
    done = subprocess.run([sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def prose(path: Path) -> Iterator[tuple[int, str]]:
    """Yield line and text of everything in a Python file that people read: docstrings, comments, help, messages."""
    source = path.read_text("utf-8")
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.count(" ") >= 3:
            yield node.lineno, node.value


def is_shipped(path: Path) -> bool:
    return "src" in path.parts or "training" in path.parts


@pytest.mark.parametrize(
    "path",
    [p for p in tracked(".py") if is_shipped(p) and p.name not in DATA],
    ids=lambda p: str(p.relative_to(ROOT)),
)
def test_prose_of_modules_is_plain_english(path: Path) -> None:
    found = [f"{path.name}:{line}: {match[0]}" for line, text in prose(path) for match in BANNED.finditer(text)]
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            doc = ast.get_docstring(node) or ""
            if doc.startswith(QUESTIONS) and not isinstance(node, ast.FunctionDef):
                found.append(f"{path.name}:{getattr(node, 'lineno', 1)}: {doc.splitlines()[0]}")
    assert not found


@pytest.mark.parametrize("path", tracked(".md"), ids=lambda p: str(p.relative_to(ROOT)))
def test_prose_of_documents_is_plain_english(path: Path) -> None:
    text = re.sub(r"`[^`\n]*`", "", path.read_text("utf-8"))  # names in code, also old ones, are no prose
    lines = text.splitlines()
    assert not [f"{number}: {match[0]}" for number, line in enumerate(lines, 1) for match in BANNED.finditer(line)]
