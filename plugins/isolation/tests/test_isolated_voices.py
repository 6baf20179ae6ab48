"""Voices whose networks run in another process, and networks of other runtimes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import voxstack
from voxstack.networks import NetworkSpec
from voxstack_isolation import worker
from voxstack_isolation.network import IsolatedNetwork

TEXTS = [f"Number {word}, and a word more." for word in ("one", "two", "three", "four", "five", "six")]


def test_many_streams_of_an_isolated_voice_give_the_bits_of_one_in_this_process() -> None:
    scheduler = voxstack.Scheduler(workers=3, load=None, patience=None)
    isolated = voxstack.load("amber", context="isolated", scheduler=scheduler)
    here = voxstack.load("amber", context={"runtime": "onnx"})
    assert {type(next(iter(network._layers.values()))) for network in isolated.addon.opened} == {IsolatedNetwork}
    with ThreadPoolExecutor(len(TEXTS)) as pool:
        streams = [pool.submit(lambda text: [*isolated.stream(text)], text) for text in TEXTS]
    for text, stream in zip(TEXTS, streams, strict=True):
        samples = np.concatenate([chunk.samples for chunk in stream.result()])
        np.testing.assert_array_equal(samples, here.synthesize(text).samples)
    assert {row.provider for row in isolated.contexts()} == {"CPUExecutionProvider, isolated"}


def test_other_runtimes_open_there_as_well(
    spec_of: Callable[[str], NetworkSpec], open_isolated: Callable[..., IsolatedNetwork]
) -> None:
    pytest.importorskip("openvino")
    opened, x = open_isolated("neg", runtime="openvino", device="CPU"), np.ones((1, 3, 2), np.float32)
    assert opened.effective["provider"].endswith(", isolated")
    np.testing.assert_array_equal(opened(frames=x)["mel"], -x)


def test_the_kernel_ends_a_process_that_never_releases_the_interpreter() -> None:
    code = f"""
import ctypes, importlib.util
spec = importlib.util.spec_from_file_location("worker", {str(Path(worker.__file__))!r})
worker = importlib.util.module_from_spec(spec)
spec.loader.exec_module(worker)
worker.end_with_parent()
print("ready", flush=True)
ctypes.PyDLL(None).pause()
"""
    child = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert child.stdin is not None
    assert child.stdout is not None
    assert child.stdout.readline() == b"ready\n"
    child.stdin.close()
    assert child.wait(30) != 0
    child.stdout.close()
