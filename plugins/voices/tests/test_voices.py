from __future__ import annotations

import asyncio
import gc
import json
import shutil
import threading
import time
import weakref
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from copies import copied, write_config

import voxstack
from voxstack import CapacityError, PluginError, Registry, RequestError, Schedule, Scheduler, Voices
from voxstack.networks.addon import Addon
from voxstack.networks.opening import NetworkPool
from voxstack_addon_spec import write_zip
from voxstack_voices.weights import total, weights_of

TEXT = "Hello there, my friend."
SMALL = Schedule(first=16, growth=1.0001, largest=16)


@pytest.fixture(scope="module")
def addons(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Copy three voices with weights of their own and the vocoder of prism."""
    folder = tmp_path_factory.mktemp("addons")
    return [copied(folder, "amber", f"voice{number}", weights=number + 1) for number in range(3)]


class Clock:
    now = 0.0

    def __call__(self) -> float:
        self.now += 1
        return self.now


def fresh() -> Registry:
    """Return a registry in which no network is open yet."""
    return Registry.installed().with_plugins({})


def cost(*paths: Path) -> int:
    registry = Registry.installed()
    return total(weights_of(Addon.open(path, registry)) for path in paths)


def names(voices: Voices) -> list[str]:
    return [Path(row.name).name for row in voices.status()]


def test_a_voice_is_opened_on_demand_and_synthesizes_what_it_does_alone() -> None:
    voices = Voices()
    assert voices.status() == []
    samples = voices.synthesize("amber", TEXT).samples
    np.testing.assert_array_equal(samples, voxstack.load("amber").synthesize(TEXT).samples)
    np.testing.assert_array_equal(
        np.concatenate([chunk.samples for chunk in voices.stream("amber", TEXT, rate=1.0)]), samples
    )
    with voices.use("amber") as voice, voices.use("amber") as again:
        assert voice is again
        assert voices.status()[0].users == 2
    assert [(row.name, row.users) for row in voices.status()] == [("amber", 0)]


def test_ten_voices_with_one_vocoder_have_it_once(tmp_path: Path) -> None:
    registry = fresh()
    paths = [copied(tmp_path, "amber", f"v{number}", weights=number + 1) for number in range(10)]
    voices = Voices(registry=registry, warm=paths)
    opened = [network.spec.name for network in registry.shared(NetworkPool)._networks.values()]
    assert {name: opened.count(name) for name in ("vocoder", "decoder", "encoder")} == {
        "vocoder": 1,
        "decoder": 10,
        "encoder": 10,
    }
    rows, (vocoder,) = voices.status(), shared_bytes(registry, paths[0])
    assert {row.shared for row in rows} == {vocoder}
    assert sum(row.own for row in rows) + vocoder == cost(*paths)


def shared_bytes(registry: Registry, path: Path) -> list[int]:
    """Return the bytes of the networks that a voice borrows."""
    addon = Addon.open(path, registry)
    weights = weights_of(addon)
    return [
        weights[spec.digest, spec.trusted, addon.context.key()]
        for name, spec in addon.networks.items()
        if "addon" in addon.config["networks"][name]
    ]


def test_equal_networks_of_voices_that_borrow_nothing_are_shared(tmp_path: Path) -> None:
    registry = fresh()
    paths = [copied(tmp_path, "amber", f"v{number}", own=True) for number in range(3)]
    with Voices(registry=registry).use(paths[0]) as one, Voices(registry=registry).use(paths[1]) as other:
        assert one.addon.stream_network("vocoder") is other.addon.stream_network("vocoder")
        assert len({id(network) for network in registry.shared(NetworkPool)._networks.values()}) == len(
            one.addon.opened
        )


@pytest.mark.parametrize(("trust", "vocoders"), [(True, 1), (False, 2)])
def test_an_equal_network_is_shared_with_a_borrowed_one_if_it_is_trusted_too(
    tmp_path: Path, trust: bool, vocoders: int
) -> None:
    registry = fresh()
    voices = Voices(registry=registry, trust=trust)
    voices.warm("amber", copied(tmp_path, "amber", "own", own=True, weights=0))
    assert [network.spec.name for network in registry.shared(NetworkPool)._networks.values()].count(
        "vocoder"
    ) == vocoders
    assert [row.own == 0 for row in voices.status()] == [trust, trust]


def test_the_least_recently_used_goes_when_room_is_needed(addons: list[Path]) -> None:
    voices = Voices(cost(*addons[:2]), registry=fresh(), clock=Clock())
    voices.warm(addons[0], addons[1])
    voices.synthesize(addons[0], "Yes.")
    voices.synthesize(addons[2], "Yes.")
    assert names(voices) == ["voice2", "voice0"]


def test_what_is_in_use_stays_and_what_does_not_fit_is_refused(addons: list[Path]) -> None:
    voices = Voices(cost(*addons[:2]), registry=fresh())
    with voices.use(addons[0]), voices.use(addons[1]):
        with pytest.raises(
            CapacityError, match=r"voice2 needs \d+\.\d MB, .* \(.*voice0, \d.*voice1, \d.* MB\) that is .* the budget"
        ):
            voices.synthesize(addons[2], "Yes.")
        assert sorted(names(voices)) == ["voice0", "voice1"]
    assert len(voices.synthesize(addons[2], "Yes.").samples)


def test_nothing_is_unloaded_for_a_voice_that_will_not_fit(addons: list[Path]) -> None:
    voices = Voices(cost(addons[0]), registry=fresh(), warm=addons[:1])
    voices.budget = cost(addons[0]) - 1
    with pytest.raises(CapacityError, match=r"in use \(nothing else\)"):
        voices.warm(addons[1])
    assert names(voices) == ["voice0"]


def test_what_gives_no_room_stays(addons: list[Path], tmp_path: Path) -> None:
    """A voice is not unloaded if others have all its networks, too, though it was used least recently."""
    twin = copied(tmp_path, "amber", "twin", weights=1)
    voices = Voices(cost(*addons[:2]), registry=fresh(), clock=Clock(), warm=[twin, addons[0], addons[1]])
    with voices.use(addons[0]):
        voices.warm(addons[2])
    assert sorted(names(voices)) == ["twin", "voice0", "voice2"]


def test_twins_go_together_where_one_alone_gives_no_room(addons: list[Path], tmp_path: Path) -> None:
    twin = copied(tmp_path, "amber", "twin", weights=1)
    voices = Voices(cost(addons[0]), registry=fresh(), clock=Clock(), warm=[twin, addons[0]])
    voices.warm(addons[1])
    assert names(voices) == ["voice1"]


def test_a_shared_network_needs_no_room_of_its_own(addons: list[Path], tmp_path: Path) -> None:
    twin = copied(tmp_path, "amber", "twin", weights=1)
    voices = Voices(cost(addons[0]), registry=fresh())
    with voices.use(addons[0]), voices.use(twin):
        assert [row.own for row in voices.status()] == [0, 0]


def test_what_is_unloaded_is_gone(addons: list[Path]) -> None:
    registry = fresh()
    voices = Voices(registry=registry, warm=addons[:2])
    with voices.use(addons[0]) as voice:
        own = weakref.ref(voice.addon.network("decoder"))
        shared = weakref.ref(voice.addon.stream_network("vocoder"))
    del voice
    assert voices.unload(addons[0])
    assert not voices.unload(addons[0])
    gc.collect()
    assert own() is None
    assert shared() is not None
    voices.unload(addons[1])
    gc.collect()
    assert shared() is None
    assert not list(registry.shared(NetworkPool)._networks.values())


def test_idle_voices_are_unloaded(addons: list[Path]) -> None:
    clock = SimpleNamespace(now=0.0)
    voices = Voices(registry=fresh(), clock=lambda: clock.now, warm=addons[:3])
    clock.now = 9.0
    voices.warm(addons[1])
    with voices.use(addons[2]):
        assert voices.unload_idle(10) == []
        clock.now = 12.0
        assert voices.unload_idle(10) == [str(addons[0])]
    assert sorted(names(voices)) == ["voice1", "voice2"]
    clock.now = 22.0
    assert sorted(voices.unload_idle(10)) == [str(addons[1]), str(addons[2])]
    assert voices.status() == []
    voices.warm(addons[0])


@pytest.mark.parametrize("end", ["run", "close", "drop", "unstarted"])
def test_a_stream_keeps_its_voice_until_it_ends(addons: list[Path], end: str) -> None:
    voices = Voices(registry=fresh())
    stream: Any = voices.stream(addons[0], TEXT, schedule=SMALL)
    if end != "unstarted":
        next(stream)
    assert voices.status()[0].users == 1
    if end == "run":
        list(stream)
    elif end == "close":
        stream.close()
    del stream
    gc.collect()
    assert voices.status()[0].users == 0


def test_a_stream_that_is_unloaded_goes_on(addons: list[Path]) -> None:
    voices = Voices(registry=fresh())
    whole = voices.synthesize(addons[0], TEXT).samples
    stream = voices.stream(addons[0], TEXT, schedule=SMALL)
    first = next(stream).samples
    voices.unload(addons[0])
    samples = np.concatenate([first, *(chunk.samples for chunk in stream)])
    np.testing.assert_allclose(samples, whole, atol=1e-3 * np.abs(whole).max())


def test_32_threads_open_a_voice_once(addons: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[Any] = []
    original = Addon.open
    monkeypatch.setattr(
        "voxstack_voices.voices.Addon.open",
        lambda *args: (opened.append(args[0]), time.sleep(0.05), original(*args))[2],
    )
    voices, start, results = Voices(registry=fresh()), threading.Barrier(32), [None] * 32

    def run(number: int) -> None:
        start.wait()
        results[number] = voices.synthesize(addons[number % 2], "Yes.").samples

    threads = [threading.Thread(target=run, args=(number,)) for number in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(opened) == sorted(str(path) for path in addons[:2])
    for number, samples in enumerate(results):
        np.testing.assert_array_equal(samples, results[number % 2])
    assert [row.users for row in voices.status()] == [0, 0]


def test_threads_that_press_on_a_budget_get_their_voices_in_the_end(addons: list[Path]) -> None:
    voices, results = Voices(cost(*addons[:2]), registry=fresh()), []

    def run(number: int) -> None:
        for turn in range(4):
            while True:
                try:
                    voice = (number + turn) % 3
                    results.append((voice, voices.synthesize(addons[voice], "Yes.").samples))
                    break
                except CapacityError:
                    time.sleep(0.01)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    whole = [Voices(registry=fresh()).synthesize(path, "Yes.").samples for path in addons]
    assert len(results) == 32
    for number, samples in results:
        np.testing.assert_array_equal(samples, whole[number])
    assert len(voices.status()) <= 2


def test_others_do_not_wait_for_a_voice_that_is_opened(addons: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    voices, go = Voices(registry=fresh(), warm=addons[:1]), threading.Event()
    original = Addon.open
    monkeypatch.setattr("voxstack_voices.voices.Addon.open", lambda *args: (go.wait(10), original(*args))[1])
    thread = threading.Thread(target=lambda: voices.synthesize(addons[1], "Yes."))
    thread.start()
    assert len(voices.synthesize(addons[0], "Yes.").samples)
    assert names(voices) == ["voice0"]
    go.set()
    thread.join()
    assert sorted(names(voices)) == ["voice0", "voice1"]


@pytest.fixture
def changing(tmp_path: Path) -> tuple[Path, Any]:
    """Return a voice, and a function that replaces it by another version."""
    place = copied(tmp_path / "here", "amber", "voice", weights=1)

    def change(**config: Any) -> None:
        new = copied(tmp_path / "next", "amber", "voice", weights=2, version="9.0", **config)
        old = tmp_path / f"old{time.monotonic_ns()}"
        place.rename(old)
        new.rename(place)

    return place, change


def test_an_addon_that_changed_is_opened_again_and_streams_go_on(changing: tuple[Path, Any]) -> None:
    place, change = changing
    voices = Voices(registry=fresh())
    before = voices.synthesize(place, TEXT).samples
    streams = [voices.stream(place, TEXT, schedule=SMALL) for _ in range(8)]
    firsts = [next(stream).samples for stream in streams]
    change()
    after = voices.synthesize(place, TEXT).samples
    assert voices.status()[0].version == "9.0"
    assert np.abs(after[:1000] - before[:1000]).max() > 0
    for first, stream in zip(firsts, streams, strict=True):
        samples = np.concatenate([first, *(chunk.samples for chunk in stream)])
        np.testing.assert_allclose(samples, before, atol=1e-3 * np.abs(before).max())
    assert [(row.version, row.users) for row in voices.status()] == [("9.0", 0)]


def test_a_change_that_is_broken_leaves_the_old_one(
    changing: tuple[Path, Any], caplog: pytest.LogCaptureFixture
) -> None:
    place, _ = changing
    clock = SimpleNamespace(now=0.0)
    voices = Voices(registry=fresh(), clock=lambda: clock.now)
    before = voices.synthesize(place, TEXT).samples
    good = json.loads((place / "addon.json").read_text())
    write_config(place, {**good, "stack": [{"type": "Sentencs"}]})
    np.testing.assert_array_equal(voices.synthesize(place, TEXT).samples, before)
    assert "did you mean 'Sentences'?" in voices.status()[0].problem
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    voices.synthesize(place, TEXT)
    assert len(caplog.records) == 1, "it is not tried again at once"
    clock.now += 10
    write_config(place, {**good, "version": "9.1"})
    voices.synthesize(place, TEXT)
    assert [(row.version, row.problem) for row in voices.status()] == [("9.1", "")]
    shutil.rmtree(place)
    voices.synthesize(place, TEXT)
    assert voices.status()[0].problem


def test_a_request_while_a_reload_fails_does_not_try_it_again(changing: tuple[Path, Any]) -> None:
    """The failure is recorded before others may try: here another request comes at the moment when it is recorded."""
    place, _ = changing
    concurrent: list[threading.Thread] = []
    armed = threading.Event()

    def clock() -> float:
        if armed.is_set():
            armed.clear()
            concurrent.append(threading.Thread(target=voices.synthesize, args=(place, "Yes.")))
            concurrent[0].start()
            concurrent[0].join(60)
        return 100.0

    voices = Voices(registry=fresh(), clock=clock, warm=[place])
    opened: list[Any] = []

    def fail(*args: Any) -> None:
        opened.append(args[0])
        armed.set()
        raise PluginError("the new version cannot be opened")

    write_config(place, {**json.loads((place / "addon.json").read_text()), "version": "9.0"})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("voxstack_voices.voices.Addon.open", fail)
        assert len(voices.synthesize(place, "Yes.").samples)
    assert len(concurrent) == 1
    assert not concurrent[0].is_alive()
    assert opened == [str(place)]
    assert voices.status()[0].problem == "the new version cannot be opened"


def test_a_zip_is_reloaded_too(changing: tuple[Path, Any]) -> None:
    place, change = changing
    zipped = write_zip(place, place.with_name("voice.zip"))
    voices = Voices(registry=fresh(), warm=[zipped])
    stream = voices.stream(zipped, TEXT, schedule=SMALL)
    next(stream)
    change()
    write_zip(place, zipped.with_name("new.zip")).rename(zipped)
    voices.synthesize(zipped, "Yes.")
    assert [(row.version, row.problem) for row in voices.status()] == [("9.0", "")]
    assert sum(len(chunk.samples) for chunk in stream)


def test_a_change_needs_no_room_beside_what_it_replaces(changing: tuple[Path, Any]) -> None:
    place, change = changing
    voices = Voices(cost(place), registry=fresh())
    stream = voices.stream(place, TEXT, schedule=SMALL)
    next(stream)
    change()
    voices.synthesize(place, "Yes.")
    assert [(row.version, row.users, row.problem) for row in voices.status()] == [("9.0", 0, "")]
    assert sum(len(chunk.samples) for chunk in stream)


def test_a_change_that_is_taken_back_is_no_problem_any_more(changing: tuple[Path, Any]) -> None:
    place, _ = changing
    voices = Voices(registry=fresh(), warm=[place])
    away = place.rename(place.with_name("away"))
    voices.synthesize(place, "Yes.")
    assert "no such file" in voices.status()[0].problem
    away.rename(place)
    voices.synthesize(place, "Yes.")
    assert voices.status()[0].problem == ""


def test_an_error_of_a_plugin_in_a_change_is_reported_and_leaves_the_old_one(
    changing: tuple[Path, Any], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    place, change = changing
    voices = Voices(registry=fresh(), warm=[place])
    change()
    monkeypatch.setattr("voxstack_decoder.decoder.Decoder.load", lambda *args: 1 / 0)
    assert len(voices.synthesize(place, "Yes.").samples)
    assert voices.status()[0].problem.endswith("ZeroDivisionError: division by zero")
    assert [record.levelname for record in caplog.records] == ["WARNING"]


def test_asyncio(addons: list[Path]) -> None:
    voices = Voices(registry=fresh())

    async def speak(path: Path) -> np.ndarray:
        return np.concatenate([chunk.samples async for chunk in voices.astream(path, TEXT)])

    async def both() -> list[np.ndarray]:
        return await asyncio.gather(*(speak(path) for path in addons[:2]))

    for samples, path in zip(asyncio.run(both()), addons, strict=False):
        whole = voices.synthesize(path, TEXT).samples
        np.testing.assert_allclose(samples, whole, atol=1e-3 * np.abs(whole).max())
    assert [row.users for row in voices.status()] == [0, 0]


def test_a_loaded_voice_is_leased_without_a_thread(addons: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    voices = Voices(registry=fresh(), warm=addons[:1])

    async def speak(path: Path) -> None:
        async for _ in voices.astream(path, TEXT):
            pass

    def no_thread(*args: object) -> None:
        raise RuntimeError("a thread was asked for")

    monkeypatch.setattr("asyncio.to_thread", no_thread)
    asyncio.run(speak(addons[0]))
    with pytest.raises(RuntimeError, match="a thread was asked for"):
        asyncio.run(speak(addons[1]))
    voices.close()
    with pytest.raises(RuntimeError, match="a thread was asked for"):
        asyncio.run(speak(addons[0]))


def test_the_capacity_of_a_loaded_voice_can_be_checked(addons: list[Path]) -> None:
    voices = Voices(registry=fresh(), scheduler=Scheduler(load=1e-9))
    voices.check_capacity(addons[0])
    voices.synthesize(addons[0], TEXT)
    voices.check_capacity(addons[0])
    stream = voices.stream(addons[0], TEXT)
    next(stream)
    with pytest.raises(CapacityError, match="keeps up with no more"):
        voices.check_capacity(addons[0])
    stream.close()
    voices.check_capacity(addons[0])
    assert voices.status()[0].users == 0


def test_a_task_that_is_cancelled_while_its_voice_is_opened_uses_nothing(
    addons: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    voices, go = Voices(registry=fresh()), threading.Event()
    original = Addon.open
    monkeypatch.setattr("voxstack_voices.voices.Addon.open", lambda *args: (go.wait(10), original(*args))[1])

    async def cancelled() -> None:
        task = asyncio.ensure_future(anext(voices.astream(addons[0], TEXT)))
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        go.set()

    asyncio.run(cancelled())
    gc.collect()
    assert [row.users for row in voices.status()] == [0]


def test_a_stream_may_be_collected_wherever_the_collector_runs(addons: list[Path]) -> None:
    """The clock is read in the middle of everything, and here it runs the garbage collector."""
    voices = Voices(registry=fresh(), clock=lambda: gc.collect() * 0.0)
    stream: Any = voices.stream(addons[0], TEXT)
    stream.itself = stream
    del stream
    results: list[Any] = []
    thread = threading.Thread(target=lambda: results.append(voices.synthesize(addons[0], "Yes.")), daemon=True)
    thread.start()
    thread.join(60)
    assert results, "it waits for itself"
    assert [row.users for row in voices.status()] == [0]


def test_closing_refuses_what_comes_and_lets_run_what_runs(addons: list[Path]) -> None:
    registry = fresh()
    with Voices(registry=registry) as voices:
        stream = voices.stream(addons[0], TEXT, schedule=SMALL)
        first = next(stream)
    assert voices.status() == []
    with pytest.raises(RequestError, match="these voices are closed"):
        voices.synthesize(addons[0], TEXT)
    assert len(first.samples) < sum(len(chunk.samples) for chunk in stream)
    gc.collect()
    assert not list(registry.shared(NetworkPool)._networks.values()), (
        "the stream has ended, and nothing else had the voice"
    )


def test_errors_leave_nothing_behind(addons: list[Path]) -> None:
    voices = Voices(registry=fresh())
    with pytest.raises(PluginError, match="no addon named 'ambre' is installed; did you mean 'amber'"):
        voices.synthesize("ambre", TEXT)
    with pytest.raises(RequestError, match="finds nothing to pronounce"):
        voices.stream(addons[0], " ")
    assert [row.users for row in voices.status()] == [0]
    assert not voices._pool._opening
    assert not voices._pool._reserved
