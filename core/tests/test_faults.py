"""Faults of third parties: whose they are, and that each is a typed error."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from tiny import plugin

import voxstack
from voxstack import (
    BlockError,
    PluginError,
    Registry,
    SequenceBlock,
    StackError,
    StreamableBlock,
    StreamableStack,
    VoxstackError,
)
from voxstack.networks.addon import Addon
from voxstack.streaming.closing import close_all


class Unreadable(Exception):
    def __str__(self) -> str:
        raise KeyError("no text")


@dataclass
class Start(StreamableBlock):
    """Starts a stream of one chunk."""

    needs = frozenset({"text"})
    head = True
    makes = "samples"

    def stream(self, source: Any, utterance: Any) -> Any:
        yield np.zeros(4, np.float32)
        yield np.zeros(4, np.float32)


@dataclass
class Pass(StreamableBlock):
    """Passes all, by a generator of its own."""

    def stream(self, source: Any, utterance: Any) -> Any:
        yield from source


def block(base: type = StreamableBlock, **members: Any) -> type:
    """Return a block class named Odd with these members."""
    defaults: dict[str, Any] = {"stream": Pass.stream} if base is StreamableBlock else {"__call__": lambda self, _: {}}
    return dataclass(type("Odd", (base,), {"__doc__": "Odd.", "__annotations__": {}, **defaults, **members}))


def load(open_tiny: Callable[..., Any], odd: type, stack: list[Any]) -> voxstack.Voice:
    return voxstack.Voice(open_tiny([Start, Pass, odd], stack=stack))


ODD = {"type": "Odd"}
LIST = [{"type": "Start"}, {"type": "Pass"}, ODD]


def raiser(error: Exception) -> Callable[..., Any]:
    def fail(*_: Any, **__: Any) -> Any:
        raise error

    return fail


@pytest.mark.parametrize("error", [KeyError("x"), TypeError("y"), RecursionError("z"), Unreadable()], ids=repr)
@pytest.mark.parametrize(
    "member", ["load", "__post_init__", "head", "needs", "takes", "makes", "lookahead", "hop", "chunk_sizes"]
)
def test_a_block_that_fails_when_it_is_built_is_named(
    open_tiny: Callable[..., Any], member: str, error: Exception
) -> None:
    fail = raiser(error) if member in ("load", "__post_init__") else property(raiser(error))
    with pytest.raises(StackError, match=rf"^stack\[2\]: Odd: {type(error).__name__}"):
        load(open_tiny, block(**{member: fail}), LIST)


@pytest.mark.parametrize("member", ["load", "__post_init__", "gives", "needs"])
def test_a_sequence_block_that_fails_when_it_is_built_is_named(open_tiny: Callable[..., Any], member: str) -> None:
    fail = raiser(KeyError("x")) if member in ("load", "__post_init__") else property(raiser(KeyError("x")))
    pipeline = {"type": "StreamablePipeline", "sequence_block": ODD, "streamable_block": {"type": "Start"}}
    with pytest.raises(StackError, match=r"^stack\[0\]\.sequence_block: Odd: KeyError"):
        load(open_tiny, block(SequenceBlock, **{member: fail}), [pipeline])


def test_a_block_with_an_annotation_that_names_nothing_is_named(open_tiny: Callable[..., Any]) -> None:
    odd = type("Odd", (StreamableBlock,), {"__annotations__": {"size": "Nothing"}, "stream": Pass.stream, "size": 1})
    with pytest.raises(StackError, match=r"^stack\[2\]: Odd cannot be described: NameError"):
        load(open_tiny, dataclass(odd), LIST)


@pytest.mark.parametrize(
    "hook", ["voxstack_open_network", "voxstack_wrap_network", "voxstack_context", "voxstack_check_addon"]
)
def test_a_hook_that_fails_names_its_plugin(
    open_tiny: Callable[..., Any], write_addon: Callable[..., Any], doubling: dict[str, Any], hook: str
) -> None:
    arguments = {
        "voxstack_open_network": lambda spec, context: {}["x"],
        "voxstack_wrap_network": lambda network, spec, context: {}["x"],
        "voxstack_context": lambda name, addon: {}["x"],
        "voxstack_check_addon": lambda files: {}["x"],
    }
    called = arguments[hook]
    called.__name__ = hook
    bad = type("Plugin", (), {hook: staticmethod(voxstack.hookimpl(called))})()
    registry = Registry({"tiny": plugin([], {"decoder": lambda **_: {}}), "bad": bad})
    path = write_addon(networks={"decoder": doubling})
    context = "elsewhere" if hook == "voxstack_context" else None
    with pytest.raises(PluginError, match=rf"{hook} of plugin 'bad' \(bad\) failed: KeyError: 'x'; update or"):
        Addon.open(path, registry, context).network("decoder")


@pytest.mark.parametrize(
    ("chunk", "problem"),
    [
        ([0.0, 0.0], r"^stack\[2\]: Odd: TypeError: gave a chunk of type list; yield numpy arrays"),
        (b"abcd", r"^stack\[2\]: Odd: TypeError: gave a chunk of type bytes"),
        (..., r"^stack\[2\]: Odd: TypeError: gave a chunk of type ellipsis"),
        (np.float32(1), r"^stack\[2\]: Odd: TypeError: gave a chunk of type float32"),
        (np.zeros(2, complex), r"^stack: a voice ends in samples of type float32 in -1..1, and this one gave complex"),
        (np.zeros(2, np.int16), r"^stack: a voice ends in samples of type float32 in -1..1, and this one gave int16"),
        (np.array([None]), r"^stack: a voice ends in samples of type float32 in -1..1, and this one gave object"),
        (np.array(["a"]), r"^stack: a voice ends in samples of type float32 in -1..1, and this one gave <U1"),
        (np.array([0, np.nan], np.float32), r"^stack: a voice ends in finite samples, and this one gave NaN"),
        (np.array([np.inf, -np.inf], np.float32), r"^stack: a voice ends in finite samples"),
        (np.zeros((2, 2), np.float32), r"^stack: a voice ends in samples, \(samples,\), and this one gave the shape"),
        (np.zeros((), np.float32), r"^stack: a voice ends in samples, \(samples,\), and this one gave the shape"),
    ],
    ids=repr,
)
def test_a_voice_that_ends_in_something_else_than_samples_is_an_error(
    open_tiny: Callable[..., Any], chunk: Any, problem: str
) -> None:
    voice = load(open_tiny, block(stream=lambda self, source, utterance: iter([chunk])), LIST)
    with pytest.raises(VoxstackError, match=problem):
        list(voice.stream("a"))
    assert not voice.scheduler.streams


def test_large_finite_samples_are_samples(open_tiny: Callable[..., Any]) -> None:
    largest = np.full(8, np.finfo(np.float32).max)
    voice = load(open_tiny, block(stream=lambda self, source, utterance: iter([largest])), LIST)
    assert len(voice.synthesize("a").samples) == 8


@pytest.mark.parametrize("error", [KeyError("x"), Unreadable(), MemoryError()], ids=repr)
@pytest.mark.parametrize(
    "stream",
    [
        lambda error: lambda self, source, utterance: (fail(error) for chunk in source),
        lambda error: lambda self, source, utterance: map(functools.partial(fail, error), source),
        lambda error: lambda self, source, utterance: fail(error),
    ],
    ids=["inner generator", "map", "at once"],
)
def test_a_block_without_a_generator_of_its_own_is_not_taken_for_its_neighbour(
    open_tiny: Callable[..., Any], stream: Callable[..., Any], error: Exception
) -> None:
    voice = load(open_tiny, block(stream=stream(error)), [{"type": "Start"}, ODD, {"type": "Pass"}])
    with pytest.raises(BlockError, match=r"^stack\[1\]: Odd: "):
        list(voice.stream("a"))


def fail(error: Exception, _: Any = None) -> Any:
    raise error


def test_an_error_in_a_network_of_encoders_names_the_block(open_tiny: Callable[..., Any]) -> None:
    @dataclass
    class Inner(SequenceBlock):
        """A block that another one makes for itself."""

        def __call__(self, utterance: Any) -> Any:
            raise KeyError("tokens")

    odd = block(SequenceBlock, __call__=lambda self, utterance: Inner()(utterance))
    pipeline = {"type": "StreamablePipeline", "sequence_block": ODD, "streamable_block": {"type": "Start"}}
    voice = load(open_tiny, odd, [pipeline])
    with pytest.raises(BlockError, match=r"^stack\[0\]\.sequence_block: Odd: KeyError: 'tokens'"):
        list(voice.stream("a"))


def test_all_streams_are_closed_even_if_closing_one_fails(open_tiny: Callable[..., Any]) -> None:
    closed: list[int] = []

    def chunks(number: int, error: Exception | None) -> Iterator[np.ndarray]:
        try:
            yield np.zeros(1)
        finally:
            closed.append(number)
            if error is not None:
                raise error

    streams = [chunks(0, None), chunks(1, KeyError("first")), chunks(2, OSError("second")), chunks(3, None)]
    for stream in streams:
        next(stream)
    with pytest.raises(KeyError, match="first"):
        close_all(streams)
    assert closed == [0, 1, 2, 3]


def test_a_stream_whose_closing_fails_is_not_counted_for_ever(open_tiny: Callable[..., Any]) -> None:
    def stream(self: Any, source: Any, utterance: Any) -> Any:
        try:
            yield from source
        finally:
            raise OSError("cannot be closed")

    voice = load(open_tiny, block(stream=stream), [{"type": "Start"}, ODD, {"type": "Pass"}])
    stream_ = voice.stream("a")
    next(stream_)
    assert voice.scheduler.streams == 1
    with pytest.raises(OSError, match="cannot be closed"):
        stream_.close()
    assert voice.scheduler.streams == 0
    assert isinstance(voice.block, StreamableStack)


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("needs", "text"),
        ("needs", ["text"]),
        ("limits", None),
        ("head", None),
        ("takes", 1),
        ("lookahead", 1.5),
        ("hop", "2"),
        ("chunk_sizes", [64]),
    ],
)
def test_a_declaration_of_a_wrong_type_is_refused(open_tiny: Callable[..., Any], member: str, value: Any) -> None:
    with pytest.raises(StackError, match=rf"^stack\[2\]: Odd: {member} is .*, and must be .*; correct the plugin"):
        load(open_tiny, block(**{member: value}), LIST)
