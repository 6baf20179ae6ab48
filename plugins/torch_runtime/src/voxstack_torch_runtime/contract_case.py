"""A network for the contract kit, in the format that the torch runtime opens."""

from __future__ import annotations

import dataclasses
from typing import Any

import torch

from voxstack.networks import Context
from voxstack.testing import RuntimeCase
from voxstack.testing.samples import frames_network


class _Frames(torch.nn.Module):
    """Computes what the kit's network of frames does."""

    def __init__(self, weight: Any, bias: Any) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.from_numpy(weight), requires_grad=False)
        self.bias = torch.nn.Parameter(torch.from_numpy(bias), requires_grad=False)

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        return torch.relu(frames @ self.weight + self.bias)


def contract_case(open_network: Any, devices: Any) -> RuntimeCase:
    """Return the case: the network, exported with free batch and frames, on the CPU.

    :param open_network: the hook ``voxstack_open_network``, and ``devices`` the hook ``voxstack_devices``.
    """
    sample = frames_network()
    path = sample.spec.path("frames.pt2")
    free = {0: torch.export.Dim.AUTO, 1: torch.export.Dim.AUTO}
    module = _Frames(*(sample.constants[name] for name in ("weight", "bias"))).eval()
    with torch.no_grad():
        program = torch.export.export(module, (torch.randn(2, 17, 3),), dynamic_shapes=(free,))
        torch.export.save(program, path)
    sample = dataclasses.replace(sample, spec=dataclasses.replace(sample.spec, exports={"pt2": ("frames.pt2",)}))
    return RuntimeCase(open_network, sample, Context("torch"), devices=lambda: devices(None))
