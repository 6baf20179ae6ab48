"""Figures of streams, voices and the process."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from prometheus_client.parser import text_string_to_metric_families
from serving import serving, until

import voxstack
from voxstack import CapacityError
from voxstack_serve import Service
from voxstack_serve.limits import Limits
from voxstack_serve.metrics import Metrics
from voxstack_serve.spans import Tracing
from voxstack_serve.stream_record import StreamRecord, recorded


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_chunk_is_late_if_it_was_requested_before_playback_ran_out() -> None:
    clock, metrics = Clock(), Metrics()
    record = StreamRecord(metrics, "amber", clock)
    for requested, received, late in [
        (0.0, 5.0, 0),  # the first: playback begins
        (5.0, 5.9, 0),  # until 7.0
        (6.0, 7.5, 1),  # late: until 8.5
        (9.0, 9.5, 1),  # the client requested it too late: until 10.5
        (9.5, 10.5, 1),  # just in time
        (10.5, 11.6, 2),
    ]:
        clock.now = 100 + requested
        record.want()
        clock.now = 100 + received
        record.receive(1.0)
        assert record.late == late
    assert metrics.value("voxstack_late_chunks_total", {"voice": "amber"}) == 2
    assert metrics.value("voxstack_chunks_total", {"voice": "amber"}) == 6
    assert (record.first, record.audio) == (5.0, 6.0)


def test_audio_is_not_late_while_its_text_is_written() -> None:
    clock = Clock()
    record = StreamRecord(Metrics(), "amber", clock)

    async def parts() -> AsyncIterator[str]:
        yield "One. "
        clock.now += 10
        yield "Two."

    async def speak() -> None:
        async for _ in record.read(parts()):
            clock.now += 0.5
            record.receive(1.0)

    asyncio.run(speak())
    assert (record.late, record.characters) == (0, 9)


@pytest.mark.parametrize("audio", [0.0, 1.0])
def test_a_stream_that_fails_leaves_nothing_behind(audio: float) -> None:
    metrics = Metrics()

    def fail() -> None:
        with recorded(metrics, Tracing(), "amber") as record:
            assert metrics.value("voxstack_streams_waiting") == metrics.value("voxstack_streams_running") == 1
            record.receive(audio)
            raise CapacityError("no room", "memory")

    with pytest.raises(CapacityError):
        fail()
    assert metrics.value("voxstack_streams_waiting") == metrics.value("voxstack_streams_running") == 0
    assert metrics.value("voxstack_streams_refused_total", {"reason": "memory"}) == 1
    assert metrics.value("voxstack_streams_total", {"voice": "amber", "outcome": "refused"}) == 1


def figures(service: Service) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    text = service.figures()[0].decode()
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return {(sample.name, tuple(sample.labels.items())): sample.value for sample in samples}


def test_voices_and_their_work_are_counted() -> None:
    amber = (("voice", "amber"),)
    with voxstack.Voices(scheduler=voxstack.Scheduler()) as voices:
        service = Service(voices, ["amber"], limits=Limits(streams=1))

        async def speak() -> None:
            async with aclosing(service.stream("amber", "Hello there.")) as chunks:
                await anext(chunks)
                assert figures(service)["voxstack_streams_running", ()] == 1
                with pytest.raises(CapacityError):
                    await anext(service.stream("amber", "Hello."))
                async for _ in chunks:
                    pass

        asyncio.run(speak())
        until(lambda: voices.scheduler.streams == 0)  # a thread closes the stream
        found = figures(service)
        assert found["voxstack_voice_loaded", amber] == 1
        assert found["voxstack_voice_bytes", amber] > 1e6
        assert found["voxstack_streams_refused_total", (("reason", "streams"),)] == 1
        seconds = found["voxstack_audio_seconds_total", amber]
        assert found["voxstack_work_audio_seconds_total", amber] == pytest.approx(seconds)
        assert 0 < found["voxstack_work_seconds_total", amber] < 100 * seconds
        assert found["voxstack_real_time_factor_count", amber] == 1
        assert figures(service)["voxstack_work_audio_seconds_total", amber] == pytest.approx(seconds)
        voices.unload("amber")
        assert figures(service)["voxstack_voice_loaded", amber] == figures(service)["voxstack_voice_bytes", amber] == 0
        assert found["process_start_time_seconds", ()] > 1e9


def test_the_bytes_of_a_voice_are_those_of_all_its_contexts() -> None:
    with voxstack.Voices() as voices:
        service = Service(voices, ["amber"], contexts=["fixed"])
        service.warm("amber")
        rows = voices.status()
        assert [row.context for row in rows] == ["fixed", None]
        taken = figures(service)["voxstack_voice_bytes", (("voice", "amber"),)]
        assert taken == sum(row.own + row.shared for row in rows) > max(row.own + row.shared for row in rows)


@pytest.mark.parametrize(("budget", "outcome"), [(1, "refused"), (None, "failed")])
def test_a_request_whose_voice_cannot_be_loaded_counts_once(
    budget: int | None, outcome: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "voxstack.serve")
    folder = tmp_path / "amber"
    shutil.copytree(voxstack.Registry.installed().locate("amber")[0], folder)
    for file in () if budget else folder.rglob("*.onnx"):
        file.write_bytes(b"none")
    with voxstack.Voices(budget) as voices:
        service = Service(voices, [str(folder)])
        body = {"model": "m", "voice": "amber", "input": "Hello."}
        with serving(service) as address, pytest.raises(HTTPError) as error:
            urlopen(Request(f"{address}/v1/audio/speech", json.dumps(body).encode()))
        assert error.value.code == (503 if budget else 500)
        found = {name: value for (kind, name), value in figures(service).items() if kind == "voxstack_streams_total"}
        assert found == {(("outcome", outcome), ("voice", "amber")): 1}
        reasons = {name: n for (kind, name), n in figures(service).items() if kind == "voxstack_streams_refused_total"}
        assert reasons == ({(("reason", "memory"),): 1} if budget else {})
    (fields,) = (vars(record)["fields"] for record in caplog.records if record.getMessage() == "stream")
    assert (fields["protocol"], fields["format"], fields["outcome"]) == ("openai", "mp3", outcome)
