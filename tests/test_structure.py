"""The structure of the repository: who imports whom, and which names utterances carry."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from voxstack.utterance import NAMES

ROOT = Path(__file__).parent.parent
SOURCES = sorted(path for folder in ("addon_spec", "core", "plugins/*") for path in ROOT.glob(f"{folder}/src/**/*.py"))
PLUGINS = {path.name for path in ROOT.glob("plugins/*/src/*") if (path / "__init__.py").exists()}
MAY_IMPORT = {"voxstack_importers": {"voxstack_packager"}, "voxstack_serve_ray": {"voxstack_serve"}}
FACADE = "voxstack"
PROVIDERS = {"voxstack_plot", "voxstack_voice", "voxstack_voices"}
"""The only module of the core that knows plugins, for the types of the public names that they provide."""


def module_of(path: Path) -> str:
    parts = path.with_suffix("").parts
    name = ".".join(parts[parts.index("src") + 1 :])
    return name.removesuffix(".__init__")


MODULES = {module_of(path): path for path in SOURCES}


def imported(path: Path) -> Iterator[str]:
    """Yield the modules of this repository that a file imports, also for types only."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.partition(".")[0].startswith("voxstack"))
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.partition(".")[0].startswith("voxstack"):
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if inner in MODULES else node.module


@pytest.mark.parametrize("module", MODULES)
def test_arrows_go_one_way(module: str) -> None:
    own = module.partition(".")[0]
    tops = {name.partition(".")[0] for name in imported(MODULES[module])} - {own}
    if own == "voxstack_addon_spec":
        allowed: set[str] = set()
    elif own == "voxstack":
        allowed = {"voxstack_addon_spec", *(PROVIDERS if module == FACADE else ())}
    else:
        allowed = {"voxstack", "voxstack_addon_spec", *MAY_IMPORT.get(own, ())}
    assert tops <= allowed


def test_no_imports_go_round() -> None:
    """Also for types only; a package's ``__init__`` counts as what it imports, but for the facade."""
    graph = {
        module: {name for name in imported(path) if name in MODULES and name not in (module, FACADE)}
        for module, path in MODULES.items()
        if module != FACADE
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def test_importing_every_plugin_imports_nothing_heavy() -> None:
    heavy = ("torch", "onnxruntime", "openvino", "onnx", "transformers", "scipy", "matplotlib")
    code = f"import sys, {', '.join(sorted(PLUGINS))}; print(*[name for name in {heavy!r} if name in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == ""


@pytest.mark.parametrize("module", MODULES)
def test_waits_are_limited_by_what_never_ignores_a_cancellation(module: str) -> None:
    """``asyncio.wait_for`` does before Python 3.12, where what it waits for ends at the same time."""
    assert "asyncio.wait_for(" not in MODULES[module].read_text("utf-8"), "use asyncio.timeout"


NEEDS = re.compile(r"\b(?:needs|gives)\s*=\s*(?:needs\s*=\s*|gives\s*=\s*)?frozenset\(\{([^}]*)\}\)")
READS = re.compile(r"\butterance(?:\[|\.get\()\"(\w+)\"")


@pytest.mark.parametrize("path", [p for p in SOURCES if PLUGINS & set(p.parts)], ids=module_of)
def test_names_of_utterances_are_in_the_table(path: Path) -> None:
    text = path.read_text("utf-8")
    names = {name for match in NEEDS.finditer(text) for name in re.findall(r"\"(\w+)\"", match[1])}
    assert names | set(READS.findall(text)) <= NAMES.keys()
