from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from tiny import network, plugin, tensor

from voxstack import ContextError, NetworkError, Registry
from voxstack.networks import Context, Network, NetworkSpec
from voxstack.networks.opening import NetworkPool
from voxstack.networks.sizes import PerSize, combinations, fixed_axes, free_axes, limits_of, require_all_fixed

ENCODER = network(
    "encoder",
    {
        "tokens": tensor("batch", "tokens", dtype="int64"),
        "style": tensor("batch", "bands", 3),
        "mask": tensor("batch", "tokens", mask=True),
    },
    {"encoded": tensor("batch", "tokens", 2), "steps": tensor("batch", "steps")},
    lengths={"steps": {"axis": "tokens", "times": 3}},
    measured={"mask_error": {"tokens": 1e-7}, "batch_error": 0.5},
)
VOCODER = network(
    "vocoder",
    {"mel": tensor("batch", "frames", 4)},
    {"samples": tensor("batch", "samples"), "energy": tensor("batch", "frames")},
    streaming={"axis": "frames", "left": 1, "right": 1, "hop": 5},
)
STEP = network("step", {"frame": tensor("batch", 4)}, {"next": tensor("batch", 4)})


def spec(config: dict[str, Any] = ENCODER) -> NetworkSpec:
    return NetworkSpec.of("net", config, "digest", lambda name: None, False)  # type: ignore[arg-type,return-value]


def fixed(**shapes: tuple[int, ...]) -> Context:
    return Context("python", shapes=shapes)


def test_a_context_fixes_the_axes_that_it_names_and_then_the_batch() -> None:
    assert fixed_axes(spec(), fixed(tokens=(8, 16), frames=(64,))) == {"batch": (1,), "tokens": (8, 16)}
    assert fixed_axes(spec(), fixed(tokens=(8,), batch=(1, 4))) == {"batch": (1, 4), "tokens": (8,)}
    assert fixed_axes(spec(), fixed(frames=(64,))) == fixed_axes(spec(), Context()) == {}
    assert free_axes(spec(), fixed(tokens=(8,))) == ["bands"]
    assert free_axes(spec(), Context()) == ["batch", "tokens", "bands"]


def test_combinations_begin_with_the_least_work() -> None:
    made = combinations({"batch": (1, 4), "tokens": (8, 16)})
    assert [tuple(sizes.values()) for sizes in made] == [(1, 8), (1, 16), (4, 8), (4, 16)]


def test_hardware_without_free_axes_says_what_is_missing() -> None:
    with pytest.raises(
        ContextError, match=r"NPU takes tensors of fixed size only, .* leaves \['bands'\] free; .*\"bands\": \["
    ):
        require_all_fixed(spec(), fixed(tokens=(8,)), "NPU")
    with pytest.raises(ContextError, match=r"leaves \['tokens', 'bands'\] free"):
        require_all_fixed(spec(), Context(), "NPU")
    with pytest.raises(ContextError, match=r"leaves \['batch'\] free; .*\"batch\": \[1\]"):
        require_all_fixed(spec(STEP), Context(), "NPU")
    require_all_fixed(spec(), fixed(tokens=(8,), bands=(2,)), "NPU")


def compile_for(sizes: Any) -> Any:
    """Return a runner that fails for any other size, as a compiled network would."""

    def run(**tensors: np.ndarray) -> dict[str, np.ndarray]:
        assert tensors["tokens"].shape == (sizes["batch"], sizes["tokens"])
        return {"encoded": np.full((sizes["batch"], sizes["tokens"], 2), sizes["tokens"], np.float32)}

    run.effective = {"provider": "test", "version": "7"}
    return run


def test_every_size_is_compiled_once_and_no_other_is_taken() -> None:
    compiled: list[dict[str, int]] = []
    per_size = PerSize(spec(), fixed(tokens=(8, 16)), lambda sizes: compiled.append(dict(sizes)) or compile_for(sizes))
    assert compiled == [{"batch": 1, "tokens": 8}, {"batch": 1, "tokens": 16}]
    tokens = np.zeros((1, 16), np.int64)
    assert per_size(tokens=tokens)["encoded"][0, 0, 0] == 16
    for shape in ((1, 12), (2, 8), (1, 0)):
        with pytest.raises(
            NetworkError, match=r"compiled for the sizes {'batch': \[1\], 'tokens': \[8, 16\]}, and asked for {'b"
        ):
            per_size(tokens=np.zeros(shape, np.int64))
    assert len(compiled) == per_size.stats["compilations"] == 2
    assert per_size.effective == {"provider": "test", "version": "7", "shapes": {"batch": (1,), "tokens": (8, 16)}}
    with pytest.raises(ContextError, match="the context fixes none of its axes"):
        PerSize(spec(), Context(), compile_for)


def test_a_network_tells_what_it_runs_in_and_what_its_plugins_counted() -> None:
    around = SimpleNamespace(fixed_shapes=True, stats={"calls": 3})
    wrapping = plugin(voxstack_wrap_network=lambda network, spec, context: _Around(network, around))
    runtime = plugin(voxstack_open_network=lambda spec, context: PerSize(spec, context, compile_for))
    opened = (
        Registry({"runtime": runtime, "fixed": wrapping})
        .shared(NetworkPool)
        .open(spec(), Context("python", "NPU", shapes={"tokens": (8,)}, name="npu"))
    )
    found = opened.effective
    assert (found.network, found.role, found.runtime, found.device, found.provider) == (
        "net",
        "encoder",
        "python",
        "NPU",
        "test",
    )
    assert (found.precision, found.threads, found.form, found.version, found.requested) == (
        "float32",
        1,
        "whole",
        "7",
        "npu",
    )
    assert found.shapes == {"batch": (1,), "tokens": (8,)}
    assert opened.stats == {"runtime": {"compilations": 1}, "fixed": {"calls": 3}}


class _Around:
    def __init__(self, network: Any, told: Any) -> None:
        self._network, self.fixed_shapes, self.stats = network, told.fixed_shapes, told.stats

    def __call__(self, **tensors: np.ndarray) -> Any:
        return self._network(**tensors)


def test_only_networks_with_a_fixed_axis_need_a_plugin_that_keeps_to_it() -> None:
    registry = Registry(
        {"runtime": plugin(voxstack_open_network=lambda spec, context: compile_for({"batch": 1, "tokens": 8}))}
    )
    registry.shared(NetworkPool).open(spec(), fixed(frames=(64,)))
    with pytest.raises(ContextError, match="pip install voxstack-fixed-shapes"):
        registry.shared(NetworkPool).open(spec(), fixed(tokens=(8,)))


def test_wrappers_are_called_in_pluggys_order() -> None:
    order: list[str] = []

    def wrapper(name: str) -> Any:
        def voxstack_wrap_network(network: Any, spec: Any, context: Any) -> Any:
            order.append(name)

        return voxstack_wrap_network

    import voxstack

    near = SimpleNamespace(voxstack_wrap_network=voxstack.hookimpl(wrapper("near"), tryfirst=True))
    runtime = plugin(voxstack_open_network=lambda spec, context: compile_for({}))
    Registry({"runtime": runtime, "near": near, "far": plugin(voxstack_wrap_network=wrapper("far"))}).shared(
        NetworkPool
    ).open(spec(), Context("python"))
    assert order == ["near", "far"]


def test_the_length_of_an_output_axis() -> None:
    assert spec().length("tokens") == ("tokens", 1)
    assert spec().length("steps") == ("tokens", 3)
    assert spec(VOCODER).length("samples") == ("frames", 5)
    assert spec(VOCODER).length("frames") == ("frames", 1)
    assert spec({**ENCODER, "lengths": {}}).length("steps") is None
    assert spec().mask_error == {"tokens": 1e-7}


def test_limits_are_what_must_be_cut_before() -> None:
    opened = lambda config, context: Network(spec(config), context, compile_for({}))  # noqa: E731
    assert limits_of(opened(ENCODER, fixed(tokens=(8, 16)))) == {"tokens": 16}
    assert limits_of(opened(ENCODER, fixed(tokens=(8,), bands=(5,)))) == {"tokens": 8, "style": 5}
    assert limits_of(opened(ENCODER, Context("python"))) == {}
    assert limits_of(opened(ENCODER, Context("python", shapes={"tokens": (8,)}, split=False))) == {}
    assert limits_of(opened(VOCODER, fixed(frames=(64,)))) == {}  # it runs on windows, which are cut where it is called
