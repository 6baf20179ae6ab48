"""Weights of the addons in this checkout, to continue training from them.

    python plugins/voice_prism/training/published_weights.py --work WORK

writes ``WORK/published_vocoder.pt`` and ``WORK/published_acoustic.pt``, for ``adversarial.py`` and ``acoustic.py`` with
``--start``, and ``WORK/published_pronunciation.pt``, which ``export.py`` uses if no other network was trained. An
export keeps its weights in half precision. It keeps the matrices of linear layers transposed and under names of its
own, in the order of the layers.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import nn
from training_loop import save_checkpoint

PLUGINS = Path(__file__).resolve().parents[2]
ADDONS = {name: PLUGINS / f"voice_{name}" / "src" / f"voxstack_voice_{name}" / name for name in ("prism", "amber")}
NETWORKS = {
    "vocoder": {"": ("prism", "vocoder")},
    "acoustic": {f"{name}.": ("amber", name) for name in ("encoder", "durations", "prosody", "decoder")},
    "pronunciation": {"": ("amber", "pronunciation")},
}
"""For each model, the networks (addon and name) that have its weights, by the prefix of these weights in the model."""

_CONVOLUTION_AS_PRODUCT = "permute"


def onnx_weights(path: Path) -> dict[str, torch.Tensor]:
    """Return the weights of an ONNX export, float32, under the names that they have in the exported module.

    :raises ValueError: if they cannot be matched to the module's linear layers.
    """
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
    linear = [name for name in _biases_in_order(named) if name.removesuffix("bias") + "weight" not in named]
    if len(linear) != len(unnamed):
        problem = f"{path} has {len(unnamed)} unnamed matrices for {len(linear)} linear layers"
        raise ValueError(f"{problem}; use an export that the scripts in this folder made")
    for name, (_, value) in zip(linear, sorted(unnamed, key=lambda pair: pair[0]), strict=True):
        named[name.removesuffix("bias") + "weight"] = value
    return {name: value.contiguous() for name, value in named.items()}


def published_weights(model: str) -> dict[str, torch.Tensor]:
    """Return the published weights of one of :data:`NETWORKS`, as far as its addon has them."""
    state = {}
    for prefix, (addon, network) in NETWORKS[model].items():
        path = ADDONS[addon] / f"{network}.onnx"
        if path.exists():  # an older version may lack a network
            state.update({prefix + name: value for name, value in onnx_weights(path).items()})
    return state


def _biases_in_order(named: Mapping[str, torch.Tensor]) -> list[str]:
    """Return the names of biases in the order of the layers: those before the blocks, the blocks, the rest."""
    order = lambda name: (0 if re.search(r"positions|start", name) else 1 if "blocks" in name else 2, name)  # noqa: E731
    return sorted((name for name in named if name.endswith(".bias")), key=order)


def load_matching(module: nn.Module, weights: Mapping[str, torch.Tensor]) -> list[str]:
    """Load ``weights`` into ``module``, and return the names of the module's weights that could not be loaded.

    Those are missing in ``weights``, or have another shape there. A matrix with additional inputs after the others
    keeps its old columns; the new columns start at zero.
    """
    state, missing = module.state_dict(), []
    for name, own in state.items():
        saved = weights.get(name)
        if saved is not None and saved.shape == own.shape:
            state[name] = saved
        elif saved is not None and _has_grown(saved, own):
            state[name] = torch.cat([saved, torch.zeros(own.shape[0], own.shape[1] - saved.shape[1])], 1)
        else:
            missing.append(name)
    module.load_state_dict(state)
    return missing


def _has_grown(saved: torch.Tensor, own: torch.Tensor) -> bool:
    same_rows = saved.ndim == own.ndim == 2 and saved.shape[0] == own.shape[0]
    return same_rows and saved.shape[1] < own.shape[1]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True, help="folder for the checkpoints")
    options = parser.parse_args()
    for model in NETWORKS:
        state = published_weights(model)
        save_checkpoint(options.work / f"published_{model}.pt", {"model": state})
        print(f"published: {len(state)} tensors of {model}")
