"""Files of pools: what they say, and what is wrong with them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from voxstack import RequestError, VoxstackError
from voxstack_serve_ray.pools import Bounds, Pool, parse_pools, pool_of, read_pools


def test_a_file_of_pools_is_read(tmp_path: Path) -> None:
    path = tmp_path / "pools.json"
    gpu = {"voices": ["dia", "voices/"], "gpus": 0.5, "context": "torch:cuda", "replicas": {"min": 1, "max": 4}}
    path.write_text(json.dumps({"pools": {"default": {"replicas": 2, "cpus": 2}, "gpu": gpu}}))
    default, other = read_pools(path)
    assert default == Pool(replicas=Bounds(2, 2), cpus=2)
    assert other == Pool("gpu", ("dia", "voices/"), Bounds(1, 4), gpus=0.5, context="torch:cuda")
    assert [pool_of(source, [default, other]).name for source in ("dia", "voices/anna", "voices/b.zip")] == ["gpu"] * 3
    assert pool_of("amber", [default, other]) is default


def test_a_voice_without_a_pool_is_refused() -> None:
    with pytest.raises(RequestError, match="no pool has the voice cobalt; name it"):
        pool_of("cobalt", [Pool(voices=("amber",))])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({}, "pools"),
        ({"pools": {"Default": {}}}, "Default"),
        ({"pools": {"default": {"cpu": 2}}}, "did you mean 'cpus'"),
        ({"pools": {"default": {"replicas": 0}}}, "replicas"),
        ({"pools": {"default": {"replicas": {"min": 3, "max": 2}}}}, "min is 3, more than max, 2"),
        ({"pools": {"a": {}, "b": {}}}, "the pools a, b name no voices"),
    ],
)
def test_what_is_wrong_is_stated(content: Any, message: str) -> None:
    with pytest.raises(VoxstackError, match=r"pools\.json") as caught:
        parse_pools(content, "pools.json")
    assert message in str(caught.value)


def test_a_file_that_cannot_be_read_is_stated(tmp_path: Path) -> None:
    with pytest.raises(VoxstackError, match="No such file"):
        read_pools(tmp_path / "pools.json")
    (tmp_path / "pools.json").write_text("{")
    with pytest.raises(VoxstackError, match="write JSON"):
        read_pools(tmp_path / "pools.json")
