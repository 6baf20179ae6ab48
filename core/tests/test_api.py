"""Public names that plugins provide: found by entry points, and an error says what to install."""

from __future__ import annotations

import subprocess
import sys

import pytest

import voxstack
from voxstack import PluginError
from voxstack.entry_points import EntryPoint


def provide(monkeypatch: pytest.MonkeyPatch, *points: tuple[str, str, str]) -> None:
    """Replace the installed entry points by these: name, value, distribution."""
    entries = tuple(EntryPoint("voxstack.api", *point) for point in points)
    monkeypatch.setattr("voxstack.entry_points.installed_entry_points", lambda: entries)
    for name, *_ in (*points, ("load",), ("Voices",)):
        monkeypatch.delitem(vars(voxstack), name, raising=False)


@pytest.mark.parametrize(("name", "home"), [("load", "voxstack-voice"), ("Voices", "voxstack-voices")])
def test_a_missing_distribution_is_named(name: str, home: str, monkeypatch: pytest.MonkeyPatch) -> None:
    provide(monkeypatch)
    with pytest.raises(PluginError, match=f"voxstack.{name} is part of {home}, .*; try: pip install {home}$"):
        getattr(voxstack, name)


def test_importing_a_missing_name_says_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    provide(monkeypatch)
    with pytest.raises(PluginError, match="pip install voxstack-voice"):
        from voxstack import load  # noqa: F401


def test_a_plugin_provides_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    provide(monkeypatch, ("greet", "textwrap:dedent", "somebody"))
    assert voxstack.greet("  a") == "a"


def test_a_provider_that_cannot_be_imported_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    provide(monkeypatch, ("load", "nowhere:load", "voxstack-voice"))
    with pytest.raises(PluginError, match="part of voxstack-voice, which cannot be imported: ModuleNotFoundError"):
        _ = voxstack.load


def test_two_providers_of_one_name_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    provide(monkeypatch, ("greet", "textwrap:dedent", "one"), ("greet", "textwrap:indent", "two"))
    with pytest.raises(PluginError, match=r"voxstack\.greet is provided by one and by two; uninstall all but one"):
        _ = voxstack.greet


def test_other_names_do_not_exist() -> None:
    with pytest.raises(AttributeError, match="module 'voxstack' has no attribute 'laod'"):
        _ = voxstack.laod


def test_importing_the_core_imports_no_plugin() -> None:
    code = "import sys, voxstack; print(*[name for name in sys.modules if name.startswith('voxstack_')], sep='\\n')"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert {name.partition(".")[0] for name in run.stdout.split()} == {"voxstack_addon_spec"}
