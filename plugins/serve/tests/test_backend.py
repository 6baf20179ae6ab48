"""Voices that a plugin provides to the service."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest

import voxstack_serve.backend as backend
from voxstack import PluginError, Registry, Voices
from voxstack_serve.backend import Backend, open_backend

OPTIONS = argparse.Namespace(ray="pools.json", context=None, budget=None)


def provide(monkeypatch: pytest.MonkeyPatch, *points: Any) -> None:
    monkeypatch.setattr(backend, "select_entry_points", lambda group, name: points)


def test_a_plugin_provides_voices(monkeypatch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def connect(options: argparse.Namespace, registry: Registry) -> Iterator[Backend]:
        with Voices(registry=registry) as voices:
            yield Backend(voices, [])

    provide(monkeypatch, SimpleNamespace(load=lambda: connect, distribution="speech-on-ray"))
    with open_backend(OPTIONS, Registry({})) as (voices, jobs):
        assert isinstance(voices, Voices)
        assert jobs == []


def test_a_missing_plugin_is_stated(monkeypatch: pytest.MonkeyPatch) -> None:
    provide(monkeypatch)
    with (
        pytest.raises(PluginError, match=r"--ray is part of a plugin.*pip install 'voxstack\[ray\]'"),
        open_backend(OPTIONS, Registry({})),
    ):
        pass


def test_a_broken_plugin_is_stated(monkeypatch: pytest.MonkeyPatch) -> None:
    def load() -> Any:
        raise ImportError("no module named ray")

    provide(monkeypatch, SimpleNamespace(load=load, distribution="speech-on-ray"))
    with (
        pytest.raises(PluginError, match="speech-on-ray, which cannot be imported"),
        open_backend(OPTIONS, Registry({})),
    ):
        pass
