"""Fixtures for the tests of all distributions."""

from __future__ import annotations

import atexit
import functools
import gc
import hashlib
import json
import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tiny import network, plugin, tensor
from trainings import AMBER, COBALT

from voxstack import Registry, Scheduler
from voxstack.networks.addon import Addon
from voxstack_voice.costs import MachineShare


def pytest_configure() -> None:
    """Handle SIGINT, which a shell ignores for what it starts in the background, and leave the user's cache alone."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if "VOXSTACK_CACHE" not in os.environ:  # the processes of pytest-xdist inherit it
        os.environ["VOXSTACK_CACHE"] = folder = tempfile.mkdtemp(prefix="voxstack-cache-")
        atexit.register(shutil.rmtree, folder, ignore_errors=True)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Let processes that share the tests (``-n 2``) begin with the trainings, which take longest."""
    if hasattr(config, "workerinput"):
        trainings = {AMBER.tests, COBALT.tests}
        items.sort(key=lambda item: item.path not in trainings)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Start the trainings whose tests are to run among many others, which leave a core to them."""
    paths = {item.path for item in session.items}
    for training in (AMBER, COBALT):
        if training.tests in paths and len(session.items) > 1000 and not hasattr(session.config, "workerinput"):
            training.start()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Give each process whole files, in their order: what a file builds for its tests is built once."""
    from xdist.scheduler import LoadFileScheduling

    @functools.cache
    def shares_exports(file: str) -> bool:
        return "shared_exports" in (config.rootpath / file).read_text("utf-8")

    class Scheduling(LoadFileScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            """Return the file, or one name for all files that share their exports, which one process makes."""
            file = str(super()._split_scope(nodeid))
            return "shared_exports" if shares_exports(file) else file

    config.option.loadscopereorder = False
    return Scheduling(config, log)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Any:
    """Escape what UTF-8 cannot encode in captured logs: the processes of pytest-xdist send reports in it."""
    report = yield
    report.sections = [(name, text.encode("utf-8", "backslashreplace").decode()) for name, text in report.sections]
    return report


@pytest.fixture(autouse=True, scope="module")
def short_collections() -> Iterator[None]:
    """Keep what earlier modules left out of later collections: with torch and thousands of tests one takes a second."""
    gc.freeze()
    yield
    gc.collect()


@pytest.fixture(autouse=True, scope="session")
def quiet_machine() -> Iterator[None]:
    """Let no stream of a test be refused because the machine is busy; tests of admission set costs of their own."""
    shared = Scheduler.shared()
    shared.load = shared.patience = None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(MachineShare, "observe", lambda *_: None)
        yield


@pytest.fixture(autouse=True, scope="session")
def contexts_unmeasured() -> Iterator[None]:
    """Measure no other contexts of the many addons that tests make: the process for it imports every runtime."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("voxstack_packager.packaging.measure_contexts", lambda *_: {})
        patch.setattr("voxstack_packager.packaging.ContextProcess", lambda *_: None)
        yield


@pytest.fixture(autouse=True, scope="session")
def modules_unknown() -> Iterator[None]:
    """Look for no network that was measured before: for that, modules are traced, and few are packaged twice."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("voxstack_packager.known.known_networks.module_digest", lambda source: None)
        yield


@pytest.fixture
def write_addon(tmp_path: Path) -> Callable[..., Path]:
    """Write a valid addon folder; each network's file holds the name of the network."""

    def write(name: str = "tiny", **config: Any) -> Path:
        folder = tmp_path / name
        folder.mkdir()
        files = {
            e["symbol"]: e["symbol"].encode() for n in config.get("networks", {}).values() for e in n.get("exports", [])
        }
        entries = {
            file: {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data)} for file, data in files.items()
        }
        for file, data in files.items():
            (folder / file).write_bytes(data)
        base = {"spec_version": 1, "name": name, "version": "1", "license": "Apache-2.0", "languages": ["en-US"]}
        base |= {"sample_rate": 8000, "hop_length": 10, "controls": {}, "networks": {}, "files": entries}
        base |= {"contexts": {"default": {"runtime": "python"}}}
        (folder / "addon.json").write_text(json.dumps({**base, **config}))
        return folder

    return write


@pytest.fixture
def doubling() -> dict[str, Any]:
    """JSON of a decoder with no context that doubles its frames."""
    streaming = {"axis": "frames", "left": 0, "right": 0, "hop": 1}
    return network(
        "decoder", {"frames": tensor("batch", "frames", 2)}, {"mel": tensor("batch", "frames", 2)}, streaming=streaming
    )


@pytest.fixture
def open_tiny(write_addon: Callable[..., Path]) -> Callable[..., Addon]:
    """Open an addon with these blocks and runners."""

    def open_it(
        blocks: list[type] = (),
        runners: dict[str, Any] | None = None,
        hooks: dict[str, Any] | None = None,
        **config: Any,
    ) -> Addon:
        registry = Registry({"tiny": plugin(list(blocks), runners, **(hooks or {}))})
        return Addon.open(write_addon(**config), registry)

    return open_it
