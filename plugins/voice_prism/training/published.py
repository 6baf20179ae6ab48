"""Weights of an addon that was published, to go on training from them.

    python plugins/voice_prism/training/published.py --work WORK

writes ``WORK/published_vocoder.pt`` and ``WORK/published_acoustic.pt``, for ``adversarial.py`` and ``acoustic.py`` with
``--start``, and ``WORK/published_pronunciation.pt``, which ``export.py`` takes where no other was trained. An export keeps its
weights in half precision, and those of linear layers, transposed, under names of their own; they come in the order of the layers.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping
from pathlib import Path

import torch
from fitting import save
from torch import nn

PLUGINS = Path(__file__).resolve().parents[2]
ADDONS = {name: PLUGINS / f"voice_{name}" / "src" / f"voxstack_voice_{name}" / name for name in ("prism", "amber")}
NETWORKS = {
    "vocoder": {"": ("prism", "vocoder")},
    "acoustic": {f"{name}.": ("amber", name) for name in ("encoder", "durations", "prosody", "decoder")},
    "pronunciation": {"": ("amber", "pronunciation")},
}
"""The networks, as addon and name, whose weights are those of a model, by the prefix that they have in it."""

_CONVOLUTION_AS_PRODUCT = "permute"


def published(path: Path) -> dict[str, torch.Tensor]:
    """Return the weights of the ONNX export ``path`` under the names of the module that it was made of, float32."""
    import onnx
    from onnx import numpy_helper

    named, unnamed = {}, []
    model = onnx.load(path)
    parts = {part.name: torch.from_numpy(numpy_helper.to_array(part).copy()) for part in model.graph.initializer}
    for name, value in parts.items():
        bare = name.removesuffix(".half").removeprefix("module.")
        if name.startswith("module."):
            named[bare] = value.float()
        elif bare.startswith(_CONVOLUTION_AS_PRODUCT):
            named["trunk.start.weight"] = value.float().transpose(1, 2)
        elif re.fullmatch(r"val_\d+", bare) and value.ndim == 2:
            unnamed.append((int(bare[4:]), value.float().T))
    linear = [name for name in _in_order(named) if name.removesuffix("bias") + "weight" not in named]
    if len(linear) != len(unnamed):
        raise ValueError(
            f"{path} has {len(unnamed)} matrices without a name for {len(linear)} linear layers; was it exported here?"
        )
    for name, (_, value) in zip(linear, sorted(unnamed, key=lambda pair: pair[0]), strict=True):
        named[name.removesuffix("bias") + "weight"] = value
    return {name: value.contiguous() for name, value in named.items()}


def of_model(model: str) -> dict[str, torch.Tensor]:
    """Return the published weights of one of :data:`NETWORKS`, as far as its addon has them."""
    state = {}
    for prefix, (addon, network) in NETWORKS[model].items():
        path = ADDONS[addon] / f"{network}.onnx"
        if path.exists():  # networks come with versions
            state.update({prefix + name: value for name, value in published(path).items()})
    return state


def _in_order(named: Mapping[str, torch.Tensor]) -> list[str]:
    """Biases in the order of the layers: what comes before the blocks, the blocks, the rest."""
    place = lambda name: (0 if re.search(r"positions|start", name) else 1 if "blocks" in name else 2, name)  # noqa: E731
    return sorted((name for name in named if name.endswith(".bias")), key=place)


def take(module: nn.Module, weights: Mapping[str, torch.Tensor]) -> list[str]:
    """Load ``weights`` into ``module``; return the names of those it has and ``weights`` lack, or has in another shape.

    A matrix that has grown by inputs behind the others keeps its old columns; the new ones start at zero.
    """
    state, new = module.state_dict(), []
    for name, own in state.items():
        given = weights.get(name)
        if given is not None and given.shape == own.shape:
            state[name] = given
        elif (
            given is not None
            and given.ndim == own.ndim == 2
            and given.shape[0] == own.shape[0]
            and given.shape[1] < own.shape[1]
        ):
            state[name] = torch.cat([given, torch.zeros(own.shape[0], own.shape[1] - given.shape[1])], 1)
        else:
            new.append(name)
    module.load_state_dict(state)
    return new


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True)
    options = parser.parse_args()
    for model in NETWORKS:
        state = of_model(model)
        save(options.work / f"published_{model}.pt", {"model": state})
        print(f"published: {len(state)} tensors of {model}")
