"""Errors of all installed distributions survive pickling, so that they pass between processes whole."""

from __future__ import annotations

import ast
import importlib
import inspect
import pickle
import pkgutil
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from voxstack import VoxstackError
from voxstack_addon_spec import LocatedError
from voxstack_addon_spec.errors import MAX_TEXT

BUILT_IN = {"AddonError", "BlockError", "CapacityError", "ContextError", "LocatedError", "NetworkError"}
BUILT_IN |= {"PluginError", "RequestError", "StackError"}


def classes() -> Iterator[tuple[str, str, set[str]]]:
    """Yield (module, class, names of its bases) of every class in the sources of installed voxstack packages."""
    for package in pkgutil.iter_modules():
        spec = find_spec(package.name) if package.name.startswith("voxstack") else None
        for folder in (spec and spec.submodule_search_locations) or ():
            for path in sorted(Path(folder).rglob("*.py")):
                module = ".".join([package.name, *path.relative_to(folder).with_suffix("").parts])
                for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                    if isinstance(node, ast.ClassDef):
                        bases = {ast.unparse(base).rpartition(".")[2] for base in node.bases}
                        yield module.removesuffix(".__init__"), node.name, bases


def error_kinds() -> list[type[VoxstackError]]:
    """Return every subclass of VoxstackError, found by the names of bases so that only its own module is imported."""
    found, names = list(classes()), {"VoxstackError"}
    while more := {name for _, name, bases in found if bases & names} - names:
        names |= more
    kinds = [getattr(importlib.import_module(module), name) for module, name, bases in found if bases & names]
    return [VoxstackError, *kinds]


KINDS = error_kinds()


def test_the_search_finds_the_errors_of_all_distributions() -> None:
    assert {kind.__name__ for kind in KINDS} >= BUILT_IN
    assert len({kind.__module__.partition(".")[0] for kind in KINDS}) >= 4
    assert all(issubclass(kind, VoxstackError) for kind in KINDS)
    assert set(subclasses(VoxstackError)) <= set(KINDS), "a class is defined where the search does not look"


def subclasses(kind: type[VoxstackError]) -> Iterator[type[VoxstackError]]:
    """Yield the subclasses of ``kind`` in voxstack packages that have been imported, at every depth."""
    for child in kind.__subclasses__():
        yield from subclasses(child)
        if child.__module__.startswith("voxstack"):
            yield child


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("protocol", [2, pickle.HIGHEST_PROTOCOL])
def test_an_error_is_the_same_after_pickling(kind: type[VoxstackError], protocol: int) -> None:
    _, *parameters = inspect.signature(kind.__init__).parameters.values()
    names = [each.name for each in parameters if each.kind not in (each.VAR_POSITIONAL, each.VAR_KEYWORD)]
    error = kind(*(f"the {name}" for name in names or ["problem"]))
    copy = pickle.loads(pickle.dumps(error, protocol))
    assert type(copy) is kind
    assert str(copy) == str(error) != ""
    assert copy.args == error.args
    assert vars(copy) == vars(error)
    again = pickle.loads(pickle.dumps(copy, protocol))
    assert (str(again), again.args, vars(again)) == (str(error), error.args, vars(error))


def test_the_text_of_an_error_has_a_bound_and_ends_with_what_to_do() -> None:
    for error in (
        VoxstackError("x" * 100_000 + "; try again"),
        LocatedError("a" * 50_000, "b" * 50_000 + "; try again"),
    ):
        assert len(str(error)) <= MAX_TEXT
        assert " [...] " in str(error)
        assert str(error).endswith("; try again")
        assert str(pickle.loads(pickle.dumps(error))) == str(error)
    assert str(VoxstackError("x" * MAX_TEXT)) == "x" * MAX_TEXT
